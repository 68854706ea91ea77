"""What holds now, how strongly, and why."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.models import Identifier
from app.tagging.models import Tag, TagAssertion
from app.tagging.rules import Asserted, strength, weight

FAINT = 0.05  # a weaker tag is not shown and not used
CHUNK = 500


@dataclass(frozen=True, slots=True)
class Weight:
    """A tag's effective weight, and the assertion that carries most of it."""

    tag_id: int
    value: float
    source: str
    evidence: str
    at: datetime


@dataclass(frozen=True, slots=True)
class Reason:
    """One assertion about a person, for people to read."""

    id: int
    tag_id: int
    source: str
    evidence: str
    actor: str
    at: datetime
    strength: float


def weights(
    session: Session, one_ids: Iterable[str], now: datetime
) -> dict[str, dict[int, Weight]]:
    """Tags of many persons: {one_id: {tag_id: Weight}}; faint ones are left out."""
    wanted = list(dict.fromkeys(one_ids))
    half_lives = dict(session.execute(select(Tag.id, Tag.half_life_days)).all())
    found: dict[str, dict[int, Weight]] = {one_id: {} for one_id in wanted}
    for start in range(0, len(wanted), CHUNK):
        for (one_id, tag_id), rows in _grouped(session, wanted[start : start + CHUNK]).items():
            value = weight([_asserted(r) for r in rows], half_lives[tag_id], now)
            if value >= FAINT:
                top = max(rows, key=lambda r: strength(_asserted(r), half_lives[tag_id], now))
                found[one_id][tag_id] = Weight(tag_id, value, top.source, top.evidence, top.at)
    return found


def reasons(session: Session, one_id: str, now: datetime) -> dict[int, list[Reason]]:
    """Every active assertion about one person by tag, strongest first."""
    half_lives = dict(session.execute(select(Tag.id, Tag.half_life_days)).all())
    found: dict[int, list[Reason]] = {}
    for (_, tag_id), rows in _grouped(session, [one_id]).items():
        told = [
            Reason(r.id, tag_id, r.source, r.evidence, r.actor, r.at,
                   strength(_asserted(r), half_lives[tag_id], now))
            for r in rows
        ]  # fmt: skip
        found[tag_id] = sorted(told, key=lambda reason: -abs(reason.strength))
    return found


def holders(session: Session, tag_id: int, now: datetime, at_least: float) -> set[str]:
    """ONE IDs for whom the tag holds with at least this weight."""
    tag = session.get_one(Tag, tag_id)
    groups: dict[str, list[Asserted]] = defaultdict(list)
    rows = session.execute(
        select(Identifier.one_id, TagAssertion.source, TagAssertion.confidence, TagAssertion.at)
        .join(Identifier, Identifier.id == TagAssertion.identifier_id)
        .where(TagAssertion.tag_id == tag_id, TagAssertion.superseded_at.is_(None))
    )
    for row in rows:
        groups[row.one_id].append(Asserted(row.source, row.confidence, row.at))
    return {
        one_id
        for one_id, asserted in groups.items()
        if weight(asserted, tag.half_life_days, now) >= at_least
    }


def _grouped(session: Session, one_ids: Sequence[str]) -> dict[tuple[str, int], list[TagAssertion]]:
    rows = session.execute(
        select(Identifier.one_id, TagAssertion)
        .join(Identifier, Identifier.id == TagAssertion.identifier_id)
        .where(Identifier.one_id.in_(one_ids), TagAssertion.superseded_at.is_(None))
    )
    groups: dict[tuple[str, int], list[TagAssertion]] = defaultdict(list)
    for one_id, assertion in rows:
        groups[one_id, assertion.tag_id].append(assertion)
    return groups


def _asserted(row: TagAssertion) -> Asserted:
    return Asserted(row.source, row.confidence, row.at)
