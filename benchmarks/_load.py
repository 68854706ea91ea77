"""A small load client, run as its own process: many connections, one thread, exact latencies.

    python -m benchmarks._load PORT CONNECTIONS FILE

FILE holds whole HTTP requests, each with its length (4 bytes) before it. Every request opens its
own connection, as the platforms' servers do. Prints one JSON object.
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
from itertools import islice
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


def run(port: int, connections: int, packed: bytes) -> Outcome:
    """Send every request once, `connections` at a time."""
    waiting = iter(list(_unpack(packed)))
    outcome, open_now = Outcome(), 0
    with selectors.DefaultSelector() as selector:
        begun = time.perf_counter()
        for request in _first(waiting, connections):
            _start(selector, port, request)
            open_now += 1
        while open_now:
            for key, _ in selector.select(30) or _silence():
                if not _read(key.data):
                    continue
                selector.unregister(key.fileobj)
                _finish(key.data, outcome)
                following = next(waiting, None)
                if following is None:
                    open_now -= 1
                else:
                    _start(selector, port, following)
        outcome.seconds = time.perf_counter() - begun
    return outcome


def _unpack(packed: bytes) -> Iterator[bytes]:
    at = 0
    while at < len(packed):
        (length,) = struct.unpack_from(">I", packed, at)
        yield packed[at + 4 : at + 4 + length]
        at += 4 + length


def _first(waiting: Iterator[bytes], number: int) -> list[bytes]:
    return list(islice(waiting, number))


def _start(selector: selectors.BaseSelector, port: int, request: bytes) -> None:
    started = time.perf_counter()
    connection = socket.create_connection(("127.0.0.1", port), timeout=30)
    connection.sendall(request)
    selector.register(connection, selectors.EVENT_READ, Exchange(connection, started))


def _read(exchange: Exchange) -> bool:
    """True when the answer is complete: the server closes the connection."""
    piece = exchange.connection.recv(65536)
    exchange.answer += piece
    return not piece


def _finish(exchange: Exchange, outcome: Outcome) -> None:
    exchange.connection.close()
    outcome.latencies_ms.append((time.perf_counter() - exchange.started) * 1000)
    if exchange.answer.startswith(b"HTTP/1.1 200 "):
        outcome.ok += 1
    else:
        outcome.other += 1


def _silence() -> list[tuple[selectors.SelectorKey, int]]:
    raise TimeoutError("the server did not answer for 30 seconds")


if __name__ == "__main__":
    _port, _connections, _file = int(sys.argv[1]), int(sys.argv[2]), Path(sys.argv[3])
    print(json.dumps(run(_port, _connections, _file.read_bytes()).as_dict()))
