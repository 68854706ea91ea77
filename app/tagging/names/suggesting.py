"""Which tag a name that waits may mean, with what speaks for it, best first.

Names, sounds and people are put together for a page of names at once: the people by a statement
for each name. A name that thousands carry is judged by some of them.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.identity.models import Identifier, Physician
from app.infra.direct import Direct
from app.infra.many import among
from app.tagging import naming
from app.tagging.models import Tag, TagAssertion, TagSighting, TagSynonym, UnmappedName
from app.tagging.names.alike import (
    CONFIDENT,
    MARGIN,
    WORTH_SHOWING,
    Signals,
    by_sight,
    by_sound,
    together,
)

LOOKED_AT = 400  # carriers of one name
AT_LEAST = 5  # of fewer carriers nothing is said
Counts = Mapping[int, Mapping[int, int]]
"""name id → tag id → how many of the carriers that were looked at."""


@dataclass(frozen=True, slots=True)
class Suggestion:
    """A tag that a name may mean. `alike`: the name of the tag that looks or sounds like it; `have`
    of `carriers` have the tag already, `opened` have opened contents about it."""

    tag_id: int
    score: float
    confident: bool
    signals: Signals
    alike: str
    have: int
    opened: int
    carriers: int


@dataclass(frozen=True, slots=True)
class Carriers:
    """Persons who carry each name: not more than `LOOKED_AT`."""

    of_name: Mapping[int, Sequence[str]]


def carriers(session: Session, names: Collection[UnmappedName]) -> Carriers:
    """Who carries these names."""
    found: dict[int, list[str]] = {}
    for name in names:
        chosen = (
            select(Identifier.one_id)
            .join(TagSighting, TagSighting.identifier_id == Identifier.id)
            .where(TagSighting.source == name.source, TagSighting.raw == name.raw)
            .order_by(TagSighting.id)
            .limit(LOOKED_AT)
        )
        found[name.id] = list(dict.fromkeys(session.scalars(chosen))) if name.seen else []
    return Carriers(found)


def suggestions(
    session: Session,
    names: Collection[UnmappedName],
    found: Carriers,
    opened: Counts,
    limit: int = 3,
) -> dict[int, list[Suggestion]]:
    """Up to `limit` tags for each name, by its id. `opened`: what carriers have opened."""
    known = _names(session)
    have = _have(session, found)
    base = _bases(session, {tag for tags in have.values() for tag in tags})
    told = {}
    for name in names:
        people = len(found.of_name.get(name.id, ()))
        judge = _Judge(naming.fold(name.raw), people, have.get(name.id, {}), base)
        told[name.id] = judge.best(known, opened.get(name.id, {}), limit)
    return told


@dataclass(frozen=True, slots=True)
class _Judge:
    raw: str
    carriers: int
    have: Mapping[int, int]
    base: Mapping[int, float]

    def best(
        self, known: Mapping[int, Sequence[str]], opened: Mapping[int, int], limit: int
    ) -> list[Suggestion]:
        found = [self._of(tag, names, opened.get(tag, 0)) for tag, names in known.items()]
        found = [one for one in found if one.score >= WORTH_SHOWING]
        found.sort(key=lambda one: (-one.score, one.tag_id))
        return [self._weighed(one, found) for one in found[:limit]]

    def _of(self, tag: int, names: Sequence[str], opened: int) -> Suggestion:
        sight, sound, alike = 0.0, 0.0, ""
        for name in names:
            seen, heard = by_sight(self.raw, name), by_sound(self.raw, name)
            if max(seen, heard) > max(sight, sound):
                alike = name
            sight, sound = max(sight, seen), max(sound, heard)
        have, enough = self.have.get(tag, 0), self.carriers >= AT_LEAST
        signals = Signals(
            sight, sound,
            together(have, self.carriers, self.base.get(tag, 0.0)) if enough else 0.0,
            together(opened, self.carriers, 0.1) if enough else 0.0,
        )  # fmt: skip
        return Suggestion(tag, signals.score, False, signals, alike, have, opened, self.carriers)

    @staticmethod
    def _weighed(one: Suggestion, found: Sequence[Suggestion]) -> Suggestion:
        others = [other.score for other in found if other.tag_id != one.tag_id]
        sure = one.score >= CONFIDENT and one.score >= max(others, default=0.0) + MARGIN
        return Suggestion(
            one.tag_id, one.score, sure, one.signals, one.alike, one.have, one.opened,
            one.carriers,
        )  # fmt: skip


def _have(session: Session, found: Carriers) -> dict[int, dict[int, int]]:
    return {
        name: dict(_HAVE.all(session, {"people": people}))
        for name, people in found.of_name.items() if people
    }  # fmt: skip


def _names(session: Session) -> dict[int, list[str]]:
    rows = session.execute(
        select(TagSynonym.tag_id, TagSynonym.raw)
        .join(Tag, Tag.id == TagSynonym.tag_id)
        .where(Tag.active.is_(True))
        .order_by(TagSynonym.id)
    )
    found: dict[int, list[str]] = defaultdict(list)
    for tag_id, raw in rows:
        found[tag_id].append(raw)
    return found


def _bases(session: Session, tag_ids: Collection[int]) -> dict[int, float]:
    """What share of all physicians somebody says has the tag."""
    everybody = session.scalar(
        select(func.count()).select_from(Physician).where(Physician.live.is_(True))
    )
    rows = session.execute(
        select(TagAssertion.tag_id, func.count(TagAssertion.identifier_id.distinct()))
        .where(TagAssertion.tag_id.in_(tag_ids), TagAssertion.superseded_at.is_(None))
        .group_by(TagAssertion.tag_id)
    )
    return {tag_id: min(1.0, number / max(everybody or 0, 1)) for tag_id, number in rows}


_HAVE = Direct(
    select(TagAssertion.tag_id, func.count(Identifier.one_id.distinct()))
    .join(Identifier, Identifier.id == TagAssertion.identifier_id)
    .where(among(Identifier.one_id, "people"))
    .where(TagAssertion.superseded_at.is_(None), TagAssertion.confidence > 0)
    .group_by(TagAssertion.tag_id),
    lambda tag_id, number: (tag_id, number),
)
