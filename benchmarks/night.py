"""./dev bench night: everybody's best contents and everybody's plan, in a real database.

    ./dev bench night [--reps N] [--contacts N] [--contents N] [--database sqlite|postgresql]
                      [--score 100000,1000000,5000000] [--busy N] [--json]

An invented company is written, then a night is worked out as workers do it (read weights, score,
write rows) and every rep's day is planned as schedules do it (permission, history, prices,
diversity, reasons, cards). Beside it: scoring alone at each size of `--score`, with scipy and numpy
in the same run, and what a sidebar waits for with `--busy` processes that take all the time they
get. What is said of 5,000 reps is by proportion, and says so.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
from sqlalchemy import func, select, text
from sqlalchemy.orm import Session

import app.models
from app import reps
from app.flows.fitting import fits_many, nights
from app.flows.fitting.basis import basis
from app.flows.fitting.fits import Asked, fits_of
from app.flows.fitting.interests import many_at
from app.flows.planning import talk_about
from app.flows.planning.plan_day import plan_day
from app.identity import Identifier
from app.infra import crypto
from app.infra.clock import local
from app.infra.db import Database, build_engine
from app.recommend import Suggestion
from app.recommend.fit import kernel
from app.recommend.fit.fit_models import PhysicianFit
from app.segments.models import FORM, SegmentState
from benchmarks._night_world import fill
from benchmarks.recommend import _chunks, _library, _peers, _people, _timed
from launcher import postgres
from workers.worker import settle_in

NOW = datetime(2026, 11, 24, 0, 30, tzinfo=UTC)
FULL_REPS = 5000
TICK_S = 1 / os.sysconf("SC_CLK_TCK")
SIDEBARS = 300


def main() -> None:
    """Measure and print."""
    asked = _arguments()
    crypto.install(crypto.KeyRing.parse("bench:" + "ab" * 32))
    with _database(asked.database) as db:
        people = fill(db, NOW, reps=asked.reps, contacts=asked.contacts, contents=asked.contents)
        with db.transaction() as session:  # audiences follow changes
            session.add(SegmentState(id=1, generation=FORM + "b" * 28, upto=0, builder=""))
            session.execute(text("analyze"))  # as PostgreSQL does by itself within a minute
        night, parts = _night(db), _parts(db)
        plan = _plan(db, asked.reps)
        works = {"whole": _topics, "rows": _rows}
        sidebar = {f"{name}, idle": _sidebar(db, work) for name, work in works.items()}
        with _busy(asked.busy):
            for name, work in works.items():
                sidebar[f"{name}, beside {asked.busy} busy"] = _sidebar(db, work)
    pairs = asked.reps * asked.contacts
    full = FULL_REPS / asked.reps
    data = {
        "database": asked.database, "reps": asked.reps, "pairs": pairs, "physicians": people,
        "contents": asked.contents, "night": night, "night_parts_us": parts, "plan": plan,
        "sidebar_ms": sidebar, "score": [_score(size) for size in asked.score],
        "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
        "full_cpu_s": round((night["cpu_s"] + plan["cpu_s"]) * full),
        "load": round(os.getloadavg()[0], 1),
    }  # fmt: skip
    print(json.dumps(data, ensure_ascii=False) if asked.json else _as_text(data))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench night")
    parser.add_argument("--reps", type=int, default=20)
    parser.add_argument("--contacts", type=int, default=1000)
    parser.add_argument("--contents", type=int, default=2000)
    parser.add_argument("--database", choices=("sqlite", "postgresql"), default="postgresql")
    parser.add_argument("--score", type=lambda text: [int(n) for n in text.split(",") if n],
                        default=[100_000, 1_000_000, 5_000_000])  # fmt: skip
    parser.add_argument("--busy", type=int, default=4)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args()


@contextmanager
def _database(kind: str) -> Iterator[Database]:
    with tempfile.TemporaryDirectory(prefix="yishu-night-") as folder:
        if kind == "sqlite":
            yield _created(f"sqlite:///{Path(folder) / 'night.db'}")
            return
        with postgres.running(durable=True) as server, postgres.copy_of(server, "template0") as url:
            db = _created(url)
            yield db
            db.engine.dispose()


def _created(url: str) -> Database:
    engine = build_engine(url)
    app.models.metadata.create_all(engine)
    return Database(engine)


def _night(db: Database) -> dict[str, Any]:
    def work() -> None:
        with db.transaction() as session:
            here = nights.wanted(session, NOW)
            assert here is not None
            nights.begin(session, here, NOW)
        while True:
            with db.transaction() as session:
                mine = nights.claim(session, NOW)
            if mine is None:
                return
            assert nights.work(db, mine, NOW)

    settle_in()
    took = _measured(db, work)
    with db.reading() as session:
        rows = session.scalar(select(func.count()).select_from(PhysicianFit)) or 1
        size = session.scalar(select(func.avg(func.length(PhysicianFit.body))))
    return took | {"rows": rows, "bytes_a_row": round(float(size or 0)),
                   "us_a_physician": round(took["cpu_s"] / rows * 1e6)}  # fmt: skip


def _parts(db: Database) -> dict[str, int]:
    """Of one shard: reading weights, and scoring; in processor time of this process."""
    with db.reading() as session:
        here = basis(session, NOW)
        some = session.scalars(select(Identifier.one_id).limit(1000)).all()
        begun = time.process_time()
        many_at(session, some, here)
        read = time.process_time()
        fits_many.bodies(session, some, here)
        both = time.process_time()
    reading = (read - begun) / len(some)
    return {"weights": round(reading * 1e6),
            "scoring": round(((both - read) / len(some) - reading) * 1e6)}  # fmt: skip


def _plan(db: Database, number: int) -> dict[str, Any]:
    def work() -> None:
        for rep_id in range(1, number + 1):
            with db.transaction() as session:
                rep = reps.get_rep(session, rep_id)
                day = local(NOW).date()
                plan_day(session, rep, day, base_url="http://yishu.test", now=NOW)

    took = _measured(db, work)
    with db.reading() as session:
        today = Suggestion.day == local(NOW).date()
        made = session.scalar(select(func.count(Suggestion.id)).where(today))
    return took | {"suggestions": made, "ms_a_rep": round(took["cpu_s"] / number * 1e3)}


def _measured(db: Database, work: Callable[[], None]) -> dict[str, float]:
    """Wall and processor seconds: of this process, and of the database's process for it."""
    with db.reading() as session:
        is_server = session.get_bind().dialect.name == "postgresql"
        served = session.scalar(text("select pg_backend_pid()")) if is_server else None
    there, begun, spent = _spent(served), time.perf_counter(), time.process_time()
    work()
    wall, ours = time.perf_counter() - begun, time.process_time() - spent
    theirs = _spent(served) - there
    return {"wall_s": round(wall, 2), "cpu_s": round(ours + theirs, 2),
            "database_cpu_s": round(theirs, 2)}  # fmt: skip


def _spent(pid: int | None) -> float:
    if pid is None:
        return 0.0
    fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) * TICK_S


def _topics(session: Session, rep_id: int, one_id: str) -> None:
    """All that a sidebar asks about contents."""
    talk_about.topics(session, reps.get_rep(session, rep_id), one_id, 6, NOW)


def _rows(session: Session, _rep_id: int, one_id: str) -> None:
    """Of it, the row: is it still true, and which contents."""
    fits_of(session, [one_id], NOW).best({one_id: Asked()}, 10)


def _sidebar(db: Database, work: Callable[[Session, int, str], None]) -> dict[str, float]:
    """What one physician costs, each time another one."""
    dice = random.Random(1)
    took, spent = [], []
    with db.reading() as session:
        pairs = session.execute(
            select(reps.RepContact.rep_id, Identifier.one_id)
            .join(Identifier, Identifier.id == reps.RepContact.identifier_id)
            .limit(20_000)
        ).all()
    for rep_id, one_id in dice.choices(pairs, k=SIDEBARS):
        begun, before = time.perf_counter(), time.process_time()
        with db.reading() as session:
            work(session, rep_id, one_id)
        took.append((time.perf_counter() - begun) * 1000)
        spent.append((time.process_time() - before) * 1000)
    return {f"p{q}": round(float(np.percentile(took, q)), 1) for q in (50, 95, 99)} | {
        f"cpu_p{q}": round(float(np.percentile(spent, q)), 1) for q in (50, 99)
    }


@contextmanager
def _busy(number: int) -> Iterator[None]:
    some = [subprocess.Popen([sys.executable, "-c", "while True: pass"]) for _ in range(number)]
    try:
        yield
    finally:
        for one in some:
            one.kill()
            one.wait()


def _score(pairs: int) -> dict[str, Any]:
    """Scoring alone: the twelve best of each physician as rows keep them, beside the others."""
    dice = np.random.default_rng(7)
    made, rows = _library(dice)
    everybody = np.ones((20, len(made.rest)), dtype=bool)
    ready, whole = kernel.kernel(made, everybody), kernel.whole_of(made)
    kernel.fits_many(ready, whole, _people(dice, 10))
    wall = cpu = 0.0
    sure = 0
    for size in _chunks(pairs):
        people = _people(dice, size)
        people = kernel.Physicians(
            people.begin, people.own, people.weight.astype(np.float64), people.group
        )
        begun, spent = time.perf_counter(), time.process_time()
        sure += int(kernel.fits_many(ready, whole, people).sure.sum())
        wall += time.perf_counter() - begun
        cpu += time.process_time() - spent
    few = min(5000, pairs)
    some = _people(np.random.default_rng(8), few)
    peers = {name: _timed(work, few, pairs)
             for name, work in _peers(rows, made.rest, everybody, some).items()}  # fmt: skip
    return {"pairs": pairs, "wall_s": round(wall, 1), "cpu_s": round(cpu, 1),
            "sure": round(sure / pairs, 5), "peers": peers}  # fmt: skip


def _as_text(data: dict[str, Any]) -> str:
    night, plan = data["night"], data["plan"]
    lines = [
        f"{data['reps']:,} reps, {data['pairs']:,} pairs, {data['physicians']:,} physicians, "
        f"{data['contents']:,} contents, {data['database']}, load {data['load']}",
        f"{'':30}{'wall s':>9}{'CPU s':>9}{'of it db':>9}",
        _line("night: weights, scores, rows", night) + f"   {night['us_a_physician']} µs a "
        f"physician, {night['bytes_a_row']} bytes a row, parts {data['night_parts_us']}",
        _line("plans, reasons, cards", plan) + f"   {plan['ms_a_rep']} ms a rep, "
        f"{plan['suggestions']:,} suggestions",
        f"by proportion {FULL_REPS:,} reps: {data['full_cpu_s']:,} CPU s; "
        f"peak memory {data['peak_mb']:,} MB",
        *(f"a sidebar's contents, ms, {name}: {figures}"
          for name, figures in data["sidebar_ms"].items()),
    ]  # fmt: skip
    for one in data["score"]:
        lines.append(f"scoring {one['pairs']:,} pairs, 12 best: {one['wall_s']} s wall, "
                     f"{one['cpu_s']} CPU s, {one['sure']:.3%} without asking again")  # fmt: skip
        lines += [
            f"  {name}: {peer['wall_s']} s wall, {peer['cpu_s']} CPU s, from {peer['measured']:,}"
            for name, peer in one["peers"].items()
        ]
    return "\n".join(lines)


def _line(name: str, took: dict[str, Any]) -> str:
    return f"{name:30}{took['wall_s']:9.1f}{took['cpu_s']:9.1f}{took['database_cpu_s']:9.1f}"


if __name__ == "__main__":
    main()
