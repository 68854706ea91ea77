"""Whether memory, threads or files grow while events come at a steady rate. Linux only.

    python -m benchmarks.soak [--json] [--minutes 60] [--per-s 30] [--every-s 300] [--persons 2000]

Web, one worker and the scheduler over SQLite and a private Valkey; the platform answers at once.
Every `--every-s` seconds: resident memory, threads and open files of each of the three (with the
processes it has started), and the age of the oldest event that waits. In the end the slope of
memory over the last two thirds of the time in MB an hour: a leak is a straight line, a cache
becomes flat. Exit code 1 when a callback was not accepted, or events wait for over a minute.
"""

from __future__ import annotations

import argparse
import http.client
import json
import os
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path
from statistics import linear_regression
from urllib.parse import urlencode

from app import inbox
from app.bootstrap import Parts
from app.connectors.callback_crypto import Secrets, seal
from app.infra.clock import utc_now
from benchmarks import _cores
from benchmarks._events import ACCOUNT, CORP, arrivals
from benchmarks._servers import ours, program
from benchmarks.worker import _environment, _platform, _prepared
from launcher import valkey

KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
DOORS = {
    "wecom": Secrets("benchmarktoken", KEY, CORP),
    "oa": Secrets("benchmarktoken", KEY, ACCOUNT),
}
WARM_UP, LATE_S, MB = 1 / 3, 60.0, 1024


@dataclass(frozen=True, slots=True)
class Sample:
    """One process at one moment."""

    minutes: float
    name: str
    rss_mb: float
    threads: int
    files: int


class Sender(threading.Thread):
    """Posts invented events at a pace, one after the other; `answers` counts by status."""

    def __init__(self, port: int, per_s: float, persons: int) -> None:
        super().__init__(name="sender", daemon=True)
        self.port, self.per_s, self.persons = port, per_s, persons
        self.answers: Counter[int] = Counter()
        self.ended = threading.Event()

    def run(self) -> None:
        """Until `ended` is set."""
        begun, number = time.monotonic(), 0
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=10)
        while not self.ended.wait(max(0.0, begun + number / self.per_s - time.monotonic())):
            target, body = self._request(number)
            try:
                connection.request("POST", target, body, {"Content-Type": "text/xml"})
                answer = connection.getresponse()
                answer.read()
                self.answers[answer.status] += 1
            except (OSError, http.client.HTTPException):
                self.answers[0] += 1
                connection.close()
            number += 1

    def _request(self, number: int) -> tuple[str, bytes]:
        (event,) = arrivals(1, self.persons, utc_now(), number)
        made = seal(
            DOORS[event.source], event.body, timestamp=int(time.time()), nonce=f"{number:010d}"
        )
        query = {"msg_signature": made.signature, "timestamp": made.timestamp, "nonce": made.nonce}
        return f"/callbacks/{event.source}/main?{urlencode(query)}", made.xml(event.receiver)


def main(arguments: list[str] | None = None) -> int:
    """Run, print as it goes, and with --json one JSON object on the last line."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="yishu-soak-") as name, ExitStack() as stack:
        folder = Path(name)
        parts, roots, port = _start(stack, folder)
        sender = Sender(port, options.per_s, options.persons)
        sender.start()
        samples = list(_watch(parts, roots, sender, options))
        sender.ended.set()
        sender.join(20)
        late_s = _late_s(parts)
    slopes = {name: slope for name in roots if (slope := _slope(samples, name)) is not None}
    for process, mb_per_h in slopes.items():
        print(f"{process:12}{mb_per_h:+9.1f} MB/h after the first third")
    failed = sum(sender.answers.values()) - sender.answers[200]
    print(f"{sender.answers[200]} accepted, {failed} not; oldest that waits: {late_s:.0f} s")
    if options.json:
        result = {"bench": "soak", "mb_per_h": slopes, "accepted": sender.answers[200]}
        print(json.dumps(result | {"failed": failed, "late_s": late_s}))
    return 1 if failed or late_s > LATE_S else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench soak", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--minutes", type=float, default=60)
    parser.add_argument("--per-s", type=float, default=30)
    parser.add_argument("--every-s", type=float, default=300)
    parser.add_argument("--persons", type=int, default=2000)
    return parser.parse_args(arguments)


def _start(stack: ExitStack, folder: Path) -> tuple[Parts, dict[str, int], int]:
    redis_url = stack.enter_context(valkey.running(folder))
    url, platform = f"sqlite:///{folder / 'soak.db'}", stack.enter_context(_platform())
    os.environ |= _environment(redis_url, url, platform, folder) | {
        f"{name}_{key}": value
        for name, door in (("WECOM", DOORS["wecom"]), ("OA", DOORS["oa"]))
        for key, value in (("TOKEN", door.token), ("AES_KEY", door.aes_key))
    }
    parts = _prepared(url)
    web = stack.enter_context(ours({}, folder / "web.log"))
    pids = {
        name: stack.enter_context(
            program(["-m", f"workers.{name}"], {}, folder / f"{name}.log")
        ).pid
        for name in ("worker", "scheduler")
    }
    return parts, {"web": web.pid, **pids}, web.port


def _watch(
    parts: Parts, roots: dict[str, int], sender: Sender, options: argparse.Namespace
) -> Iterator[Sample]:
    """The samples of the whole time; prints each."""
    begun = time.monotonic()
    print(f"{'minute':>7}  {'process':12}{'MB':>8}{'threads':>9}{'files':>7}")
    while (minutes := (time.monotonic() - begun) / 60) < options.minutes:
        time.sleep(min(options.every_s, max(0.0, options.minutes * 60 - minutes * 60)))
        minutes = (time.monotonic() - begun) / 60
        for name, root in roots.items():
            sample = _sample(minutes, name, root)
            figures = f"{sample.rss_mb:8.1f}{sample.threads:9}{sample.files:7}"
            print(f"{minutes:7.1f}  {name:12}{figures}")
            yield sample
        print(
            f"{'':9}{sum(sender.answers.values())} events, oldest {_late_s(parts):.1f} s",
            flush=True,
        )


def _sample(minutes: float, name: str, root: int) -> Sample:
    """The process and what it started, together. Raises RuntimeError when it has ended."""
    alive = _cores.tree([root])
    if not alive:
        raise RuntimeError(f"{name} has ended")
    rss_kb = threads = files = 0
    for pid in alive:
        try:
            status = (_cores.PROC / f"{pid}/status").read_text().splitlines()
            told = dict(line.split(":", 1) for line in status if ":" in line)
            rss_kb += int(told.get("VmRSS", "0 kB").split()[0])
            threads += int(told["Threads"])
            files += len(list((_cores.PROC / f"{pid}/fd").iterdir()))
        except OSError:
            continue  # a child that has ended meanwhile
    return Sample(minutes, name, rss_kb / MB, threads, files)


def _late_s(parts: Parts) -> float:
    with parts.db.reading() as session:
        oldest = inbox.oldest_pending(session)
    return (utc_now() - oldest).total_seconds() if oldest else 0.0


def _slope(samples: Sequence[Sample], name: str) -> float | None:
    mine = [one for one in samples if one.name == name]
    late = [one for one in mine if one.minutes > mine[-1].minutes * WARM_UP]
    if len(late) < 3:
        return None
    return linear_regression([x.minutes / 60 for x in late], [x.rss_mb for x in late]).slope


if __name__ == "__main__":
    sys.exit(main())
