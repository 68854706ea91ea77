"""One run of one fault class: send, disturb, heal, compare."""

from __future__ import annotations

import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import replace
from datetime import UTC, datetime
from typing import Any

from faults import ledger
from faults.cluster import Cluster, running
from faults.invariants import Witnesses, check
from faults.outcome import Outcome, Wish, percentile, spilled
from faults.sender import Manner, Posted, Sender
from faults.shape import Shape

STEP_S = 0.05
WATCH_EVERY_S = 0.5
ASK_EVERY_S = 0.3
LINE_BYTES = 1000  # of one event in the spill, about
STOP_WITHIN_S = 5.0


class Run:
    """A cluster, a sender, and what a fault class does with them."""

    def __init__(self, cluster: Cluster, wish: Wish, manner: Manner, outcome: Outcome) -> None:
        self.cluster, self.wish, self.outcome = cluster, wish, outcome
        self.backlog = 0
        self.oldest_s = 0.0
        self.poison: set[int] = set()
        self.first: Callable[[], None] = lambda: None  # in each moment, before anybody restarts
        self._watched = 0.0
        self._deadline = time.monotonic() + wish.at_most_s
        self.sender = Sender(cluster.ports, cluster.platform.more_events, manner, self._patience)
        self._began = time.monotonic()

    def problem(self, text: str) -> None:
        """An expectation of this class does not hold."""
        self.outcome.problems.append(text)

    def step(self) -> None:
        """A moment: what died comes back, the database is watched."""
        self.first()
        self.cluster.look_after()
        if time.monotonic() - self._watched > WATCH_EVERY_S:
            self._watched = time.monotonic()
            waiting = self.cluster.stores.ask(ledger.pending, self.backlog)
            self.backlog = waiting + self.cluster.stores.spilled_bytes // LINE_BYTES
            now = datetime.now(UTC)
            age = self.cluster.stores.ask(lambda db: ledger.oldest_due(db, now), 0.0)
            self.oldest_s = max(self.oldest_s, age)
        time.sleep(STEP_S)

    def wait(self, seconds: float, until: Callable[[], bool] = lambda: False) -> bool:
        """Moments for so long, or until something holds; True when it does."""
        end = time.monotonic() + seconds
        while time.monotonic() < end:
            if until():
                return True
            self.step()
        return until()

    def while_sending(self) -> Iterator[float]:
        """Moments until everything is sent; yields the seconds since the start."""
        while self.sender.sending and time.monotonic() < self._deadline:
            self.step()
            yield self.cluster.age
        if self.sender.sending:
            self.problem(f"not everything could be sent in {self.wish.at_most_s:.0f} s")
            self.sender.stop()
        self.sender.join(60)

    def heal(self, *, may_wait: bool = False) -> ledger.Waiting | None:
        """All faults end; wait until nothing waits. What still waits; None: nobody knows.

        `may_wait`: messages may wait for a time that the platform has set.
        """
        self.cluster.restore()
        begun = time.monotonic()
        waiting: list[ledger.Waiting] = []
        asked = 0.0

        def healed() -> bool:
            nonlocal asked
            if time.monotonic() - asked < ASK_EVERY_S:
                return False
            asked = time.monotonic()
            now = datetime.now(UTC)
            found = self.cluster.stores.ask(lambda db: ledger.waiting(db, now))
            if found is not None:
                waiting[:] = [found]
            done = found is not None and found.nothing
            return bool(done or (may_wait and found is not None and found.nothing_due))

        self.wait(self.wish.heal_s, healed)
        self.outcome.figures["heal_s"] = round(time.monotonic() - begun, 1)
        took = time.monotonic() - self._began
        self.outcome.figures["events_per_s"] = round(len(self.sender.posted) / took, 1)
        return waiting[0] if waiting else None

    def let_time_pass(self) -> None:
        """What the platform refused waits minutes for a fifth attempt, or an hour for a quota:
        here that time has passed."""
        passed = self.cluster.stores.ask(lambda db: ledger.let_time_pass(db, datetime.now(UTC)))
        self.outcome.figures["events that waited long"] = passed or 0

    def finish(self, *, may_wait: bool = False) -> None:
        """Heal, stop in good order, compare everything."""
        waiting = self.heal(may_wait=may_wait)
        if waiting and may_wait:
            self.outcome.figures["messages postponed"] = waiting.postponed
            waiting = replace(waiting, postponed=0)
        slow = {n: s for n, s in self.cluster.stop_product().items() if s > STOP_WITHIN_S}
        for name, seconds in slow.items():
            self.problem(f"{name} took {seconds:.1f} s to stop")
        self._figures()
        deliveries, world = self.cluster.platform.deliveries(), self.cluster.platform.world()
        with self.cluster.stores.db.reading() as session:
            lag = ledger.lags(session)
            self.outcome.figures["lag_p99_s"] = round(percentile(lag, 99), 2)
            self.outcome.figures["lag_max_s"] = round(percentile(lag, 100), 2)
            findings, figures = check(
                Witnesses(
                    session, list(self.sender.posted.values()), deliveries, world,
                    logs=list((self.cluster.folder / "log").glob("*.log")),
                    files=list(self.cluster.stores.files), spill=self.cluster.data / "spill",
                    waiting=waiting or ledger.Waiting(-1, -1, -1, -1), now=datetime.now(UTC),
                    poison=frozenset(self.poison), untold=frozenset(self.sender.untold),
                )
            )  # fmt: skip
        self.outcome.findings.update(findings)
        self.outcome.figures |= figures | {"spilled": spilled(self.cluster.counters)}

    def expect_acks(self, *, within_s: float, every_one: bool = True) -> None:
        """Every attempt is answered in time, with 200 unless `every_one` is false."""
        slowest = percentile(self.latencies(), 100)
        if slowest >= within_s:
            self.problem(f"an answer took {slowest:.2f} s, {within_s:.0f} s are allowed")
        if every_one and self.never_acked:
            self.problem(f"{len(self.never_acked)} events were never acknowledged")

    @property
    def never_acked(self) -> list[Posted]:
        """Events that were given up."""
        return [posted for posted in self.sender.posted.values() if not posted.acked_at]

    def latencies(self) -> list[float]:
        """Seconds of every answered or timed-out attempt, in order of size."""
        found: list[float] = []
        for posted in list(self.sender.posted.values()):
            found += posted.latencies
        return sorted(found)

    def _patience(self) -> float:
        limit = self.sender.manner.backlog
        return min(5.0, max(0.0, (self.backlog - limit) / max(10, limit / 8)))

    def _figures(self) -> None:
        posted = list(self.sender.posted.values())
        taken = self.latencies()
        answers = Counter(answer for one in posted for answer in one.answers)
        self.outcome.figures |= {
            "events": len(posted),
            "acked": sum(bool(one.acked_at) for one in posted),
            "never acked": sum(not one.acked_at for one in posted),
            "duplicates": self.sender.duplicates,
            "kills": len(self.cluster.kills),
            "ack_p50_ms": round(1000 * percentile(taken, 50), 1),
            "ack_p99_ms": round(1000 * percentile(taken, 99), 1),
            "ack_max_ms": round(1000 * percentile(taken, 100), 1),
            "oldest_pending_s": round(self.oldest_s, 1),
            "not acked at once": dict(answers),
        }
        self.outcome.kills, self.outcome.deaths = self.cluster.kills, self.cluster.deaths


@contextmanager
def run_of(wish: Wish, manner: Manner | None = None, **shape: Any) -> Iterator[Run]:
    """A run on a fresh cluster; the outcome's folder is kept when something did not hold."""
    outcome = Outcome(wish)
    begun = time.monotonic()
    form = Shape(wish.database, wish.events, wish.seed, **shape)
    with running(form, lambda: not outcome.passed) as cluster:
        outcome.folder = str(cluster.folder)
        chosen = manner or Manner(wish.events, per_s=wish.per_s)
        run = Run(cluster, wish, replace(chosen, seed=wish.seed), outcome)
        yield run
        outcome.seconds = round(time.monotonic() - begun, 1)
