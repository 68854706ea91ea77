"""Who is in an audience: the one way in which everybody asks.

The answer comes from the sets in memory. Whoever has changed since they were followed is looked up
in the tables and put right, so the answer is that of this moment. While somebody types, only a few
are looked up; when many wait (an import of thousands), the answer says how old it is instead.
"""

from __future__ import annotations

import random
from collections.abc import Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime

from pyroaring import BitMap
from sqlalchemy.orm import Session

from app import consent, identity
from app.identity import Physician, changed
from app.segments import sql
from app.segments.evaluate import doubts, evaluate
from app.segments.facts import OPTED_OUT, Facts, Key, Meant, holds, tag_key
from app.segments.following import by_themselves
from app.segments.gather import gather
from app.segments.meaning import meaning
from app.segments.nodes import Node
from app.segments.parse import parse
from app.segments.people import bits_of, by_bit, one_ids
from app.segments.store import Behind, Store, current, forget

SAMPLE = 5
FEW = 100  # who are looked up while somebody types
TRIES = 5


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
    """ONE IDs for whom the expression holds. Raises Unparseable, Refused for unknown names."""
    return members_of(session, parse(text), now)


def members_of(session: Session, tree: Node, now: datetime) -> set[str]:
    """The same for an expression that was read already."""
    meant = meaning(session, tree, now)
    found = _ask(session, tree, meant, now, None)
    if found is None:
        return sql.members(session, tree, meant, now)
    return set(found.also).union(one_ids(session, found.bits))


def check(session: Session, text: str, now: datetime, *, inside: Sequence[str] = ()) -> Node:
    """The expression, when every name in it exists. Raises Unparseable, Refused."""
    tree = parse(text)
    meaning(session, tree, now, inside=inside)
    return tree


def audience(
    session: Session, text: str, now: datetime, sample: int = SAMPLE, *, with_reps: bool = True
) -> Audience:
    """Size, and some at random, always the same of the same people. Raises as `members`.

    Over how many reps takes longer than everything else, when there are thousands of them.
    """
    tree = parse(text)
    meant = meaning(session, tree, now)
    found = _ask(session, tree, meant, now, FEW, with_reps=with_reps)
    if found is None:
        return _by_tables(session, tree, meant, now, sample)
    ranks = random.Random(0).sample(range(len(found)), min(sample, len(found)))  # noqa: S311
    also, many = sorted(found.also), len(found.bits)
    chosen = [found.bits[rank] for rank in ranks if rank < many]
    named = by_bit(session, chosen)
    shown = [named[found.bits[r]] if r < many else also[r - many] for r in ranks]
    out = found.out + sum(facts.opted_out for facts in found.also.values())
    reps = found.reps.union(*(facts.reps for facts in found.also.values()))
    age_s = max(0.0, (now - found.since).total_seconds()) if found.since else 0.0
    return Audience(len(found), len(reps), _people(session, shown), out, age_s)


def _ask(
    session: Session, tree: Node, meant: Meant, now: datetime, limit: int | None, *,
    with_reps: bool = False,
) -> _Found | None:  # fmt: skip
    """None when the sets were never built."""
    for _ in range(TRIES):
        with suppress(Behind):
            return _answer(session, tree, meant, now, limit, with_reps=with_reps)
    raise Behind


def _answer(
    session: Session, tree: Node, meant: Meant, now: datetime, limit: int | None, *,
    with_reps: bool,
) -> _Found | None:  # fmt: skip
    """Marks are read before the sets, and who has a bit after them: whoever is followed between is
    looked up for nothing, and nobody is missed or counted twice. Raises Behind."""
    marks = changed.waiting(session, limit)
    fading = by_themselves(session, now, limit)
    people = sorted(marks.people.union(fading.people))
    exact = _Exact(session, now)
    for tag_id, band, at_least in doubts(tree, meant):
        exact.look(tag_id, band, at_least)
    with _fresh(session) as store:
        if store is None:
            return None
        bits = evaluate(tree, _Sets(session, store, exact), meant)
        found = _Found(bits - bits_of(session, people), {})
        found.out = found.bits.intersection_cardinality(_set(session, store, OPTED_OUT))
        if with_reps:
            theirs = store.of_kind(session, "rep").items()
            found.reps = {int(rep) for rep, of in theirs if of.intersect(found.bits)}
    found.since = min((s for s in (marks.since, fading.since) if s), default=None)
    looked_up = gather(session, people, now)
    found.also = {one.one_id: one for one in looked_up if holds(tree, one, meant)}
    return found


@contextmanager
def _fresh(session: Session) -> Iterator[Store | None]:
    """The sets; those that turn out to be too old are read anew by the next try."""
    with current(session) as store:
        try:
            yield store
        except Behind:
            if store is not None:
                forget(store)
            raise


class _Exact:
    """Who of a band has a tag with a strength inside the band. Thousands may have to be looked up:
    that is done before the sets are asked, which nobody else can meanwhile."""

    def __init__(self, session: Session, now: datetime) -> None:
        self._session, self._now = session, now
        self._looked: dict[tuple[int, int, float], tuple[BitMap, BitMap]] = {}

    def look(self, tag_id: int, band: int, at_least: float) -> None:
        """Of those who are in the band now."""
        with _fresh(self._session) as store:
            if store is None:
                return
            here = _set(self._session, store, tag_key(tag_id, band)).copy()
        strong = self._strong(here, tag_id, at_least)
        self._looked[tag_id, band, at_least] = here, strong

    def within(self, here: BitMap, tag_id: int, band: int, at_least: float) -> BitMap:
        """Of those who are in it by now."""
        then, strong = self._looked.get((tag_id, band, at_least), (BitMap(), BitMap()))
        return here & strong | self._strong(here - then, tag_id, at_least)

    def _strong(self, bits: BitMap, tag_id: int, at_least: float) -> BitMap:
        places = {one_id: bit for bit, one_id in by_bit(self._session, bits).items()}
        known = gather(self._session, list(places), self._now)
        return BitMap(
            places[one.one_id] for one in known if one.strengths.get(tag_id, 0.0) >= at_least
        )


class _Sets:
    """The sets of a store, as expressions are evaluated over them."""

    def __init__(self, session: Session, store: Store, exact: _Exact) -> None:
        self._session, self._store, self._exact = session, store, exact

    def fact(self, key: Key) -> BitMap:
        return _set(self._session, self._store, key)

    def strong(self, tag_id: int, lowest: int) -> BitMap:
        return self._store.strong(self._session, tag_id, lowest)

    def within(self, tag_id: int, band: int, at_least: float) -> BitMap:
        return self._exact.within(self.fact(tag_key(tag_id, band)), tag_id, band, at_least)

    def digits(self, what: str, first: date, today: date) -> Sequence[BitMap]:
        return self._store.digits(self._session, what, first, today)


def _set(session: Session, store: Store, key: Key) -> BitMap:
    return next(iter(store.sets(session, store.ids(session, [key]))), BitMap())


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
