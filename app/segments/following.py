"""Following what has changed: the facts of a few physicians are read again and differences noted.

One transaction at a time follows, so changes are numbered in the order in which they are committed
and whoever has seen number 12 has seen 11. Who is looked at: those with a mark of somebody who
changed something about them, and those of whom something changes by itself about now.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from pyroaring import BitMap
from sqlalchemy import bindparam, delete, func, insert, select, text, tuple_, update
from sqlalchemy.orm import Session

from app.identity import changed
from app.infra.direct import Direct
from app.segments.changes import Change, pack, pack_numbers, unpack, unpack_numbers
from app.segments.facts import Facts, Key
from app.segments.gather import gather
from app.segments.models import SegmentChange, SegmentFact, SegmentPerson, SegmentState

LOCK = 0x53_45_47_4D  # any constant
PIECE = 30  # marks of one transaction: SQLite lets nobody else write meanwhile
MOST_PIECES, MOST_BYTES = 500, 2_000_000  # of changes; then they are worked into the sets
ROWS = 300  # of one statement
SETS = 50  # of one statement: the set of a frequent tag of five million is 600 kB
_UNSYNCHRONISED = {"synchronize_session": False}


class Place(NamedTuple):
    """A physician's bit, and the facts that are noted."""

    bit: int
    facts: frozenset[int]


class Fading(NamedTuple):
    """Physicians; and since when somebody waits who is not among them, None when nobody does."""

    people: Sequence[str]
    since: datetime | None


def is_due(session: Session, now: datetime) -> bool:
    """True when there is something to follow."""
    return changed.are_waiting(session) or bool(by_themselves(session, now, 1).people)


def by_themselves(session: Session, now: datetime, limit: int | None) -> Fading:
    """Of whom something changes by itself by now."""
    most = changed.MOST if limit is None else limit + 1
    rows = _BY_ITSELF.all(session, {"now": now, "limit": most})
    rest = rows[limit:] if limit is not None else []
    return Fading([one_id for one_id, _ in rows[:limit]], rest[0][1] if rest else None)


def of_themselves(session: Session, people: Collection[str], now: datetime) -> set[str]:
    """The same of these alone."""
    wanted, found = sorted(people), set[str]()
    for start in range(0, len(wanted), ROWS):
        mine = SegmentPerson.one_id.in_(wanted[start : start + ROWS])
        late = select(SegmentPerson.one_id).where(mine, SegmentPerson.changes_at <= now)
        found.update(session.scalars(late))
    return found


def fold(
    session: Session,
    now: datetime,
    limit: int = PIECE,
    tell: Callable[[Session, Iterable[str]], None] | None = None,
    tell_marked: Callable[[Session, Iterable[str]], None] | None = None,
) -> int:
    """Follow up to `limit` marks; how many there were. 0 also while another follows or builds.

    Whoever else follows changes is told in the same transaction of whom there were some;
    `tell_marked` of those only who did not change by themselves.
    """
    state = hold(session)
    if state is None or not state.is_built or state.builder:
        return 0
    marks = changed.waiting(session, limit)
    people = sorted(marks.people.union(by_themselves(session, now, limit).people))
    if not people and not marks.ids:
        return 0
    note(session, state, list(gather(session, people, now)))
    if tell is not None:
        tell(session, people)
    if tell_marked is not None:
        tell_marked(session, marks.people)
    changed.followed(session, marks.ids)
    return max(len(marks.ids), len(people))


def hold(session: Session, *, wait: bool = False) -> SegmentState | None:
    """The state, alone until the transaction ends; None when another has it and we do not wait, or
    when there is none."""
    if session.get_bind().dialect.name == "postgresql":
        if wait:
            session.execute(text("select pg_advisory_xact_lock(:key)"), {"key": LOCK})
        elif not session.scalar(text("select pg_try_advisory_xact_lock(:key)"), {"key": LOCK}):
            return None
    return session.get(SegmentState, 1, populate_existing=True)


def note(session: Session, state: SegmentState, known: Sequence[Facts]) -> None:
    """Write down what is true of these and what has changed."""
    keys = {facts.one_id: list(facts.keys()) for facts in known}
    places = settle_places(session, [one_id for one_id, of in keys.items() if of], keys)
    ids = fact_ids(session, {key for of in keys.values() for key in of})
    changes, rows = [], []
    for facts in known:
        place = places.get(facts.one_id)
        if place is None:
            continue  # nobody whom an audience ever held
        held = frozenset(ids[key] for key in keys[facts.one_id])
        changes += [Change(fact, place.bit, True) for fact in held - place.facts]
        changes += [Change(fact, place.bit, False) for fact in place.facts - held]
        rows.append({"b_bit": place.bit, "facts": pack_numbers(sorted(held)),
                     "changes_at": facts.changes_at})  # fmt: skip
    if rows:
        session.connection().execute(KEEP, rows)
    if changes:
        _write(session, state, changes)


def settle_places(
    session: Session, new: Iterable[str], also: Iterable[str] = ()
) -> dict[str, Place]:
    """Everybody's bit: a new one for those of `new` who have none."""
    wanted, asked = sorted(set(new)), sorted({*new, *also})
    places = _places(session, asked)
    missing = [one_id for one_id in wanted if one_id not in places]
    for start in range(0, len(missing), ROWS):
        rows = [{"one_id": one, "facts": b""} for one in missing[start : start + ROWS]]
        session.connection().execute(insert(SegmentPerson), rows)
    return places | _places(session, missing)


def fact_ids(session: Session, keys: Iterable[Key]) -> dict[Key, int]:
    """The number of each fact; new ones are true of nobody yet."""
    wanted = sorted(set(keys))
    found = _fact_ids(session, wanted)
    missing = [key for key in wanted if key not in found]
    if missing:
        nobody = BitMap().serialize()
        for start in range(0, len(missing), ROWS):
            rows = [{"kind": kind, "value": value, "upto": 0, "bitmap": nobody}
                    for kind, value in missing[start : start + ROWS]]  # fmt: skip
            session.connection().execute(insert(SegmentFact), rows)
        found |= _fact_ids(session, missing)
    return found


def work_in(session: Session, state: SegmentState) -> None:
    """All changes become part of the sets and are deleted."""
    by_fact: dict[int, list[Change]] = {}
    rows = session.execute(select(SegmentChange.n, SegmentChange.data).order_by(SegmentChange.n))
    last = state.upto
    for n, data in rows:
        last = n
        for change in unpack(data):
            by_fact.setdefault(change.fact, []).append(change)
    numbers = sorted(by_fact)
    for start in range(0, len(numbers), SETS):
        _rewrite(session, numbers[start : start + SETS], by_fact, last)
    session.execute(delete(SegmentChange).where(SegmentChange.n <= last))
    state.upto = last
    session.flush()


def _rewrite(
    session: Session, facts: Sequence[int], by_fact: Mapping[int, Sequence[Change]], upto: int
) -> None:
    chosen = select(SegmentFact.id, SegmentFact.bitmap).where(SegmentFact.id.in_(facts))
    rows: list[dict[str, Any]] = []
    for fact, data in session.execute(chosen):
        bitmap = BitMap.deserialize(data)
        for change in by_fact[fact]:
            (bitmap.add if change.on else bitmap.discard)(change.bit)
        rows.append({"b_id": fact, "upto": upto, "bitmap": bitmap.serialize()})
    session.connection().execute(REWRITE, rows)


def _write(session: Session, state: SegmentState, changes: Sequence[Change]) -> None:
    last, pieces, size = session.execute(
        select(
            func.coalesce(func.max(SegmentChange.n), 0), func.count(),
            func.coalesce(func.sum(func.length(SegmentChange.data)), 0),
        )
    ).one()  # fmt: skip
    n = max(last, state.upto) + 1
    session.connection().execute(insert(SegmentChange), [{"n": n, "data": pack(changes)}])
    if pieces >= MOST_PIECES or size >= MOST_BYTES:
        work_in(session, state)


def _places(session: Session, one_ids: Sequence[str]) -> dict[str, Place]:
    found = {}
    chosen = select(SegmentPerson.one_id, SegmentPerson.bit, SegmentPerson.facts)
    for start in range(0, len(one_ids), ROWS):
        piece = one_ids[start : start + ROWS]
        for one_id, bit, facts in session.execute(chosen.where(SegmentPerson.one_id.in_(piece))):
            found[one_id] = Place(bit, frozenset(unpack_numbers(facts)))
    return found


def _fact_ids(session: Session, keys: Sequence[Key]) -> dict[Key, int]:
    found: dict[Key, int] = {}
    chosen = select(SegmentFact.kind, SegmentFact.value, SegmentFact.id)
    both = tuple_(SegmentFact.kind, SegmentFact.value)
    for start in range(0, len(keys), ROWS):
        piece = keys[start : start + ROWS]
        for kind, value, fact in session.execute(chosen.where(both.in_(piece))):
            found[kind, value] = fact
    return found


_BY_ITSELF = Direct(
    select(SegmentPerson.one_id, SegmentPerson.changes_at)
    .where(SegmentPerson.changes_at <= bindparam("now"))
    .order_by(SegmentPerson.changes_at)
    .limit(bindparam("limit")),
    lambda one_id, at: (one_id, at),
)
KEEP = (
    update(SegmentPerson)
    .where(SegmentPerson.bit == bindparam("b_bit"))
    .values(facts=bindparam("facts"), changes_at=bindparam("changes_at"))
)
REWRITE = (
    update(SegmentFact)
    .where(SegmentFact.id == bindparam("b_id"))
    .values(upto=bindparam("upto"), bitmap=bindparam("bitmap"))
)
