"""What is compared of a physician, in the form in which it is compared. Pure.

Everything that is more than a look at two values is done here, once for each physician, so that
comparing a pair costs a microsecond, and so that the same comparison can be written in SQL.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import NamedTuple

from app.hospitals import departments, names, normalise, titles, veto
from app.identity.names import clean, pinyin, surname

TAIL, HEAD = 4, 7  # the last digits of a phone, and those that say operator and region
RESOLVED = "#"  # before the number of an institution that the table of aliases gives
_LADDERS = (
    ("助理医师", "住院医师", "主治医师", "副主任医师", "主任医师"),
    ("药师", "主管药师", "副主任药师", "主任药师"),
    ("技师", "主管技师", "副主任技师", "主任技师"),
    ("护士", "护师", "主管护师", "副主任护师", "主任护师"),
)
_RANKS = {
    title: 10 * ladder + step
    for ladder, steps in enumerate(_LADDERS, start=1)
    for step, title in enumerate(steps)
}


class Features(NamedTuple):
    """A physician, to compare. Empty texts, None and empty sets: not known.

    `institution` is the same for the same institution only, "" when the name alone does not tell;
    `hospital` is one form of its written name, `kinds` what that name says about which one it is.
    """

    name: str
    surname: str
    pinyin: str
    hospital: str
    institution: str
    kinds: str
    city: str
    department: str
    title: int | None
    phones: frozenset[str]
    tails: frozenset[str]
    heads: frozenset[str]

    def __repr__(self) -> str:
        """Without what it holds: it is personal data, and this may reach a log."""
        return "Features(…)"


def features(
    values: Mapping[str, str | None], phones: Iterable[str] = (), hospital_id: int | None = None
) -> Features:
    """Of name, hospital, department, title and city as a source wrote them, and phones (+86…).

    `hospital_id`: which institution the table of aliases says it is.
    """
    name = clean(values.get("name") or "")
    written = values.get("hospital") or ""
    city = _city(values.get("city") or "")
    official = names.read(written).official if written else ""
    digits = frozenset(phone.removeprefix("+86") for phone in phones)
    return Features(
        name=name,
        surname=surname(name),
        pinyin=pinyin(name),
        hospital=normalise.key(official),
        institution=_institution(official, city, hospital_id),
        kinds=_kinds(official),
        city=city,
        department=_department(values.get("department") or ""),
        title=_RANKS.get(titles.standard(values.get("title") or "") or ""),
        phones=digits,
        tails=frozenset(phone[-TAIL:] for phone in digits),
        heads=frozenset(phone[:HEAD] for phone in digits),
    )


def _institution(official: str, city: str, hospital_id: int | None) -> str:
    if hospital_id is not None:
        return f"{RESOLVED}{hospital_id}"
    if not official or (names.is_unplaced(official) and not city):
        return ""
    key = normalise.key(official)
    return f"{key}@{city}" if names.is_unplaced(official) else key


def _kinds(official: str) -> str:
    marks = veto.marks(official)
    return "|".join((*marks.which, *sorted(marks.kinds)))


def _city(text: str) -> str:
    key = normalise.key(text)
    return key.removesuffix("市") or key


def _department(text: str) -> str:
    return departments.standard(text) or normalise.key(text)
