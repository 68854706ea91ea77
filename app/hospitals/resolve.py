"""Which institution a written name means: exactly one, by its table of names, or none. No guess."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.hospitals import names, places
from app.hospitals.models import InstitutionAlias
from app.hospitals.normalise import key

AT_ONCE = 500  # names asked for in one statement


class Known(NamedTuple):
    """One row of the table of names."""

    key: str
    place: str
    province: str
    institution_id: int
    name: str


Table = Mapping[str, Sequence[Known]]
"""Names by key."""


@dataclass(frozen=True, slots=True)
class Asked:
    """A written name with the city and province it came with, "" when unknown."""

    text: str
    city: str = ""
    province: str = ""


@dataclass(frozen=True, slots=True)
class Resolution:
    """The institution, or None with those it might be."""

    institution_id: int | None
    candidates: tuple[int, ...] = ()


def resolve(session: Session, text: str, city: str = "", province: str = "") -> Resolution:
    """The one institution of this exact name, in this city where it is known."""
    asked = Asked(text, city, province)
    return decide(asked, table_of(session, keys_of(text)))


def resolve_many(session: Session, asked: Iterable[Asked]) -> list[Resolution]:
    """The same for many, a few statements together."""
    everything = list(asked)
    table = table_of(session, (one for row in everything for one in keys_of(row.text)))
    return [decide(row, table) for row in everything]


def table_of(session: Session, keys: Iterable[str]) -> Table:
    """The names with these keys."""
    wanted = sorted(set(keys))
    table: dict[str, list[Known]] = defaultdict(list)
    for start in range(0, len(wanted), AT_ONCE):
        few = InstitutionAlias.key.in_(wanted[start : start + AT_ONCE])
        for row in session.execute(_KNOWN.where(few)):
            table[row.key].append(Known(*row))
    return table


def keys_of(text: str) -> list[str]:
    """Under what a written name may be found: as a whole, then by its parts in brackets."""
    name = names.read(text)
    former = names.also_of(" ".join(text.split()))
    parts = [name.official, *(also.name for also in name.aliases)]
    if former is not None and former.kind is names.Kind.FORMER:
        parts.append(former.name)
    return list(dict.fromkeys(found for part in (text, *parts) if (found := key(part))))


def decide(asked: Asked, table: Table) -> Resolution:
    """The whole name decides; if it is unknown, all of its parts that are known must agree."""
    whole, *parts = keys_of(asked.text) or ("",)
    first = _by_key(whole, asked, table)
    if first.institution_id is not None or first.candidates:
        return first
    found = [_by_key(part, asked, table) for part in parts]
    sure = {one.institution_id for one in found if one.institution_id is not None}
    maybe = {candidate for one in found for candidate in one.candidates}
    if len(sure) == 1 and maybe <= sure:
        return Resolution(sure.pop())
    return Resolution(None, tuple(sorted(sure | maybe)))


def _by_key(one: str, asked: Asked, table: Table) -> Resolution:
    rows = table.get(one, ())
    place = places.place(asked.city, asked.province)
    within = places.province(asked.province) if asked.province.strip() else ""
    if place:
        here = [row for row in rows if row.place == place]
        # Where its city is not known, a name counts only when the whole country has it once.
        rows_left = here or (rows if all(not row.place for row in rows) else [])
    else:
        rows_left = [row for row in rows if not names.is_unplaced(row.name)]
    fitting = [row for row in rows_left if not (within and row.province and row.province != within)]
    sure = {row.institution_id for row in fitting}
    if len(sure) == 1:
        return Resolution(sure.pop())
    return Resolution(None, tuple(sorted({row.institution_id for row in rows})))


_KNOWN = select(*(getattr(InstitutionAlias, field) for field in Known._fields))
