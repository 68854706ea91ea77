"""A small load client, run as its own process: many connections, one thread, exact latencies.

    python -m benchmarks._load PORT CONNECTIONS FILE PER_S [keep-alive]

FILE holds whole HTTP requests, each with its length (4 bytes) before it. PER_S is a pace, 0 as
fast as it goes. Without `keep-alive` every request opens its own connection. Prints one JSON
object.
"""

from __future__ import annotations

import json
import selectors
import socket
import struct
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path


@dataclass
class Outcome:
    """What one run measured."""

    seconds: float = 0.0
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
            "per_s": self.ok / self.seconds,
            "p50_ms": percentile(ordered, 50),
            "p99_ms": percentile(ordered, 99),
        }


@dataclass
class Exchange:
    """One request that is under way."""

    connection: socket.socket
    started: float
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
        self.rested: list[socket.socket] = []
        self.selector = selectors.DefaultSelector()

    def go(self) -> Outcome:
        begun = time.perf_counter()
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
        for connection in self.rested:
            connection.close()
        return self.outcome

    def _send_what_is_due(self, begun: float) -> None:
        while self.sent < len(self.requests) and self.busy < self.connections:
            if self.per_s and self.sent / self.per_s > time.perf_counter() - begun:
                return
            started = time.perf_counter()
            connection = self.rested.pop() if self.rested else self._connect()
            connection.sendall(self.requests[self.sent])
            self.selector.register(connection, selectors.EVENT_READ, Exchange(connection, started))
            self.sent += 1
            self.busy += 1

    def _connect(self) -> socket.socket:
        connection = socket.create_connection(("127.0.0.1", self.port), timeout=30)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        return connection

    def _read(self, exchange: Exchange) -> None:
        piece = exchange.connection.recv(65536)
        exchange.answer += piece
        # Our answers have no body, so with a connection that stays open the head is everything.
        if piece and not (self.keep_alive and b"\r\n\r\n" in exchange.answer):
            return
        self.selector.unregister(exchange.connection)
        self.busy -= 1
        self.outcome.latencies_ms.append((time.perf_counter() - exchange.started) * 1000)
        if exchange.answer.startswith(b"HTTP/1.1 200 "):
            self.outcome.ok += 1
        else:
            self.outcome.other += 1
        if self.keep_alive and piece:
            self.rested.append(exchange.connection)
        else:
            exchange.connection.close()


def _unpack(packed: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(packed):
        (length,) = struct.unpack_from(">I", packed, at)
        yield packed[at + 4 : at + 4 + length]
        at += 4 + length


if __name__ == "__main__":
    _port, _connections, _file, _pace = sys.argv[1:5]
    _outcome = run(
        int(_port), int(_connections), Path(_file).read_bytes(),
        per_s=float(_pace), keep_alive="keep-alive" in sys.argv[5:],
    )  # fmt: skip
    print(json.dumps(_outcome.as_dict()))
