"""Whether what is kept ready is what the tables say, fact by fact."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass

from pyroaring import BitMap
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity import Physician, changed
from app.infra.clock import Clock
from app.infra.db import Database
from app.segments.changes import unpack_numbers
from app.segments.facts import Key
from app.segments.following import by_themselves, hold
from app.segments.gather import gather
from app.segments.models import SegmentFact, SegmentPerson
from app.segments.store import current

PIECE = 500


@dataclass(frozen=True, slots=True)
class Difference:
    """A fact of one physician that is kept but not true, or true but not kept.

    `where`: "facts" noted of the person, or the "set" of the fact.
    """

    one_id: str
    key: Key
    kept: bool
    where: str

    def text(self) -> str:
        """For people."""
        words = "索引里有，数据表里没有" if self.kept else "数据表里有，索引里没有"
        return f"{self.one_id}  {' '.join(self.key)}：{words}（{self.where}）"


def verify(
    db: Database, clock: Clock, tell: Callable[[int], object] = lambda _looked: None
) -> Iterator[Difference]:
    """Every difference. Who changes meanwhile or waits to be followed is no difference."""
    looked, last = 0, ""
    while True:
        with db.reading() as session:
            chosen = select(Physician.one_id).where(Physician.one_id > last)
            piece = session.scalars(chosen.order_by(Physician.one_id).limit(PIECE)).all()
            doubtful = {found.one_id for found in _of(session, piece, clock)}
        if not piece:
            break
        if doubtful:
            yield from _still(db, sorted(doubtful), clock)
        looked, last = looked + len(piece), piece[-1]
        tell(looked)
    with db.transaction() as session:
        hold(session, wait=True)  # nobody follows while both are compared
        yield from _of_sets(session)


def _still(db: Database, people: Sequence[str], clock: Clock) -> list[Difference]:
    """Once more, without those who are being followed."""
    with db.reading() as session:
        waiting = changed.waiting(session, None).people
        waiting |= set(by_themselves(session, clock(), None).people)
        return list(_of(session, [one for one in people if one not in waiting], clock))


def _of(session: Session, people: Sequence[str], clock: Clock) -> Iterator[Difference]:
    chosen = select(SegmentPerson.one_id, SegmentPerson.facts)
    rows = session.execute(chosen.where(SegmentPerson.one_id.in_(people)))
    noted = {one_id: unpack_numbers(facts) for one_id, facts in rows}
    names = _names(session, {fact for facts in noted.values() for fact in facts})
    for facts in gather(session, people, clock()):
        true = set(facts.keys())
        ours = {names[fact] for fact in noted.get(facts.one_id, ()) if fact in names}
        for key in sorted(true ^ ours):
            yield Difference(facts.one_id, key, key in ours, "facts")


def _of_sets(session: Session) -> Iterator[Difference]:
    people: dict[int, str] = {}
    true: dict[int, BitMap] = {}
    columns = (SegmentPerson.bit, SegmentPerson.one_id, SegmentPerson.facts)
    for bit, one_id, facts in session.execute(select(*columns)):
        people[bit] = one_id
        for fact in unpack_numbers(facts):
            true.setdefault(fact, BitMap()).add(bit)
    known = session.execute(select(SegmentFact.id, SegmentFact.kind, SegmentFact.value))
    names = {fact: (kind, value) for fact, kind, value in known}
    with current(session) as store:
        if store is None:
            return
        for fact, key in sorted(names.items()):
            (kept,) = store.sets(session, [fact])
            for bit in kept ^ true.get(fact, BitMap()):
                yield Difference(people.get(bit, f"bit {bit}"), key, bit in kept, "set")


def _names(session: Session, facts: Iterable[int]) -> dict[int, Key]:
    wanted, found = sorted(facts), {}
    chosen = select(SegmentFact.id, SegmentFact.kind, SegmentFact.value)
    for start in range(0, len(wanted), PIECE):
        rows = session.execute(chosen.where(SegmentFact.id.in_(wanted[start : start + PIECE])))
        found.update({fact: (kind, value) for fact, kind, value in rows})
    return found
