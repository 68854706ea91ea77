"""Events a second through ONE ID, one by one and batched, by several processes, on both databases.

Each event names two or three identifiers of one of a sixth as many physicians, one event in twenty
with a clinic's phone, and is one call of `identity.recognise` in a transaction that syncs to disk.
The batched runs take 50 events in a transaction, as one call of `identity.recognise_many`, and ten
times as many events: of some hundred physicians two batches nearly always share one, and one of the
workers would only wait for the other. What a
worker loses to another (a deadlock) it tries again. Each worker has handled a few events of its own
before the clock begins: a process compiles its statements with the first ones. After each run the
partition is computed again from the evidence and must be the same.
"""

from __future__ import annotations

import argparse
import multiprocessing
import random
import statistics
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from sqlalchemy import make_url, select
from sqlalchemy.exc import OperationalError

import app.models
from app import identity
from app.identity import Id, Kind
from app.identity.models import Identifier
from app.infra import crypto
from app.infra.db import Database, build_engine
from benchmarks._linkers import say
from launcher import postgres

BATCH, BATCHED_EVENTS, WORKERS, TRIES, WARM = 50, 10, (1, 2, 4, 8), 50, 100
CLINICS, READY_S = 0.05, 300
ASYNC = {"options": "-csynchronous_commit=off"}
TRIAL = {True: 1177.0, False: 489.0}  # events a second before the product, on PostgreSQL
KEYS = "bench:" + "ab" * 32
NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
Event = tuple[str, list[Id]]


def run(options: argparse.Namespace) -> dict[str, Any]:
    """Every combination."""
    crypto.install(crypto.KeyRing.parse(KEYS))
    rows: dict[str, dict[str, float]] = {}
    print(f"\n{'events':34}{'events/s':>10}{'of trial':>9}{'p50 ms':>9}{'p99 ms':>9}{'again':>7}")
    with tempfile.TemporaryDirectory(prefix="yishu-bench-") as folder, ExitStack() as stack:
        server = None
        if not options.no_postgres:
            try:
                server = stack.enter_context(postgres.running(durable=True))
            except postgres.NoPostgres as problem:
                say(f"PostgreSQL is left out: {problem}")
        for name in ("SQLite", *(["PostgreSQL"] if server else [])):
            for batched in (False, True):
                for workers in WORKERS:
                    title = f"{name}, {'batched' if batched else 'single'}, {workers} workers"
                    with ExitStack() as copy:
                        url = f"sqlite:///{Path(folder) / f'{batched}{workers}.db'}"
                        if server and name == "PostgreSQL":
                            url = copy.enter_context(postgres.copy_of(server, "template0"))
                            if options.async_commit:
                                url = _with_async_commit(url)
                        events = options.events * (BATCHED_EVENTS if batched else 1)
                        rows[title] = _measure(url, events, workers, batched)
                        _show(title, rows[title], TRIAL[batched] if server else 0)
    best = max((r["per_s"] for t, r in rows.items() if "PostgreSQL, batched" in t), default=0)
    return {"runs": rows} | ({"ratio": round(best / TRIAL[True], 2)} if best else {})


def _measure(url: str, number: int, workers: int, batched: bool) -> dict[str, float]:
    engine = build_engine(url)
    app.models.metadata.create_all(engine)
    engine.dispose()
    events = list(_events(number))
    size = BATCH if batched else 1
    context = multiprocessing.get_context("spawn")
    ready, answers = context.Barrier(workers + 1), context.Queue()
    shares = [events[worker::workers] for worker in range(workers)]
    running = [
        context.Process(target=_work, args=(url, share, size, number + at, ready, answers))
        for at, share in enumerate(shares)
    ]
    for process in running:
        process.start()
    ready.wait(READY_S)
    begun = time.perf_counter()
    found = [answers.get(timeout=600) for _ in running]
    took = time.perf_counter() - begun
    for process in running:
        process.join(30)
    times = sorted(one for part, _ in found for one in part)
    cuts = statistics.quantiles(times, n=100)
    _check(url)
    return {"per_s": round(number / took, 1), "p50_ms": round(cuts[49] * 1000, 2),
            "p99_ms": round(cuts[98] * 1000, 2), "again": sum(n for _, n in found)}  # fmt: skip


def _with_async_commit(url: str) -> str:
    return make_url(url).update_query_dict(ASYNC).render_as_string(hide_password=False)


def _work(
    url: str, events: Sequence[Event], size: int, seed: int, ready: Any, answers: Any
) -> None:
    crypto.install(crypto.KeyRing.parse(KEYS))
    database = Database(build_engine(url))
    warm = list(_events(WARM, seed, f"warm{seed}:"))
    for start in range(0, WARM, size):
        _transaction(database, warm[start : start + size])
    times, again = [], 0
    ready.wait(READY_S)
    for start in range(0, len(events), size):
        begun = time.perf_counter()
        again += _transaction(database, events[start : start + size])
        times.append(time.perf_counter() - begun)
    answers.put((times, again))
    database.engine.dispose()


def _transaction(database: Database, events: Sequence[Event]) -> int:
    """How often it had to be tried again."""
    for attempt in range(TRIES):
        try:
            with database.transaction() as session:
                if len(events) == 1:
                    ((key, ids),) = events
                    identity.recognise(session, ids, event_key=key, source="bench", at=NOW, now=NOW)
                else:
                    told = [identity.Told(ids, key, "bench", NOW) for key, ids in events]
                    identity.recognise_many(session, told, now=NOW)
            return attempt
        except OperationalError:
            time.sleep(random.random() * 0.01 * (attempt + 1))
    raise RuntimeError("too many deadlocks")


def _events(number: int, seed: int = 7, key: str = "bench:") -> Iterator[Event]:
    """Events of physicians that no other seed has."""
    rng = random.Random(seed)
    physicians = max(number // 6, 50)
    for n in range(number):
        who = rng.randrange(physicians)
        mine = f"{seed}:{who}"
        all_of = [
            Id(Kind.CRM_ID, "", f"HCP{mine}"), Id(Kind.UNIONID, "open", f"oU{mine}"),
            Id(Kind.WECOM_EXTERNAL_USERID, "ww", f"wm{mine}"), Id(Kind.OPENID, "wx", f"oA{mine}"),
            Id(Kind.PHONE, "", f"+86139{who:08d}{seed}"),
        ]  # fmt: skip
        ids = rng.sample(all_of, rng.choice((2, 2, 3)))
        if rng.random() < CLINICS:
            ids = [all_of[0], Id(Kind.PHONE, "", f"+86138{who % (physicians // 10):08d}{seed}")]
        yield f"{key}{n}", ids


def _check(url: str) -> None:
    """Raises AssertionError when the evidence says something else than is stored."""
    database = Database(build_engine(url))
    with database.transaction() as session:
        before = dict(session.execute(select(Identifier.id, Identifier.one_id)).all())
        changed = identity.rebuild(session, now=NOW)
        assert changed == 0, f"{changed} of {len(before)} identifiers are somebody else's"
    database.engine.dispose()


def _show(title: str, row: dict[str, float], trial: float) -> None:
    share = f"{row['per_s'] / trial:9.2f}" if trial and "PostgreSQL" in title else f"{'':9}"
    print(
        f"{title:34}{row['per_s']:10.0f}{share}{row['p50_ms']:9.1f}{row['p99_ms']:9.1f}"
        f"{row['again']:7.0f}",
        flush=True,
    )
