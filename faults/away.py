"""Fault classes about things that are away, slow or full: F3, F4, F8, F9, F13."""

from __future__ import annotations

import os
import sqlite3
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager, suppress
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import delete, select

import app.models
from app.inbox import Arrival, InboxEvent, dedupe_key
from app.inbox.spill import Spill, line_of
from app.infra import crypto
from app.infra.db import Database, build_engine
from faults import company, ledger
from faults.cluster import Cluster
from faults.outcome import Outcome, Wish, percentile
from faults.run import run_of
from faults.sender import Manner
from launcher import postgres

STEADY_PER_S = 50.0
COMPARED_WITHIN_S = 120.0  # the first comparison finds everybody, which is a backlog of its own
FEW = 10  # events that may wait
ACK_P99_S = {"sqlite": 2.0, "postgresql": 1.0}  # SQLite's one writer is waited for, then the spill
LINES = 2
IMPORT_WITHIN_S = 10.0


def f3(wish: Wish) -> Outcome:
    """Redis absent for the whole run. No faster than events are worked off: lag is no backlog."""
    manner = Manner(wish.events, per_s=wish.per_s or STEADY_PER_S, backlog=FEW)
    with run_of(wish, manner) as run:
        run.cluster.held.add("redis")
        run.cluster.kill("redis")
        run.wait(COMPARED_WITHIN_S, lambda: run.cluster.stores.ask(ledger.compared, False))
        run.sender.start()
        for _ in run.while_sending():
            pass
        run.wait(wish.heal_s, lambda: run.backlog == 0)
        run.finish()
        run.expect_acks(within_s=4.0)
        p99, allowed = percentile(run.latencies(), 99), ACK_P99_S[wish.database]
        if p99 >= allowed:
            run.problem(f"ack p99 is {p99:.2f} s without Redis, {allowed:.0f} s is allowed")
        if run.outcome.figures["lag_p99_s"] >= 5.0:
            run.problem(f"lag p99 is {run.outcome.figures['lag_p99_s']} s without Redis")
        return run.outcome


def f4(wish: Wish) -> Outcome:
    """The database away for a while under a steady stream: everything is acknowledged still."""
    per_s = wish.per_s or STEADY_PER_S
    with run_of(wish, Manner(wish.events, per_s=per_s)) as run:
        away_s = min(60.0, wish.events / per_s * 0.6)
        run.sender.start()
        run.wait(wish.events / per_s * 0.2)
        with database_away(run.cluster):
            run.wait(away_s)
        back = run.cluster.age
        imported = run.wait(60, lambda: run.cluster.stores.spilled_bytes == 0)
        run.outcome.figures["database away s"] = round(away_s, 1)
        run.outcome.figures["imported after s"] = round(run.cluster.age - back, 1)
        if not imported or run.cluster.age - back > IMPORT_WITHIN_S:
            run.problem(f"the spill was not imported in {IMPORT_WITHIN_S:.0f} s")
        for _ in run.while_sending():
            pass
        run.finish()
        run.expect_acks(within_s=5.0)
        return run.outcome


def f8(wish: Wish) -> Outcome:
    """Disk full under SQLite and the spill: 503, never 200; it recovers without hands."""
    if os.geteuid() != 0:
        return Outcome(wish, skipped="needs root to mount a disk of 8 MB: NOT TESTED HERE")
    manner = Manner(wish.events, per_s=wish.per_s or STEADY_PER_S)
    with run_of(wish, manner, small_disk_mb=8 if wish.database == "postgresql" else 64) as run:
        ballast = run.cluster.data / "ballast"
        run.sender.start()
        run.wait(3)
        _fill(ballast)
        with database_away(run.cluster) if wish.database == "postgresql" else _nothing():
            run.wait(8)
        refused = sum(len(one.answers) for one in run.sender.posted.values())
        ballast.unlink()
        for _ in run.while_sending():
            pass
        run.finish()
        run.outcome.figures["answers that were no 200"] = refused
        if not refused:
            run.problem("the disk was full and nothing was refused")
        return run.outcome


def f9(wish: Wish) -> Outcome:
    """A spill that was torn at any byte: what was whole is imported, nothing is invented."""
    outcome = Outcome(wish)
    begun = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="yishu-spill-") as name, ExitStack() as stack:
        folder = Path(name)
        crypto.install(crypto.KeyRing.parse(company.KEYS))
        db = _empty_database(wish.database, folder, stack)
        lines = [line_of(_arrival(number)) for number in range(LINES)]
        whole = b"".join(lines)
        for cut in range(len(whole) + 1):
            _tear(outcome, db, folder / "spill", lines, cut)
        outcome.figures["events"] = len(whole) + 1  # one spill for each place to cut it
    outcome.seconds = round(time.monotonic() - begun, 1)
    return outcome


def _tear(outcome: Outcome, db: Database, folder: Path, lines: list[bytes], cut: int) -> None:
    """Import what is left of the file after `cut` bytes, and a line that was written after it."""
    torn = b"".join(lines)[:cut]
    current = folder / "arrivals.spill"
    folder.mkdir(exist_ok=True)
    current.write_bytes(torn)
    spill = Spill(folder)
    spill.append([_arrival(LINES)])
    spill.bring_in(db)
    with db.transaction() as session:
        found = set(session.scalars(select(InboxEvent.dedupe_key)))
        session.execute(delete(InboxEvent))
    complete = [n for n in range(len(lines)) if cut >= len(b"".join(lines[: n + 1])) - 1]
    expected = {_key(n) for n in complete} | {_key(LINES)}
    if found != expected:
        outcome.problems.append(f"cut at byte {cut}: {len(found)} of {len(expected)} imported")
    if spill.waiting_bytes():
        outcome.problems.append(f"cut at byte {cut}: something still waits")


def _arrival(number: int) -> Arrival:
    body = f"<xml><Event>torn</Event><Serial>{number}</Serial></xml>".encode()
    now = datetime.now(UTC)
    return Arrival("wecom", company.CORP, body, "torn", "global:torn", now, False, now)


def _key(number: int) -> bytes:
    return dedupe_key("wecom", company.CORP, _arrival(number).body)


def _empty_database(kind: str, folder: Path, stack: ExitStack) -> Database:
    url = f"sqlite:///{folder / 'yishu.db'}"
    if kind == "postgresql":
        url = stack.enter_context(postgres.running())
    engine = build_engine(url)
    app.models.metadata.create_all(engine)
    stack.callback(engine.dispose)
    return Database(engine)


def f13(wish: Wish) -> Outcome:
    """Database and Redis stand still, then swallow everything: an answer within 4 s, always."""
    per_s = min(wish.per_s or 20.0, 20.0)
    pause_s = 30.0 if wish.events >= 1500 else 12.0
    with run_of(wish, Manner(wish.events, per_s=per_s, connections=60), proxied=True) as run:
        run.sender.start()
        run.wait(2)
        for name in ("redis", "database"):
            if name in run.cluster.servers:
                run.cluster.servers[name].pause()
                run.wait(pause_s)
                run.cluster.servers[name].resume()
                run.wait(3)
            if name in run.cluster.stores.proxies:
                run.cluster.stores.proxies[name].weather.drop = True
                run.wait(pause_s / 2)
                run.cluster.stores.proxies[name].weather.drop = False
                run.cluster.stores.proxies[name].reset()
                run.wait(3)
        for _ in run.while_sending():
            pass
        run.finish()
        run.expect_acks(within_s=4.0)
        return run.outcome


@contextmanager
def database_away(cluster: Cluster) -> Iterator[None]:
    """PostgreSQL is killed and stays down; an SQLite file is locked by somebody else."""
    if cluster.stores.postgres is not None:
        cluster.held.add("database")
        cluster.kill("database")
        yield
        cluster.held.discard("database")
        return
    lock = sqlite3.connect(cluster.data / "yishu.db", isolation_level=None, timeout=30)
    lock.execute("BEGIN EXCLUSIVE")
    try:
        yield
    finally:
        lock.execute("ROLLBACK")
        lock.close()


@contextmanager
def _nothing() -> Iterator[None]:
    yield


def _fill(ballast: Path) -> None:
    with suppress(OSError), ballast.open("wb") as file:
        while True:
            file.write(bytes(1 << 16))
            file.flush()
    subprocess.run(["sync", "-f", str(ballast)], check=False)
