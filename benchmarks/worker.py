"""Inbox events per second through the whole flow, beside one empty job an event.

    python -m benchmarks.worker [--json] [--events 2000] [--persons 300] [--no-postgres]

Ours are real worker processes, one and then two, over an inbox that was filled before: each event
is claimed, decrypted, translated, asked about at the platform (which answers at once from its own
process), linked to its ONE ID, tagged, noted in the journey, answered where it asks for an answer
(a message in the outbox), and finished, in committed transactions that sync to disk. The rate
counts from the first event that was finished to the last. Half of the events ask for an answer;
"and sends" is the same with the outbox open, so that the same processes also send those messages
meanwhile, as fast as the platform's limits let them. In the other runs the platform's send APIs
are stopped, as after 45009.

The peers run one empty job an event: RQ's default worker, which forks, and its SimpleWorker in this
process; Celery, Dramatiq and Huey by their own worker commands over the same Valkey, each with one
process that does one job at a time (`-c 1`, `-p 1 -t 1`, `-w 1`) and its own default of
prefetching. Those three live in an environment of their own, which `./dev bench worker` makes;
without it they are left out. The ratio is ours (SQLite, one worker) / RQ forking.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from datetime import timedelta
from pathlib import Path

import redis
from rq import Queue, SimpleWorker, Worker
from rq.serializers import JSONSerializer
from sqlalchemy import delete, func, select

import app.models
from app import delivery, tagging
from app.bootstrap import Parts, build
from app.delivery.breaker import Why
from app.delivery.models import ApiBreaker
from app.delivery.ways import API_OF
from app.inbox import InboxEvent, State
from app.inbox.store import insert_of
from app.infra.clock import utc_now
from app.infra.db import build_engine
from benchmarks import _peers
from benchmarks._events import ACCOUNT, CORP, arrivals
from benchmarks._servers import ROOT, free_port
from benchmarks.callbacks import _postgres
from launcher import postgres, valkey

RQ_FORK, RQ_SIMPLE = "one empty RQ job, forking", "one empty RQ job, SimpleWorker"
PEER_EVENTS = 300  # RQ forks some seventy times a second
FAST_PEER_EVENTS = 3000
GIVE_UP_S = 20.0  # without any progress


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
    for name in _peers.COMMANDS:
        if not _peers.PYTHON.exists():
            print(f"{name} is left out: ./dev bench worker installs it", file=sys.stderr)
            continue
        rates[f"one empty {name.capitalize()} job"] = _peer(connection, redis_url, name, folder)
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
        known = options.persons * 10  # events that make everybody known
        _stop_sending(parts, stopped=True)
        _drain(parts, known, 0, options.persons, 1, folder)
        done = known
        for workers, sends in ((1, False), (2, False), (1, True)):
            _stop_sending(parts, stopped=not sends)
            rate = _drain(parts, options.events, done, options.persons, workers, folder)
            done += options.events
            label = f"{workers} worker{'s' * (workers > 1)}{' and sends' * sends}"
            rates[f"Yishu, {name}, {label}"] = rate
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


def _stop_sending(parts: Parts, *, stopped: bool) -> None:
    """The platforms' send APIs are stopped until tomorrow, or take messages again: new ones."""
    now = parts.clock()
    with parts.db.transaction() as session:
        session.execute(delete(ApiBreaker))
        if not stopped:
            delivery.cancel_for(session, "bench")
        for account in (CORP, ACCOUNT) if stopped else ():
            for api in set(API_OF.values()):
                session.add(
                    ApiBreaker(
                        account=account, api=api, failures=[], why=Why.QUOTA, strikes=1,
                        since=now, until=now + timedelta(days=1),
                    )
                )  # fmt: skip


def _drain(
    parts: Parts, events: int, start: int, persons: int, workers: int, folder: Path
) -> float:
    with parts.db.transaction() as session:
        newest = session.scalar(select(func.max(InboxEvent.id))) or 0
        rows = [one.row() for one in arrivals(events, persons, utc_now(), start)]
        session.connection().execute(insert_of(parts.db.engine.dialect.name), rows)
    with (folder / "workers.log").open("ab") as log:
        running = [
            subprocess.Popen([sys.executable, "-m", "workers.worker"], cwd=ROOT, stderr=log)
            for _ in range(workers)
        ]
        try:
            return _rate(parts, newest)
        finally:
            for process in running:
                process.terminate()
            for process in running:
                process.wait(10)


def _rate(parts: Parts, newest: int) -> float:
    """Of all events after `newest`, also those that the product tells itself."""
    for _ in _until(lambda: _left(parts)):
        time.sleep(0.2)
    finished = func.count(), func.min(InboxEvent.finished_at), func.max(InboxEvent.finished_at)
    done = (InboxEvent.state == State.DONE, InboxEvent.id > newest)
    with parts.db.reading() as session:
        number, first, last = session.execute(select(*finished).where(*done)).one()
    assert first is not None
    assert last is not None
    return float(number / max((last - first).total_seconds(), 0.001))


def _left(parts: Parts) -> int:
    with parts.db.reading() as session:
        return session.scalar(select(func.count()).where(InboxEvent.state == State.PENDING)) or 0


def _until(left: Callable[[], int]) -> Iterator[int]:
    """What is left, again and again, until that is nothing. Gives up when nothing moves."""
    before, since = -1, time.monotonic()
    while now := left():
        if now != before:
            before, since = now, time.monotonic()
        elif time.monotonic() - since > GIVE_UP_S:
            raise RuntimeError(f"nothing was finished for {GIVE_UP_S:.0f} s; {now} are left")
        yield now


def _peer(connection: redis.Redis, redis_url: str, name: str, folder: Path) -> float:
    environment = {**os.environ, "REDIS_URL": redis_url, "PEER": name, "PYTHONPATH": str(ROOT)}
    python = str(_peers.PYTHON)
    fill = [python, "-c", _peers.FILL.format(FAST_PEER_EVENTS)]
    subprocess.run(fill, cwd=folder, env=environment, check=True)
    with (folder / f"{name}.log").open("wb") as log:
        worker = subprocess.Popen(
            [python, *_peers.COMMANDS[name]],
            cwd=folder, env=environment, stdout=log, stderr=log, start_new_session=True,
        )  # fmt: skip
    try:
        begun, first = 0.0, 0
        for now in _until(lambda: _peers.left(connection, name)):
            if not begun and now < FAST_PEER_EVENTS:  # it has started up
                begun, first = time.perf_counter(), now
            time.sleep(0.01)
        return first / max(time.perf_counter() - begun, 0.001)
    finally:
        os.killpg(worker.pid, signal.SIGKILL)
        worker.wait()


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
