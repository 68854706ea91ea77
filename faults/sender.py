"""Plays the platforms' callback servers: what WeCom promises, and what it does not.

Five seconds to answer, then three more attempts, each sealed anew; some events come twice, much
later; neighbours overtake each other by up to `reorder` places. Every attempt goes to the next web
process in turn, and to another one at once when nobody listens, as a reverse proxy would do it.
"""

from __future__ import annotations

import asyncio
import heapq
import random
import secrets
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import dataclass, field
from urllib.parse import urlencode

from app.connectors.callback_crypto import seal
from faults import company
from faults.workload import Event

TIMEOUT_S = 5.0
RETRY_AFTER_S = (1.0, 2.0, 3.0)
SECRETS = {"wecom": company.WECOM, "oa": company.ACCOUNT}
BATCH = 50
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
        self._ports, self._more, self.manner, self._wait_s = ports, more, manner, wait_s
        self._rng = random.Random(manner.seed)  # repeatable on purpose
        self._turn = 0
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
            while (event := await asyncio.to_thread(next, source, None)) is not None:
                if self._stop.is_set():
                    break
                if self.manner.per_s and sent % self.manner.burst == 0:
                    early = begun + sent / self.manner.per_s - time.monotonic()
                    await asyncio.sleep(max(0.0, early))
                if sent % BATCH == 0 or self.manner.backlog < BATCH:
                    await asyncio.sleep(await asyncio.to_thread(self._wait_s))
                await waiting.put(event)
                sent += 1
        finally:
            for _ in posts:
                await waiting.put(None)
            await asyncio.gather(*posts)

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
            answer = await asyncio.wait_for(self._exchange(self._sealed(event)), TIMEOUT_S)
        except TimeoutError:
            known.latencies.append(time.monotonic() - begun)
            return "timeout"
        except OSError as problem:
            return type(problem).__name__
        if answer:
            known.latencies.append(time.monotonic() - begun)
        return answer or "closed"

    async def _exchange(self, request: bytes) -> str:
        reader, writer = await self._connect()
        try:
            writer.write(request)
            head = await reader.readline()
            return head.split()[1].decode() if head else ""
        finally:
            writer.close()
            with suppress(OSError):
                await writer.wait_closed()

    async def _connect(self) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
        self._turn += 1
        for number in range(len(self._ports)):
            port = self._ports[(self._turn + number) % len(self._ports)]
            try:
                return await asyncio.open_connection("127.0.0.1", port)
            except ConnectionRefusedError:
                continue
        raise ConnectionRefusedError

    def _sealed(self, event: Event) -> bytes:
        keys = SECRETS[event.platform]
        made = seal(
            keys, event.body.encode(), timestamp=int(time.time() + self.manner.clock_ahead_s),
            nonce=secrets.token_hex(5),
        )  # fmt: skip
        query = urlencode(
            {"msg_signature": made.signature, "timestamp": made.timestamp, "nonce": made.nonce}
        )
        body = made.xml(keys.receive_id)
        head = (
            f"POST /callbacks/{event.platform}/main?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Content-Type: text/xml\r\nContent-Length: {len(body)}\r\nConnection: close\r\n\r\n"
        )
        return head.encode() + body
