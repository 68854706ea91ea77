"""When a pair is one person without anybody looking: sure, agreed on twice, and unopposed. Pure.

The name alone is never enough, however rare: two colleagues may have it. Hospital with department,
or the whole phone, has to agree as well: of ten thousand phones one has the same last four digits.
Another hospital, department or rank forbids it, whatever else agrees.
"""

from __future__ import annotations

from app.hospitals import veto
from app.linkage.compare import COLUMNS, Levels
from app.linkage.features import RESOLVED

SURE = 0.999
_NAME, _HOSPITAL, _DEPARTMENT, _TITLE, _PHONE = (
    list(COLUMNS).index(column) for column in ("name", "hospital", "department", "title", "phone")
)
_SAME = 0
_AGAINST = tuple(
    (column, COLUMNS[name].index(level))
    for column, name, level in (
        (_HOSPITAL, "hospital", "apart"), (_DEPARTMENT, "department", "else"),
        (_TITLE, "title", "else"),
    )
)  # fmt: skip


def may_join(
    levels: Levels,
    probability: float,
    hospitals: tuple[str, str],
    institutions: tuple[str, str] = ("", ""),
) -> bool:
    """True when nobody has to look. `hospitals`: as written, "" where unknown; `institutions`: as
    in `Features`.

    Whether identifiers or judgements keep the two apart is for the caller to ask.
    """
    if probability < SURE or levels[_NAME] != _SAME:
        return False
    place = levels[_HOSPITAL] == _SAME and levels[_DEPARTMENT] == _SAME
    if not (place or levels[_PHONE] == _SAME):
        return False
    if any(levels[column] == level for column, level in _AGAINST) or _differ(institutions):
        return False
    return not all(hospitals) or not veto.differ(*hospitals)


def _differ(institutions: tuple[str, str]) -> bool:
    """Two that the table of aliases knows, and that are not the same."""
    a, b = institutions
    return a != b and a.startswith(RESOLVED) and b.startswith(RESOLVED)
