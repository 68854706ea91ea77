"""Plays the platforms' callback servers: what WeCom promises, and what it does not.

Five seconds to answer, then three more attempts, each sealed anew; some events come twice, much
later; neighbours overtake each other by up to `reorder` places.
"""

from __future__ import annotations

import asyncio
import heapq
import random
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from itertools import islice

from faults.posting import Web, sealed
from faults.workload import Event

TIMEOUT_S = 5.0
RETRY_AFTER_S = (1.0, 2.0, 3.0)
BATCH = 50  # events that are made, and after which the backlog is looked at
AT_ONCE = 8
LATE_AFTER = (20, 400)  # a late duplicate follows so many events later


@dataclass(frozen=True, slots=True)
class Manner:
    """How events are sent."""

    events: int
    connections: int = 12
    per_s: float = 0.0  # 0: as fast as answers come
    burst: int = 6  # so many at a time, where `per_s` is given
    late_duplicates: float = 0.05
    backlog: int = 1500  # events that may wait in the product before we go slower
    copies: int = 1
    reorder: int = 20
    seed: int = 1
    clock_ahead_s: float = 0.0


@dataclass(slots=True)
class Posted:
    """What became of one event; times are seconds since 1970, latencies seconds."""

    event: Event
    first_at: float
    acked_at: float = 0.0
    attempts: int = 0
    answers: list[str] = field(default_factory=list)
    latencies: list[float] = field(default_factory=list)  # of answered attempts
    ended: bool = False


class Sender:
    """Sends from a thread of its own; `posted` grows while it does."""

    def __init__(
        self,
        ports: list[int],
        more: Callable[[int], list[Event]],
        manner: Manner,
        wait_s: Callable[[], float] = lambda: 0.0,
    ) -> None:
        self._web, self._more, self.manner, self._wait_s = Web(ports), more, manner, wait_s
        self._rng = random.Random(manner.seed)  # repeatable on purpose
        self._stop = threading.Event()
        self.posted: dict[int, Posted] = {}
        self.made: dict[int, Event] = {}
        self.duplicates = 0
        self.failure: BaseException | None = None
        self._thread = threading.Thread(target=self._run, name="sender", daemon=True)

    def start(self) -> None:
        """Begin."""
        self._thread.start()

    def source(self, more: Callable[[int], list[Event]]) -> None:
        """Take events from somewhere else."""
        self._more = more

    @property
    def sending(self) -> bool:
        """True until everything was sent and answered, or given up."""
        return self._thread.is_alive()

    @property
    def untold(self) -> set[str]:
        """About whom something happened that was never sent, because sending was stopped."""
        return {event.about for number, event in self.made.items() if number not in self.posted}

    def stop(self) -> None:
        """Send nothing more; what is under way ends."""
        self._stop.set()
        self._thread.join(60)

    def join(self, within_s: float) -> bool:
        """Wait for the end; False when time ran out. Raises what ended it early."""
        self._thread.join(within_s)
        if self.failure:
            raise self.failure
        return not self._thread.is_alive()

    def _run(self) -> None:
        try:
            asyncio.run(self._send_all())
        except BaseException as problem:
            self.failure = problem

    async def _send_all(self) -> None:
        waiting: asyncio.Queue[Event | None] = asyncio.Queue(maxsize=self.manner.connections)
        posts = [asyncio.create_task(self._post_all(waiting))
                 for _ in range(self.manner.connections)]  # fmt: skip
        try:
            begun, sent = time.monotonic(), 0
            source = self._disturbed()
            # From a thread: the platforms may take their time, and answers must not wait for it.
            while some := await asyncio.to_thread(list, islice(source, AT_ONCE)):
                for event in some:
                    if self._stop.is_set():
                        return
                    await self._pace(begun, sent)
                    await waiting.put(event)
                    sent += 1
        finally:
            for _ in posts:
                await waiting.put(None)
            await asyncio.gather(*posts)
            self._web.hang_up()

    async def _pace(self, begun: float, sent: int) -> None:
        if self.manner.per_s and sent % self.manner.burst == 0:
            early = begun + sent / self.manner.per_s - time.monotonic()
            await asyncio.sleep(max(0.0, early))
        if sent % BATCH == 0 or self.manner.backlog < BATCH:
            await asyncio.sleep(self._wait_s())

    def _disturbed(self) -> Iterator[Event]:
        """The events with neighbours out of place, and some again much later."""
        held: list[tuple[float, int, Event]] = []
        serial = 0
        for event in self._events():
            for _ in range(self.manner.copies):
                place = event.number + self._rng.uniform(0, self.manner.reorder)
                heapq.heappush(held, (place, serial, event))
                serial += 1
            if self._rng.random() < self.manner.late_duplicates:
                place = event.number + self._rng.uniform(*LATE_AFTER)
                heapq.heappush(held, (place, serial, event))
                serial += 1
            while held and held[0][0] <= event.number:
                yield heapq.heappop(held)[2]
        while held:
            yield heapq.heappop(held)[2]

    def _events(self) -> Iterator[Event]:
        left = self.manner.events
        while left > 0 and not self._stop.is_set():
            made = self._more(min(BATCH, left))
            left -= len(made)
            self.made.update((event.number, event) for event in made)
            yield from made

    async def _post_all(self, waiting: asyncio.Queue[Event | None]) -> None:
        while (event := await waiting.get()) is not None:
            await self._post(event)

    async def _post(self, event: Event) -> None:
        known = self.posted.get(event.number)
        if known is None:
            known = self.posted[event.number] = Posted(event, time.time())
        elif known.ended:
            self.duplicates += 1
        for pause in (*RETRY_AFTER_S, None):
            answer = await self._attempt(event, known)
            known.attempts += 1
            if answer != "200":
                known.answers.append(answer)
            if answer == "200":
                known.acked_at = known.acked_at or time.time()
                break
            if pause is None or self._stop.is_set():
                break
            await asyncio.sleep(pause)
        known.ended = True

    async def _attempt(self, event: Event, known: Posted) -> str:
        begun = time.monotonic()
        try:
            answer = await asyncio.wait_for(
                self._web.post(sealed(event, self.manner.clock_ahead_s)), TIMEOUT_S
            )
        except TimeoutError:
            known.latencies.append(time.monotonic() - begun)
            return "timeout"
        except OSError as problem:
            return type(problem).__name__
        if answer:
            known.latencies.append(time.monotonic() - begun)
        return answer or "closed"
