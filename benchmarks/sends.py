"""Messages per second from the outbox to the platform, beside one RQ job for each message.

    python -m benchmarks.sends [--json] [--messages 400] [--no-postgres]

Ours claims (commit to a database that syncs to disk), asks every limit, calls, records (commit).
The peer is a job that posts; its store is a Valkey that syncs once a second. Both send texts to
the sandbox, which runs in its own process and answers at once; with `--latency-ms` the peer and
we wait for a platform that takes longer, as the real one does. The ratio is the median over the
rounds of ours (SQLite) / RQ's default worker, which forks for each job.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import httpx
import redis
from rq import Queue, SimpleWorker, Worker
from rq.serializers import JSONSerializer
from sqlalchemy import func, select

import app.models
from app import delivery, reps
from app.bootstrap import Parts, build
from app.delivery import Dispatch, State, Way
from app.infra.db import build_engine
from app.sandbox.world import World
from benchmarks._servers import ROOT
from benchmarks.callbacks import _postgres
from launcher import postgres, valkey
from workers.sending import send_due

CORP, APP, EACH = "wwbenchmark", "1000002", 5  # messages to one member: what a burst allows
RQ_FORK, RQ_SIMPLE = "one RQ job a message, forking", "one RQ job a message, SimpleWorker"
SQLITE, POSTGRES = "Yishu, SQLite", "Yishu, PostgreSQL"


def main(arguments: list[str] | None = None) -> int:
    """Run, print a table, and with --json one JSON object on the last line."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="yishu-bench-") as name, ExitStack() as stack:
        rounds = _measure(stack, Path(name), options)
    rates = {name: statistics.median(found) for name, found in rounds.items()}
    ratio = statistics.median(
        ours / peer for ours, peer in zip(rounds[SQLITE], rounds[RQ_FORK], strict=True)
    )
    print(f"{'':38}{'messages/s':>12}{'of RQ':>8}")
    for name, rate in rates.items():
        print(f"{name:38}{rate:12.0f}{rate / rates[RQ_FORK]:8.2f}")
    if options.json:
        result = {"bench": "sends", "ratio": round(ratio, 3), "messages_per_s": rates}
        print(json.dumps(result))
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench sends", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--messages", type=int, default=400, help="per way and round")
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--latency-ms", type=int, default=0, help="of the platform")
    parser.add_argument("--no-postgres", action="store_true")
    return parser.parse_args(arguments)


def _measure(stack: ExitStack, folder: Path, options: argparse.Namespace) -> dict[str, list[float]]:
    redis_url = stack.enter_context(valkey.running(folder))
    members = max(1, options.messages // EACH) * (options.rounds + 1) * 4
    environment = _environment(redis_url)
    os.environ |= environment
    base = stack.enter_context(_sandbox(folder, members, environment, options.latency_ms))
    os.environ["WECOM_API_BASE"] = base
    runs: dict[str, Callable[[int], float]] = {}
    connection = redis.Redis.from_url(redis_url)
    for name, kind in ((RQ_FORK, Worker), (RQ_SIMPLE, SimpleWorker)):
        runs[name] = _rq(connection, kind, base, options.messages)
    runs[SQLITE] = _ours(f"sqlite:///{folder / 'bench.db'}", options.messages)
    if not options.no_postgres:
        try:
            runs[POSTGRES] = _ours(stack.enter_context(_postgres()), options.messages)
        except postgres.NoPostgres as problem:
            print(f"PostgreSQL is left out: {problem}", file=sys.stderr)
    found: dict[str, list[float]] = {name: [] for name in runs}
    first = 0
    for number in range(options.rounds):
        for name, run in runs.items():
            found[name].append(options.messages / run(first))
            first += max(1, options.messages // EACH)
        runs = dict(list(runs.items())[1:] + list(runs.items())[:1])  # nobody is always first
        print(f"round {number + 1} of {options.rounds}", file=sys.stderr)
    return found


def _environment(redis_url: str) -> dict[str, str]:
    return {
        "REDIS_URL": redis_url, "DATABASE_URL": "sqlite://", "WECOM_CORP_ID": CORP,
        "WECOM_AGENT_ID": APP, "WECOM_SECRET": "invented", "WECOM_ACCOUNTS": "100000",
        "YISHU_SECRET_KEY": secrets.token_hex(16), "YISHU_LOG_LEVEL": "ERROR",
        "YISHU_ENCRYPTION_KEYS": f"bench:{secrets.token_hex(32)}",
    }  # fmt: skip


@contextmanager
def _sandbox(
    folder: Path, members: int, environment: dict[str, str], latency_ms: int
) -> Iterator[str]:
    state = folder / "world.json"
    world = World(path=state)
    world.seed({"members": [{"userid": _userid(n), "name": "代表"} for n in range(members)]})
    world.save()
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = int(probe.getsockname()[1])
    process = subprocess.Popen(
        [sys.executable, "-m", "app.sandbox", "--port", str(port), "--state", str(state)],
        cwd=ROOT, env={**os.environ, **environment},
    )  # fmt: skip
    try:
        base = f"http://127.0.0.1:{port}/wecom"
        deadline = time.monotonic() + 30
        while time.monotonic() < deadline:
            try:
                httpx.get(f"{base}/cgi-bin/getcallbackip")
                break
            except httpx.HTTPError:
                time.sleep(0.05)
        slow = {"latency_ms": latency_ms}
        httpx.post(f"http://127.0.0.1:{port}/sandbox/trouble", json=slow).raise_for_status()
        yield base
    finally:
        process.terminate()
        process.wait(10)


def _userid(number: int) -> str:
    return f"member{number:05d}"


def _bodies(first: int, messages: int) -> Iterator[dict[str, object]]:
    for number in range(messages):
        yield {
            "touser": _userid(first + number // EACH), "agentid": int(APP), "msgtype": "text",
            "text": {"content": f"{first}-{number} 您好，这是一条测试消息"},
        }  # fmt: skip


def _rq(
    connection: redis.Redis, kind: type[Worker] | type[SimpleWorker], base: str, messages: int
) -> Callable[[int], float]:
    def run(first: int) -> float:
        params = {"corpid": CORP, "corpsecret": "invented"}
        token = httpx.get(f"{base}/cgi-bin/gettoken", params=params).json()["access_token"]
        url = f"{base}/cgi-bin/message/send?access_token={token}"
        queue = Queue("bench", connection=connection, serializer=JSONSerializer)
        for body in _bodies(first, messages):
            queue.enqueue("benchmarks._send_job.post", url, body, result_ttl=0)
        worker = kind([queue], connection=connection, serializer=JSONSerializer)
        begun = time.perf_counter()
        worker.work(burst=True, logging_level="CRITICAL")
        took = time.perf_counter() - begun
        if queue.failed_job_registry.count:
            raise RuntimeError("the peer lost messages; is this machine too busy?")
        return took

    return run


def _ours(url: str, messages: int) -> Callable[[int], float]:
    os.environ["DATABASE_URL"] = url
    engine = build_engine(url)
    app.models.metadata.create_all(engine)
    engine.dispose()
    parts = build(process="bench")

    def run(first: int) -> float:
        _write(parts, first, messages)
        begun = time.perf_counter()
        while _left(parts):
            send_due(parts, messages)
        return time.perf_counter() - begun

    return run


def _write(parts: Parts, first: int, messages: int) -> None:
    now = parts.clock()
    with parts.db.transaction() as session:
        known = {}
        for number, body in enumerate(_bodies(first, messages)):
            userid = str(body["touser"])
            if userid not in known:
                known[userid] = reps.ensure_rep(session, CORP, userid, now=now, name="").id
            text = body["text"]["content"]  # type: ignore[index]
            delivery.queue(
                session, way=Way.REP_TEXT, dedupe_key=f"{first}:{number}", rep_id=known[userid],
                payload={"corp_id": CORP, "userid": userid, "text": text}, now=now,
            )  # fmt: skip


def _left(parts: Parts) -> int:
    open_states = (State.QUEUED, State.SENDING)
    with parts.db.reading() as session:
        chosen = select(func.count()).where(Dispatch.state.in_(open_states))
        return session.scalar(chosen) or 0


if __name__ == "__main__":
    sys.exit(main())
