"""Whose facts have changed since somebody looked last, for whoever follows audiences."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.segments.changes import unpack
from app.segments.models import SegmentChange, SegmentFact, SegmentPerson, SegmentState

MOST = 200  # pieces of changes of one look
ROWS = 300


@dataclass(frozen=True, slots=True)
class Since:
    """`people` None: more than can be told, so everybody. Look next after (`generation`, `upto`),
    empty while there is no index."""

    people: frozenset[str] | None
    generation: str
    upto: int


def changed_since(
    session: Session, generation: str, upto: int, tags: Collection[int], limit: int = MOST
) -> Since:
    """Of whom the strength of one of these tags, or who their reps are, has changed since."""
    chosen = select(SegmentChange.n, SegmentChange.data).where(SegmentChange.n > upto)
    rows = session.execute(chosen.order_by(SegmentChange.n).limit(limit)).all()
    state = session.get(SegmentState, 1, populate_existing=True)  # after the changes: see below
    if state is None or not state.generation:
        return Since(None, "", 0)
    if state.generation != generation or state.upto > upto:  # some were worked in and are gone
        last = session.scalar(select(func.max(SegmentChange.n)))
        return Since(None, state.generation, max(last or 0, state.upto))
    found = [change for _, data in rows for change in unpack(data)]
    facts = _concerned(session, {change.fact for change in found}, tags)
    bits = sorted({change.bit for change in found if change.fact in facts})
    people: set[str] = set()
    for start in range(0, len(bits), ROWS):
        of = select(SegmentPerson.one_id).where(SegmentPerson.bit.in_(bits[start : start + ROWS]))
        people.update(session.scalars(of))
    return Since(frozenset(people), generation, rows[-1][0] if rows else upto)


def _concerned(session: Session, facts: Collection[int], tags: Collection[int]) -> set[int]:
    found: set[int] = set()
    listed = sorted(facts)
    for start in range(0, len(listed), ROWS):
        piece = SegmentFact.id.in_(listed[start : start + ROWS])
        rows = session.execute(
            select(SegmentFact.id, SegmentFact.kind, SegmentFact.value).where(piece)
        )
        for fact, kind, value in rows:
            tag = value.split("/", 1)[0]
            if kind == "rep" or (kind == "tag" and tag.isdecimal() and int(tag) in tags):
                found.add(fact)
    return found
