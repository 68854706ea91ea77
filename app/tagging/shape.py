"""What the vocabulary says about its active tags: how they fade, and how they stand to others."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.infra.stamp import Stamped
from app.tagging.models import Tag, TagCategory, TagOpposite
from app.tagging.rules import BACK_OFF, VOCABULARY


@dataclass(frozen=True, slots=True)
class Shape:
    """`exclusive`: tag → category of which at most one tag holds. `opposites`: tag → tags that
    contradict it."""

    half_lives: Mapping[int, int | None]
    parents: Mapping[int, int]
    exclusive: Mapping[int, str]
    opposites: Mapping[int, frozenset[int]]

    def family(self, tag_id: int) -> dict[int, float]:
        """The tag and the narrower ones, each with what it counts for."""
        family, layer, factor = {tag_id: 1.0}, {tag_id}, BACK_OFF
        while layer:
            layer = {t for t, parent in self.parents.items() if parent in layer and t not in family}
            family |= dict.fromkeys(layer, factor)
            factor *= BACK_OFF
        return family

    def broader(self, tag_id: int) -> dict[int, float]:
        """The tag and those that it is narrower than, each with what it counts for there."""
        found, factor, here = {tag_id: 1.0}, BACK_OFF, self.parents.get(tag_id)
        while here is not None and here not in found:
            found[here] = factor
            factor, here = factor * BACK_OFF, self.parents.get(here)
        return found

    def rivals(self, tag_ids: Iterable[int]) -> set[int]:
        """Tags that one of these may exclude, or be excluded by."""
        categories = {self.exclusive[t] for t in tag_ids if t in self.exclusive}
        return {t for t, category in self.exclusive.items() if category in categories}


def shape(session: Session) -> Shape:
    """As it is now; shared, not to be changed."""
    return _SHAPE.of(session)


def _read(session: Session) -> Shape:
    rows = session.execute(
        select(Tag.id, Tag.half_life_days, Tag.parent_id, Tag.category_key, TagCategory.exclusive)
        .join(TagCategory, TagCategory.key == Tag.category_key)
        .where(Tag.active.is_(True))
    ).all()
    return Shape(
        half_lives={row.id: row.half_life_days for row in rows},
        parents={row.id: row.parent_id for row in rows if row.parent_id is not None},
        exclusive={row.id: row.category_key for row in rows if row.exclusive},
        opposites=_opposites(session, {row.id for row in rows}),
    )


def _opposites(session: Session, active: set[int]) -> dict[int, frozenset[int]]:
    found: dict[int, set[int]] = defaultdict(set)
    for a, b in session.execute(select(TagOpposite.a_id, TagOpposite.b_id)):
        if a in active and b in active:
            found[a].add(b)
            found[b].add(a)
    return {tag: frozenset(others) for tag, others in found.items()}


_SHAPE = Stamped(VOCABULARY, _read)
