"""A small load client, run as its own process: many connections, one thread, exact latencies.

    python -m benchmarks._load PORT CONNECTIONS FILE PER_S [--keep-alive] [--core N]

FILE holds whole HTTP requests, each with its length (4 bytes) before it. PER_S is a pace, 0 as
fast as it goes. Without `--keep-alive` every request opens its own connection. With `--core` it
runs on that core alone. Prints one JSON object, with the processor seconds that the client itself
has used: as long as they are well below the time it took, the server was what was measured.
"""

from __future__ import annotations

import argparse
import json
import os
import selectors
import socket
import struct
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Outcome:
    """What one run measured."""

    seconds: float = 0.0
    cpu_s: float = 0.0
    ok: int = 0
    other: int = 0
    latencies_ms: list[float] = field(default_factory=list)

    def as_dict(self) -> dict[str, float]:
        """Rate and percentiles."""
        ordered = sorted(self.latencies_ms)
        return {
            "ok": self.ok,
            "other": self.other,
            "seconds": self.seconds,
            "client_cpu_s": self.cpu_s,
            "per_s": self.ok / self.seconds,
            "p50_ms": percentile(ordered, 50),
            "p99_ms": percentile(ordered, 99),
        }


@dataclass(slots=True, eq=False)
class Line:
    """One connection, and when the request went out that it waits for; 0 while it rests."""

    connection: socket.socket
    started: float = 0.0
    answer: bytes = b""


def percentile(ordered: list[float], percent: float) -> float:
    """The value below which `percent` of an ordered list lies."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))]


def pack(requests: list[bytes]) -> bytes:
    """The file format that `run` reads."""
    return b"".join(struct.pack(">I", len(r)) + r for r in requests)


def run(
    port: int, connections: int, packed: bytes, *, per_s: float = 0, keep_alive: bool = False
) -> Outcome:
    """Send every request once, at most `connections` at a time, at a pace if one is asked for."""
    return _Run(port, connections, list(_unpack(packed)), per_s, keep_alive).go()


class _Run:
    def __init__(
        self, port: int, connections: int, requests: list[bytes], per_s: float, keep_alive: bool
    ) -> None:
        self.port, self.connections, self.requests = port, connections, requests
        self.per_s, self.keep_alive = per_s, keep_alive
        self.outcome, self.busy, self.sent = Outcome(), 0, 0
        self.rested: list[Line] = []
        self.selector = selectors.DefaultSelector()

    def go(self) -> Outcome:
        begun, used = time.perf_counter(), time.process_time()
        with self.selector:
            while self.busy or self.sent < len(self.requests):
                self._send_what_is_due(begun)
                wait_s = 0.001 if self.per_s and self.sent < len(self.requests) else 30
                ready = self.selector.select(wait_s)
                if not ready and wait_s > 1:
                    raise TimeoutError("the server did not answer for 30 seconds")
                for key, _ in ready:
                    self._read(key.data)
        self.outcome.seconds = time.perf_counter() - begun
        self.outcome.cpu_s = time.process_time() - used
        for line in self.rested:
            line.connection.close()
        return self.outcome

    def _send_what_is_due(self, begun: float) -> None:
        while self.sent < len(self.requests) and self.busy < self.connections:
            if self.per_s and self.sent / self.per_s > time.perf_counter() - begun:
                return
            started = time.perf_counter()
            line = self.rested.pop() if self.rested else self._connect()
            line.started = started
            line.connection.sendall(self.requests[self.sent])
            self.sent += 1
            self.busy += 1

    def _connect(self) -> Line:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        line = Line(connection)
        self.selector.register(connection, selectors.EVENT_READ, line)
        return line

    def _read(self, line: Line) -> None:
        piece = line.connection.recv(65536)
        if not line.started:  # closed while nobody asked anything
            self.rested.remove(line)
            self._close(line)
            return
        line.answer += piece
        # Our answers have no body, so with a connection that stays open the head is everything.
        if piece and not (self.keep_alive and line.answer.endswith(b"\r\n\r\n")):
            return
        self.busy -= 1
        self.outcome.latencies_ms.append((time.perf_counter() - line.started) * 1000)
        if line.answer.startswith(b"HTTP/1.1 200 "):
            self.outcome.ok += 1
        else:
            self.outcome.other += 1
        line.started, line.answer = 0.0, b""
        if self.keep_alive and piece:
            self.rested.append(line)
        else:
            self._close(line)

    def _close(self, line: Line) -> None:
        self.selector.unregister(line.connection)
        line.connection.close()


def _unpack(packed: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(packed):
        (length,) = struct.unpack_from(">I", packed, at)
        yield packed[at + 4 : at + 4 + length]
        at += 4 + length


def main() -> None:
    """See the module text."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("port", type=int)
    parser.add_argument("connections", type=int)
    parser.add_argument("file", type=Path)
    parser.add_argument("per_s", type=float)
    parser.add_argument("--keep-alive", action="store_true")
    parser.add_argument("--core", type=int)
    asked = parser.parse_args()
    if asked.core is not None:
        os.sched_setaffinity(0, {asked.core})
    outcome = run(
        asked.port, asked.connections, asked.file.read_bytes(),
        per_s=asked.per_s, keep_alive=asked.keep_alive,
    )  # fmt: skip
    print(json.dumps(outcome.as_dict()))


if __name__ == "__main__":
    main()
