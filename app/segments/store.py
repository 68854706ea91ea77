"""The sets of one generation in the memory of this process, brought up to date with each question.

A set is read when it is first asked for; after that it costs what has changed since. The same copy
serves all threads, one at a time. Changes that are not committed must not be seen: ask in another
transaction than the one that follows changes.
"""

from __future__ import annotations

import threading
from collections import defaultdict
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from datetime import date

from pyroaring import BitMap
from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.infra.direct import Direct
from app.segments.changes import Change, unpack
from app.segments.evaluate import add_up
from app.segments.facts import BANDS, COUNTS, Key, tag_key
from app.segments.models import FORM, SegmentChange, SegmentFact, SegmentState

KEPT = 4  # generations; tests and tools may have several databases in one process
WINDOWS = 16
AT_ONCE = 500
Window = tuple[str, date, date]  # what, first day, today


class Behind(Exception):
    """Changes were worked in while we read: what is in memory is too old. Begin again."""


class Store:
    """Sets by fact, as of change `seen`; changes up to `base` are not in memory."""

    def __init__(self, generation: str, base: int) -> None:
        self.generation, self.base, self.seen = generation, base, base
        self._ids: dict[Key, int] = {}
        self._last_id, self._news = 0, True
        self._kinds: dict[str, dict[str, BitMap]] = {}
        self._days: dict[str, dict[date, list[int]]] = defaultdict(dict)  # what → day → its facts
        self._day_of: dict[int, tuple[str, date]] = {}
        self._since: dict[int, list[tuple[int, Change]]] = defaultdict(list)  # by fact
        self._sets: dict[int, BitMap] = {}
        self._unions: dict[tuple[int, int], BitMap] = {}  # (tag, lowest band)
        self._unions_of: dict[int, list[BitMap]] = defaultdict(list)  # by fact
        self._sums: dict[Window, list[BitMap]] = {}  # the past and today
        self._windows: dict[Window, list[BitMap]] = {}  # the past

    def apply(self, n: int, changes: Iterable[Change]) -> None:
        """Change number `n` was committed."""
        for change in changes:
            fact = change.fact
            self._news = self._news or fact > self._last_id
            self._since[fact].append((n, change))
            if fact in self._sets:
                _put(self._sets[fact], change)
            for union in self._unions_of.get(fact, ()):
                _put(union, change)
            if fact in self._day_of:
                self._forget_windows(*self._day_of[fact])
        self.seen = n

    def forget_before(self, base: int) -> None:
        """Changes up to `base` are in what is read from the database from now on."""
        if base > self.base:
            self.base = base
            kept = {f: [one for one in of if one[0] > base] for f, of in self._since.items()}
            self._since = defaultdict(list, {fact: of for fact, of in kept.items() if of})

    def ids(self, session: Session, keys: Iterable[Key]) -> list[int]:
        """Those of these facts that were ever true of anybody."""
        self._learn(session)
        return [self._ids[key] for key in keys if key in self._ids]

    def of_kind(self, session: Session, kind: str) -> dict[str, BitMap]:
        """All sets of a kind, by value; not to be changed. Raises Behind."""
        self._learn(session)
        if kind not in self._kinds:
            ids = {value: fact for (of, value), fact in self._ids.items() if of == kind}
            sets = self.sets(session, list(ids.values()))
            self._kinds[kind] = dict(zip(ids, sets, strict=True))
        return self._kinds[kind]

    def sets(self, session: Session, facts: Sequence[int]) -> list[BitMap]:
        """For whom each of these holds; not to be changed. Raises Behind."""
        self._sets.update(self._read(session, [f for f in facts if f not in self._sets]))
        return [self._sets[fact] for fact in facts]

    def strong(self, session: Session, tag_id: int, lowest: int) -> BitMap:
        """Who has the tag in this band or a higher one; not to be changed. Raises Behind."""
        facts = self.ids(session, [tag_key(tag_id, band) for band in range(lowest, BANDS)])
        union = self._unions.setdefault((tag_id, lowest), BitMap())
        fresh = [f for f in facts if not any(one is union for one in self._unions_of.get(f, ()))]
        for fact, bitmap in self._read(session, fresh).items():
            union |= bitmap
            self._unions_of[fact].append(union)
        return union

    def digits(self, session: Session, what: str, first: date, today: date) -> list[BitMap]:
        """What happened in these days, added up; the past is kept added up. Raises Behind."""
        self._learn(session)
        window, of_day = (what, first, today), self._days[what]
        if window in self._sums:
            return self._sums[window]
        if window not in self._windows:
            past = sorted(day for day in of_day if first <= day < today)
            facts = [fact for day in past for fact in of_day[day]]
            summed = add_up([], self.sets(session, facts))
            self._windows = dict([*self._windows.items(), (window, summed)][-WINDOWS:])
        now = self.sets(session, of_day.get(today, [])) if first <= today else []
        self._sums[window] = add_up(self._windows[window], now)
        return self._sums[window]

    def _forget_windows(self, what: str, day: date) -> None:
        self._sums = {window: kept for window, kept in self._sums.items() if window[0] != what}
        self._windows = {
            (of, first, today): kept
            for (of, first, today), kept in self._windows.items()
            if of != what or not first <= day < today
        }

    def _learn(self, session: Session) -> None:
        """The names of facts that are new."""
        if not self._news:
            return
        for fact, kind, value in _NAMES.all(session, {"last": self._last_id}):
            self._ids[kind, value] = fact
            self._kinds.pop(kind, None)
            self._last_id = max(self._last_id, fact)
            if kind in COUNTS:
                day = date.fromisoformat(value.partition("/")[0])
                self._days[kind].setdefault(day, []).append(fact)
                self._day_of[fact] = kind, day
                self._forget_windows(kind, day)
        self._news = False

    def _read(self, session: Session, facts: Sequence[int]) -> dict[int, BitMap]:
        found = {fact: BitMap() for fact in facts}
        chosen = select(SegmentFact.id, SegmentFact.upto, SegmentFact.bitmap)
        for start in range(0, len(facts), AT_ONCE):
            piece = SegmentFact.id.in_(facts[start : start + AT_ONCE])
            for fact, upto, data in session.execute(chosen.where(piece)):
                if upto > self.seen:
                    raise Behind
                found[fact] = BitMap.deserialize(data)
                for n, change in self._since.get(fact, ()):
                    if n > upto:
                        _put(found[fact], change)
        return found


_lock = threading.RLock()
_stores: dict[str, Store] = {}


@contextmanager
def current(session: Session) -> Iterator[Store | None]:
    """The sets as this session sees them, alone until the block ends; None: never built."""
    with _lock:
        yield _brought_up_to_date(session)


def forget(store: Store) -> None:
    """It is read anew."""
    with _lock:
        if _stores.get(store.generation) is store:
            del _stores[store.generation]


def _brought_up_to_date(session: Session) -> Store | None:
    store = next(reversed(_stores.values()), None)
    while True:
        # One statement, so that nothing is worked in and deleted between two.
        rows = _SINCE.all(session, {"seen": store.seen if store is not None else 0})
        if not rows or not rows[0][0].startswith(FORM):
            return None
        generation, upto = rows[0][:2]
        if store is not None and _fits(store, generation, upto):
            for _, _, n, data in rows:
                if n is not None:
                    store.apply(n, unpack(data))
            store.forget_before(upto)
            return store
        store = _stores.pop(generation, None)
        if store is None or not _fits(store, generation, upto):
            store = Store(generation, upto)
        _stores[generation] = store
        for old in list(_stores)[:-KEPT]:
            del _stores[old]


def _fits(store: Store, generation: str, upto: int) -> bool:
    """False when changes were deleted that it has not seen, and when this session looks at an older
    state than that in which it was read."""
    return store.generation == generation and store.base <= upto <= store.seen


def _put(bitmap: BitMap, change: Change) -> None:
    if change.on:
        bitmap.add(change.bit)
    else:
        bitmap.discard(change.bit)


_SINCE = Direct(
    select(SegmentState.generation, SegmentState.upto, SegmentChange.n, SegmentChange.data)
    .outerjoin(SegmentChange, SegmentChange.n > bindparam("seen"))
    .order_by(SegmentChange.n),
    lambda *row: row,
    large=True,
)
_NAMES = Direct(
    select(SegmentFact.id, SegmentFact.kind, SegmentFact.value)
    .where(SegmentFact.id > bindparam("last"))
    .order_by(SegmentFact.id),
    lambda *row: row,
    large=True,
)
