"""What automatic tags cost: an event with 50 live rules, a night over everybody, a back-test.

    python -m benchmarks.autotags [--json] [--physicians 100000] [--no-postgres]

Physicians have about twenty touchpoints each over half a year, with contents of eight tags. The
fifty rules are counts, recency, silences, sequences, words and the two that give every tag of a
category; one in ten has an audience. Per event: writing a touchpoint, and then following it with
all rules (`follow_ms`), against the same with no rule live (`idle_ms`). `check_ms` is asking
whether there is something to follow. The first night writes what holds for the first time, the
second finds nothing new.
"""

from __future__ import annotations

import argparse
import json
import os
import random
import resource
import sys
import tempfile
import time
from collections.abc import Sequence
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy import func, insert, select, update

import app.models
from app import autotag, journey, tagging
from app.autotag import Switch, TestState
from app.autotag.models import TagRule
from app.content.models import Content, ContentVersion, VersionTag
from app.identity.models import Component, Identifier, Kind, Physician
from app.infra import crypto
from app.infra.db import Database, build_engine
from app.journey import Happened, Touchpoint
from app.tagging.models import Source, TagAssertion
from launcher import postgres

CONTENTS, EACH, EVENTS, ROWS = 80, 20, 300, 2000
KINDS = (
    *[Happened.CONTENT_SENT] * 6, *[Happened.CONTENT_OPENED] * 6, *[Happened.CONTENT_READ] * 3,
    *[Happened.MESSAGE_RECEIVED] * 2, Happened.MENU_USED, Happened.CODE_SCANNED, Happened.FOLLOWED,
)  # fmt: skip


def main(arguments: list[str] | None = None) -> int:
    """Run, print a table, and with --json one JSON object on the last line."""
    parser = argparse.ArgumentParser(
        prog="bench autotags", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--physicians", type=int, default=100_000)
    parser.add_argument("--no-postgres", action="store_true")
    options = parser.parse_args(arguments)
    crypto.install(crypto.KeyRing.parse("bench:" + "ab" * 32))
    told: dict[str, Any] = {"physicians": options.physicians, "touchpoints_each": EACH, "rules": 50}
    with ExitStack() as stack:
        folder = stack.enter_context(tempfile.TemporaryDirectory(prefix="yishu-bench-"))
        urls = {"sqlite": f"sqlite:///{Path(folder)}/yishu.db"}
        if not options.no_postgres:
            try:
                server = stack.enter_context(postgres.running())
                urls["postgresql"] = stack.enter_context(postgres.copy_of(server, "template0"))
            except postgres.NoPostgres as problem:
                say(f"PostgreSQL is left out: {problem}")
        for name, url in urls.items():
            say(f"{name}, load {os.getloadavg()[0]:.1f}")
            told[name] = _measured(url, options.physicians)
    for name in urls:
        for key, value in told[name].items():
            print(f"{name:12}{key:28}{value}")
    if options.json:
        print(json.dumps({"bench": "autotags", **told}))
    return 0


def _measured(url: str, physicians: int) -> dict[str, Any]:
    db, rng = Database(build_engine(url)), random.Random(5)
    app.models.metadata.create_all(db.engine)
    begun = time.perf_counter()
    versions = _library(db)
    _people(db, physicians, versions, rng)
    say(f"written in {time.perf_counter() - begun:.0f} s")
    told: dict[str, Any] = {}
    library = autotag.Library()
    told["idle_ms"] = _events(db, physicians, versions, rng, library)
    ids = _rules(db)
    before = _rss_mb()
    told["first_night"] = _night(db, library)
    say(f"first night {told['first_night']}")
    told["holding"] = _holding(db)
    told["follow_ms"] = _events(db, physicians, versions, rng, library)
    told["second_night"] = _night(db, library)
    told["memory_mb"] = round(_rss_mb() - before)
    told["back_test"] = _back_test(db, ids[0])
    told["coverage_s"] = _coverage(db)
    db.engine.dispose()
    return told


def _library(db: Database) -> list[int]:
    with db.transaction() as session:
        tagging.seed(session, _now())
        about = [t.id for t in tagging.tags(session) if t.category_key in ("disease", "topic")][:8]
        session.execute(insert(Content), [{"created_at": _now()} for _ in range(CONTENTS)])
        ids = session.scalars(select(Content.id)).all()
        rows = [
            {"content_id": one, "number": 1, "title": f"内容 {one}", "created_by": "user:1",
             "body": "字" * (300 + one * 40), "writers": [], "created_at": _now()} for one in ids
        ]  # fmt: skip
        session.execute(insert(ContentVersion), rows)
        versions = list(session.scalars(select(ContentVersion.id)))
        pairs = [
            {"version_id": version, "tag_id": about[(n + k) % 8], "weight": 1.0}
            for n, version in enumerate(versions) for k in range(2)
        ]  # fmt: skip
        session.execute(insert(VersionTag), pairs)
    return versions


def _people(db: Database, number: int, versions: Sequence[int], rng: random.Random) -> None:
    sealed = {"text": "请问这个药怎么用"}
    for start in range(1, number + 1, ROWS):
        some = range(start, min(start + ROWS, number + 1))
        with db.transaction() as session:
            execute = session.connection().execute
            execute(insert(Component.__table__), [{"id": n, "size": 1} for n in some])
            people = [{"one_id": _one_id(n), "live": True, "city": f"城市{n % 20}",
                       "created_at": _now(), "updated_at": _now()} for n in some]  # fmt: skip
            execute(insert(Physician.__table__), people)
            rows = [{"id": n, "kind": Kind.OPENID, "namespace": "wx", "value": f"o{n}",
                     "value_hash": n.to_bytes(32), "component_id": n, "one_id": _one_id(n),
                     "first_seen_at": _now()} for n in some]  # fmt: skip
            execute(insert(Identifier.__table__), rows)
            execute(
                update(Physician)
                .where(Physician.one_id.in_([_one_id(n) for n in some]))
                .values(anchor_id=select(Identifier.id)
                        .where(Identifier.one_id == Physician.one_id).scalar_subquery())
            )  # fmt: skip
            execute(insert(Touchpoint.__table__), [
                _touchpoint(n, f"{n}:{k}", versions, rng, sealed)
                for n in some for k in range(rng.randrange(EACH * 2 + 1))
            ])  # fmt: skip


def _touchpoint(
    who: int, ref: str, versions: Sequence[int], rng: random.Random, sealed: dict[str, str]
) -> dict[str, Any]:
    kind = rng.choice(KINDS)
    about = kind in (Happened.CONTENT_SENT, Happened.CONTENT_OPENED, Happened.CONTENT_READ)
    return {
        "ref": ref, "identifier_id": who, "kind": kind, "channel": "oa",
        "at": _now() - timedelta(hours=rng.randrange(1, 24 * 180)),
        "content_version_id": rng.choice(versions) if about else None,
        "detail": sealed if kind == Happened.MESSAGE_RECEIVED else None,
    }  # fmt: skip


def _rules(db: Database) -> list[int]:
    """Fifty, live without having been tried."""
    acts = ("opened", "read", "message", "menu", "scan", "sent", "unopened", "any")
    parts: list[list[dict[str, Any]]] = []
    for n in range(48):
        act, days = acts[n % 8], 14 + 7 * (n % 12)
        parts.append([
            [{"is": "count", "act": act, "at_least": 2 + n % 3, "days": days}],
            [{"is": "silent", "act": act, "days": days}],
            [{"is": "recent", "act": act, "days": days % 30 + 1}],
            [{"is": "then", "act": "sent", "then": {"act": act}, "days": 3}],
            [{"is": "first", "act": act, "days": days},
             {"is": "count", "act": "opened", "at_least": 1, "days": 90}],
            [{"is": "count", "act": "message", "at_least": 1, "days": days, "words": ["怎么"]}],
        ][n % 6])  # fmt: skip
    with db.transaction() as session:
        tags = [t.key for t in tagging.tags(session) if t.category_key in ("behaviour", "channel",
                                                                           "service")]  # fmt: skip
        said: list[dict[str, Any]] = [
            {"gives": tags[n % len(tags)], "all": part}
            | ({"audience": f"城市 = 城市{n % 20}"} if n % 10 == 0 else {})
            for n, part in enumerate(parts)
        ]
        for categories in (["disease"], ["topic"]):
            twice = {"is": "count", "act": "read", "tagged": "*", "at_least": 2, "days": 180}
            said.append({"each": categories, "confidence": 0.5, "all": [twice]})
        ids = []
        for n, definition in enumerate(said):
            row = autotag.create(
                session, name=f"规则 {n}", definition=definition, owner="user:1", now=_now()
            )
            test = autotag.ask_test(session, row.id, days=90, by="user:1", now=_now())
            test.state = TestState.DONE
            session.flush()
            autotag.switch(session, row.id, Switch.LIVE, by="user:1", now=_now())
            ids.append(row.id)
    return ids


def _night(db: Database, library: autotag.Library) -> dict[str, Any]:
    with db.transaction() as session:
        session.execute(update(TagRule).values(run_day=None))
    begun, cpu, looked = time.perf_counter(), time.process_time(), 0
    while True:
        with db.reading() as session:
            if not autotag.is_sweep_due(session, _now()):
                break
        with db.transaction() as session:
            looked += autotag.sweep(session, library, _now())
    took = time.perf_counter() - begun
    return {"s": round(took, 1), "cpu_s": round(time.process_time() - cpu, 1),
            "ms_each": round(took / max(looked, 1) * 1e3, 3)}  # fmt: skip


def _events(
    db: Database, physicians: int, versions: Sequence[int], rng: random.Random,
    library: autotag.Library,
) -> dict[str, float]:  # fmt: skip
    writing, following, checking, cpu = [], [], [], 0.0
    for n in range(EVENTS):
        values = _touchpoint(rng.randrange(1, physicians + 1), f"e{n}:{rng.random()}", versions,
                             rng, {"text": "请问怎么用"}) | {"at": _now()}  # fmt: skip
        kind, who = values.pop("kind"), values.pop("identifier_id")
        begun = time.perf_counter()
        with db.transaction() as session:
            journey.note(session, who, kind, **values)
        written = time.perf_counter()
        with db.reading() as session:
            assert autotag.is_due(session)
        checked, used = time.perf_counter(), time.process_time()
        with db.transaction() as session:
            assert autotag.fold(session, library, _now())
        writing.append(written - begun)
        checking.append(checked - written)
        following.append(time.perf_counter() - checked)
        cpu += time.process_time() - used
    ordered = sorted(following)
    return {
        "write": round(median(writing) * 1e3, 2), "check": round(median(checking) * 1e3, 2),
        "p50": round(median(ordered) * 1e3, 2), "cpu": round(cpu / EVENTS * 1e3, 2),
        "p99": round(ordered[len(ordered) * 99 // 100] * 1e3, 2),
    }  # fmt: skip


def _holding(db: Database) -> int:
    with db.reading() as session:
        mine = (TagAssertion.source == Source.RULE, TagAssertion.superseded_at.is_(None))
        return session.scalar(select(func.count()).select_from(TagAssertion).where(*mine)) or 0


def _back_test(db: Database, rule_id: int) -> dict[str, Any]:
    with db.transaction() as session:
        autotag.ask_test(session, rule_id, days=180, by="user:1", now=_now())
    begun = time.perf_counter()
    done = autotag.try_next(db, _now)
    assert done is not None
    assert done.result is not None
    took = time.perf_counter() - begun
    return {"s": round(took, 1), "looked": done.result["looked"], "tagged": done.result["tagged"]}


def _coverage(db: Database) -> float:
    """From the tables: no sets are built here."""
    begun = time.perf_counter()
    with db.reading() as session:
        autotag.coverage(session, _now())
    return round(time.perf_counter() - begun, 2)


def _one_id(number: int) -> str:
    return f"YS{number:016d}"


def _now() -> datetime:
    return datetime.now(UTC)


def _rss_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


def say(text: str) -> None:
    """For who waits."""
    print(text, file=sys.stderr, flush=True)


if __name__ == "__main__":
    sys.exit(main())
