"""Inbox events per second through the whole flow, beside one empty job an event.

    python -m benchmarks.worker [--json] [--events 2000] [--persons 300] [--no-postgres]

Ours are real worker processes, one and then two, over an inbox that was filled before: each event
is claimed, decrypted, translated, asked about at the platform (which answers at once from its own
process), linked to its ONE ID, tagged, noted in the journey, answered where it asks for an answer,
and finished, in committed transactions that sync to disk. The rate counts from the first event
that was finished to the last. The peers run `benchmarks._empty_job.nothing` once an event: RQ's
default worker, which forks, and its SimpleWorker. The ratio is ours (SQLite, one worker) / RQ
forking.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import redis
from rq import Queue, SimpleWorker, Worker
from rq.serializers import JSONSerializer
from sqlalchemy import func, select

import app.models
from app import tagging
from app.bootstrap import Parts, build
from app.inbox import InboxEvent, State
from app.inbox.store import insert_of
from app.infra.clock import utc_now
from app.infra.db import build_engine
from benchmarks._events import ACCOUNT, CORP, arrivals
from benchmarks._servers import ROOT, free_port
from benchmarks.callbacks import _postgres
from launcher import postgres, valkey

RQ_FORK, RQ_SIMPLE = "one empty RQ job, forking", "one empty RQ job, SimpleWorker"
PEER_EVENTS = 300  # RQ forks some seventy times a second
GIVE_UP_S = 120.0


def main(arguments: list[str] | None = None) -> int:
    """Run, print a table, and with --json one JSON object on the last line."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="yishu-bench-") as name, ExitStack() as stack:
        rates = _measure(stack, Path(name), options)
    print(f"{'':38}{'events/s':>12}{'of RQ':>8}")
    for name, rate in rates.items():
        print(f"{name:38}{rate:12.0f}{rate / rates[RQ_FORK]:8.2f}")
    if options.json:
        ratio = rates["Yishu, SQLite, 1 worker"] / rates[RQ_FORK]
        print(json.dumps({"bench": "worker", "ratio": round(ratio, 3), "events_per_s": rates}))
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench worker", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--events", type=int, default=2000)
    parser.add_argument("--persons", type=int, default=300)
    parser.add_argument("--no-postgres", action="store_true")
    return parser.parse_args(arguments)


def _measure(stack: ExitStack, folder: Path, options: argparse.Namespace) -> dict[str, float]:
    redis_url = stack.enter_context(valkey.running(folder))
    connection = redis.Redis.from_url(redis_url)
    rates = {
        RQ_FORK: _rq(connection, Worker),
        RQ_SIMPLE: _rq(connection, SimpleWorker),
    }
    platform = stack.enter_context(_platform())
    homes = {"SQLite": f"sqlite:///{folder / 'bench.db'}"}
    if not options.no_postgres:
        try:
            homes["PostgreSQL"] = stack.enter_context(_postgres())
        except postgres.NoPostgres as problem:
            print(f"PostgreSQL is left out: {problem}", file=sys.stderr)
    for name, url in homes.items():
        os.environ |= _environment(redis_url, url, platform, folder)
        parts = _prepared(url)
        done = 0
        for number, workers in enumerate((0, 1, 2)):  # the first run makes everybody known
            events = options.persons * 10 if number == 0 else options.events
            rate = _drain(parts, events, done, options.persons, max(workers, 1), folder)
            done += events
            if workers:
                rates[f"Yishu, {name}, {workers} worker{'s' * (workers > 1)}"] = rate
    return rates


def _environment(redis_url: str, url: str, platform: str, folder: Path) -> dict[str, str]:
    known = {key: os.environ[key] for key in ("YISHU_ENCRYPTION_KEYS",) if key in os.environ}
    return {
        "REDIS_URL": redis_url, "DATABASE_URL": url, "YISHU_SPILL_DIR": str(folder / "spill"),
        "YISHU_SECRET_KEY": secrets.token_hex(16), "YISHU_LOG_LEVEL": "ERROR",
        "YISHU_ENCRYPTION_KEYS": f"bench:{secrets.token_hex(32)}",
        "WECOM_CORP_ID": CORP, "WECOM_AGENT_ID": "1000002", "WECOM_SECRET": "invented",
        "WECOM_API_BASE": f"{platform}/wecom", "OA_APP_ID": ACCOUNT, "OA_SECRET": "invented",
        "OA_API_BASE": f"{platform}/oa",
    } | known  # fmt: skip


@contextmanager
def _platform() -> Iterator[str]:
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "benchmarks._platform", str(port)], cwd=ROOT)
    try:
        yield f"http://127.0.0.1:{port}"
    finally:
        process.terminate()
        process.wait(10)


def _prepared(url: str) -> Parts:
    engine = build_engine(url)
    app.models.metadata.create_all(engine)
    engine.dispose()
    parts = build(process="bench")
    with parts.db.transaction() as session:
        tagging.seed(session, utc_now())
    return parts


def _drain(
    parts: Parts, events: int, start: int, persons: int, workers: int, folder: Path
) -> float:
    with parts.db.transaction() as session:
        rows = [one.row() for one in arrivals(events, persons, utc_now(), start)]
        session.connection().execute(insert_of(parts.db.engine.dialect.name), rows)
    with (folder / "workers.log").open("ab") as log:
        running = [
            subprocess.Popen([sys.executable, "-m", "workers.worker"], cwd=ROOT, stderr=log)
            for _ in range(workers)
        ]
        try:
            return _rate(parts, start, events)
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait(10)


def _rate(parts: Parts, start: int, events: int) -> float:
    deadline = time.monotonic() + GIVE_UP_S
    while time.monotonic() < deadline:
        time.sleep(0.2)
        with parts.db.reading() as session:
            done = session.scalar(
                select(func.count()).where(InboxEvent.state == State.DONE, InboxEvent.id > start)
            )
            if done is not None and done >= events:
                first, last = session.execute(
                    select(func.min(InboxEvent.finished_at), func.max(InboxEvent.finished_at))
                    .where(InboxEvent.id > start)
                ).one()  # fmt: skip
                return events / max((last - first).total_seconds(), 0.001)
    raise RuntimeError("the workers did not finish; is this machine too busy?")


def _rq(connection: redis.Redis, kind: type[Worker] | type[SimpleWorker]) -> float:
    queue = Queue("bench", connection=connection, serializer=JSONSerializer)
    for _ in range(PEER_EVENTS):
        queue.enqueue("benchmarks._empty_job.nothing", result_ttl=0)
    worker = kind([queue], connection=connection, serializer=JSONSerializer)
    begun = time.perf_counter()
    worker.work(burst=True, logging_level="CRITICAL")
    return PEER_EVENTS / (time.perf_counter() - begun)


if __name__ == "__main__":
    sys.exit(main())
