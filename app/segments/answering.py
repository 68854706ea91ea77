"""Answering from the sets in memory, put right by the tables: what every question goes through."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import date, datetime

from pyroaring import BitMap
from sqlalchemy.orm import Session

from app.identity import changed
from app.identity.marked import marked
from app.segments.evaluate import doubts, evaluate
from app.segments.facts import OPTED_OUT, Facts, Key, Meant, holds, tag_key
from app.segments.following import by_themselves, of_themselves
from app.segments.gather import gather
from app.segments.nodes import Node
from app.segments.people import bits_of, by_bit
from app.segments.store import Behind, Store, current, forget

TRIES = 5


@dataclass(slots=True)
class Found:
    """`bits` by the sets; `also` was looked up. `out` and `reps` are those of `bits`. `since`: when
    the oldest change was made that is not counted yet; None: everything is."""

    bits: BitMap
    also: dict[str, Facts]
    out: int = 0
    reps: set[int] = field(default_factory=set)
    since: datetime | None = None

    def __len__(self) -> int:
        return len(self.bits) + len(self.also)


def ask(
    session: Session, trees: Sequence[Node], meant: Meant, now: datetime, limit: int | None, *,
    with_reps: bool = False, only: Collection[str] | None = None,
) -> list[Found] | None:  # fmt: skip
    """Who is meant by each tree, as of one moment; None when the sets were never built.

    `limit`: how many are looked up who wait to be followed; None: all. `only`: nobody else counts,
    and all of them are looked up who wait.
    """
    for _ in range(TRIES):
        with suppress(Behind):
            return _answer(session, trees, meant, now, limit, with_reps, only)
    raise Behind


def _answer(
    session: Session, trees: Sequence[Node], meant: Meant, now: datetime, limit: int | None,
    with_reps: bool, only: Collection[str] | None,
) -> list[Found] | None:  # fmt: skip
    """Marks are read before the sets, and who has a bit after them: whoever is followed between is
    looked up for nothing, and nobody is missed or counted twice. Raises Behind."""
    people, since = _late(session, now, limit, only)
    exact = _Exact(session, now)
    for tag_id, band, at_least in set().union(*(doubts(tree, meant) for tree in trees)):
        exact.look(tag_id, band, at_least)
    with _fresh(session) as store:
        if store is None:
            return None
        sets = _Sets(session, store, exact)
        waiting = bits_of(session, people)
        among = None if only is None else bits_of(session, sorted(only))
        found = []
        for tree in trees:
            bits = evaluate(tree, sets, meant) - waiting
            found.append(Found(bits if among is None else bits & among, {}, since=since))
            _tell_more(session, store, found[-1], with_reps)
    looked_up = list(gather(session, people, now))
    for tree, one in zip(trees, found, strict=True):
        one.also = {facts.one_id: facts for facts in looked_up if holds(tree, facts, meant)}
    return found


def _late(
    session: Session, now: datetime, limit: int | None, only: Collection[str] | None
) -> tuple[list[str], datetime | None]:
    """Who has to be looked up, and since when somebody waits who is not."""
    if only is not None:
        return sorted(marked(session, only) | of_themselves(session, only, now)), None
    marks = changed.waiting(session, limit)
    fading = by_themselves(session, now, limit)
    since = min((s for s in (marks.since, fading.since) if s), default=None)
    return sorted(marks.people.union(fading.people)), since


def _tell_more(session: Session, store: Store, found: Found, with_reps: bool) -> None:
    found.out = found.bits.intersection_cardinality(_set(session, store, OPTED_OUT))
    if with_reps:
        theirs = store.of_kind(session, "rep").items()
        found.reps = {int(rep) for rep, of in theirs if of.intersect(found.bits)}


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
