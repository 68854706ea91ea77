"""Who is in an audience: the one way in which everybody asks.

The answer comes from the sets in memory. Whoever has changed since they were followed is looked up
in the tables and put right, so the answer is that of this moment. While somebody types, only a few
are looked up; when many wait (an import of thousands), the answer says how old it is instead.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime

from pyroaring import BitMap
from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app import consent, identity, tagging
from app.identity import Physician, changed
from app.infra.clock import local
from app.infra.errors import Refused
from app.reps import Rep
from app.segments import sql
from app.segments.evaluate import evaluate
from app.segments.expression import Node, parse, rep_names, tag_names
from app.segments.facts import OPTED_OUT, Facts, Key, Meant, holds
from app.segments.following import by_themselves
from app.segments.gather import gather
from app.segments.models import SegmentPerson
from app.segments.store import Behind, Store, current, forget

SAMPLE = 5
FEW = 100  # who are looked up while somebody types
TRIES = 5
ROWS = 1000
DENSE = 20  # of so many bits one: then ranges are read and not single rows


@dataclass(frozen=True, slots=True)
class Audience:
    """How many, over how many reps, how many of them opted out, and who, for example.

    `age_s`: seconds since when changes of more people wait than were looked up; 0: it is as of now.
    """

    size: int
    reps: int
    sample: Sequence[Physician]
    opted_out: int = 0
    age_s: float = 0.0


@dataclass(slots=True)
class _Found:
    """`bits` by the sets; `also` was looked up. `out` and `reps` are those of `bits`."""

    bits: BitMap
    also: dict[str, Facts]
    out: int = 0
    reps: set[int] = field(default_factory=set)
    since: datetime | None = None

    def __len__(self) -> int:
        return len(self.bits) + len(self.also)


def members(session: Session, text: str, now: datetime) -> set[str]:
    """ONE IDs for whom the expression holds. Raises Unparseable, Refused for unknown tags."""
    return members_of(session, parse(text), now)


def members_of(session: Session, tree: Node, now: datetime) -> set[str]:
    """The same for an expression that was read already."""
    meant = meaning(session, tree, now)
    found = _ask(session, tree, meant, now, None)
    if found is None:
        return sql.members(session, tree, meant, now)
    return set(found.also).union(_one_ids(session, found.bits))


def check(session: Session, text: str) -> Node:
    """The expression, when every tag in it exists. Raises Unparseable, Refused."""
    tree = parse(text)
    for name in sorted(tag_names(tree)):
        _tag_id(session, name)
    return tree


def audience(session: Session, text: str, now: datetime, sample: int = SAMPLE) -> Audience:
    """Size, and some at random, always the same of the same people. Raises as `members`."""
    tree = parse(text)
    meant = meaning(session, tree, now)
    found = _ask(session, tree, meant, now, FEW, figures=True)
    if found is None:
        return _by_tables(session, tree, meant, now, sample)
    ranks = random.Random(0).sample(range(len(found)), min(sample, len(found)))  # noqa: S311
    also, many = sorted(found.also), len(found.bits)
    chosen = [found.bits[rank] for rank in ranks if rank < many]
    by_bit = _by_bit(session, chosen)
    one_ids = [by_bit[found.bits[r]] if r < many else also[r - many] for r in ranks]
    out = found.out + sum(facts.opted_out for facts in found.also.values())
    reps = found.reps.union(*(facts.reps for facts in found.also.values()))
    age_s = max(0.0, (now - found.since).total_seconds()) if found.since else 0.0
    return Audience(len(found), len(reps), _people(session, one_ids), out, age_s)


def meaning(session: Session, tree: Node, now: datetime) -> Meant:
    """What its names mean. Raises Refused for a tag that does not exist."""
    return Meant(
        {name: _tag_id(session, name) for name in tag_names(tree)},
        {name: _rep_ids(session, name) for name in rep_names(tree)},
        local(now).date(),
    )


def _ask(
    session: Session, tree: Node, meant: Meant, now: datetime, limit: int | None, *,
    figures: bool = False,
) -> _Found | None:  # fmt: skip
    """None when the sets were never built. Marks are read before the sets: whoever is followed
    between the two is looked up for nothing, and nobody is missed."""
    for _ in range(TRIES):
        marks = changed.waiting(session, limit)
        people = sorted(marks.people.union(by_themselves(session, now, limit)))
        with current(session) as store:
            if store is None:
                return None
            try:
                found = _Found(evaluate(tree, _Sets(session, store, now), meant), {})
                _without(session, found, people)
                if figures:
                    _figures(session, store, found)
            except Behind:
                forget(store)
                continue
        found.since = marks.since
        looked_up = gather(session, people, now)
        found.also = {one.one_id: one for one in looked_up if holds(tree, one, meant)}
        return found
    raise Behind


class _Sets:
    """The sets of a store, as expressions are evaluated over them."""

    def __init__(self, session: Session, store: Store, now: datetime) -> None:
        self._session, self._store, self._now = session, store, now

    def fact(self, key: Key) -> BitMap:
        return _set(self._session, self._store, key)

    def strong(self, tag_id: int, lowest: int) -> BitMap:
        return self._store.strong(self._session, tag_id, lowest)

    def within(self, tag_id: int, band: int, at_least: float) -> BitMap:
        doubtful = _set(self._session, self._store, ("tag", f"{tag_id}/{band}"))
        by_one_id = {one_id: bit for bit, one_id in _by_bit(self._session, doubtful).items()}
        known = gather(self._session, list(by_one_id), self._now)
        return BitMap(
            by_one_id[one.one_id] for one in known if one.strengths.get(tag_id, 0.0) >= at_least
        )

    def digits(self, first: date, today: date) -> Sequence[BitMap]:
        return self._store.digits(self._session, first, today)


def _set(session: Session, store: Store, key: Key) -> BitMap:
    return next(iter(store.sets(session, store.ids(session, [key]))), BitMap())


def _without(session: Session, found: _Found, people: Sequence[str]) -> None:
    """Leave these out, in a copy: the sets belong to everybody."""
    found.bits = found.bits.copy()
    for start in range(0, len(people), ROWS):
        piece = SegmentPerson.one_id.in_(people[start : start + ROWS])
        found.bits -= BitMap(session.scalars(select(SegmentPerson.bit).where(piece)))


def _figures(session: Session, store: Store, found: _Found) -> None:
    found.out = found.bits.intersection_cardinality(_set(session, store, OPTED_OUT))
    theirs = store.of_kind(session, "rep").items()
    found.reps = {int(rep) for rep, bits in theirs if bits.intersect(found.bits)}


def _by_tables(session: Session, tree: Node, meant: Meant, now: datetime, sample: int) -> Audience:
    found = sorted(sql.members(session, tree, meant, now))
    chosen = random.Random(0).sample(found, min(sample, len(found)))  # noqa: S311
    standing = consent.standing(session, found, consent.ANY)
    out = sum(1 for _, refused in standing.values() if refused)
    reps = len(sql.reps_of(session, set(found)))
    return Audience(len(found), reps, _people(session, chosen), out)


def _people(session: Session, one_ids: Sequence[str]) -> list[Physician]:
    known = identity.physicians_by_id(session, one_ids) if one_ids else {}
    return [known[one_id] for one_id in one_ids if one_id in known]


def _one_ids(session: Session, bits: BitMap) -> Iterator[str]:
    """Who they are; of many not by asking for each."""
    if not bits:
        return
    if len(bits) * DENSE < bits.max() - bits.min():
        yield from _by_bit(session, bits).values()
        return
    chosen = select(SegmentPerson.bit, SegmentPerson.one_id)
    step = ROWS * DENSE
    for start in range(bits.min(), bits.max() + 1, step):
        here = SegmentPerson.bit.between(start, start + step - 1)
        yield from (one_id for bit, one_id in session.execute(chosen.where(here)) if bit in bits)


def _by_bit(session: Session, bits: BitMap | Sequence[int]) -> dict[int, str]:
    wanted, found = list(bits), {}
    chosen = select(SegmentPerson.bit, SegmentPerson.one_id)
    for start in range(0, len(wanted), ROWS):
        piece = SegmentPerson.bit.in_(wanted[start : start + ROWS])
        found.update(dict(session.execute(chosen.where(piece)).all()))
    return found


def _tag_id(session: Session, name: str) -> int:
    number = tagging.id_of(session, name)
    if number is None:
        raise Refused(f"没有标签“{name}”，请从标签库中选择。")
    return number


def _rep_ids(session: Session, name: str) -> frozenset[int]:
    named = or_(Rep.userid == name.lower(), Rep.name == name)
    return frozenset(session.scalars(select(Rep.id).where(named)))
