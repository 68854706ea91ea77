"""Whether the tag court finds the truth that was planted, and what that costs.

    python -m benchmarks.court [--json] [--physicians 20000] [--seed 1] [--postgres]

Sources that are right in 90, 60 and 20 of 100 cases must be learned within their intervals. Of the
contradictions that were planted 95 of 100 must become cases, and of 100 physicians without one at
most one may get a case. Then the audiences follow. Exit code 1 when any of it fails.
"""

from __future__ import annotations

import argparse
import json
import sys
import tempfile
import time
from collections import Counter
from contextlib import ExitStack
from datetime import datetime
from typing import Any

from sqlalchemy import func, select

import app.models
from app import court, segments, tagging
from app.court import TagCase
from app.court.rules import Kind, Verdict
from app.identity import Identifier, changed
from app.identity.models import PersonChanged
from app.infra import crypto
from app.infra.db import Database, build_engine
from benchmarks._court_world import NOW, PLANTED, Planted, World, fill, plant
from launcher import postgres

FOUND_AT_LEAST, FALSE_AT_MOST, PIECE = 0.95, 0.01, 100


def main(arguments: list[str] | None = None) -> int:
    """Run, print a line each, and with --json one JSON object on the last line."""
    options = _options(arguments)
    crypto.install(crypto.KeyRing.parse("bench:" + "ab" * 32))
    with tempfile.TemporaryDirectory(prefix="yishu-bench-") as name, ExitStack() as stack:
        url = f"sqlite:///{name}/yishu.db"
        if options.postgres:
            server = stack.enter_context(postgres.running())
            url = stack.enter_context(postgres.copy_of(server, "template0"))
        db = Database(build_engine(url))
        stack.callback(db.engine.dispose)
        app.models.metadata.create_all(db.engine)
        begun = time.perf_counter()
        world = fill(db, options.physicians, options.seed)
        result: dict[str, Any] = {"physicians": options.physicians, "seed": options.seed,
                                  "database": db.engine.dialect.name,
                                  "made_s": _since(begun)}  # fmt: skip
        segments.build(db, _clock)
        result |= _learned(db)
        clean = len(world.interests)
        plant(db, world, options.physicians // 50, options.seed)
        with db.transaction() as session:
            changed.note_all(session, Identifier.id, Identifier.id > clean)
        result |= _found(db, world, clean) | _followed(db)
    for key, value in result.items():
        print(f"{key:32} {value}")
    if options.json:
        print(json.dumps(result))
    sound = result["found"] >= FOUND_AT_LEAST and result["false_of_clean"] <= FALSE_AT_MOST
    return 0 if sound and result["learned_within"] else 1


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench court", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--physicians", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=1)
    parser.add_argument("--postgres", action="store_true", help="instead of SQLite")
    return parser.parse_args(arguments)


def _learned(db: Database) -> dict[str, Any]:
    begun, cpu = time.perf_counter(), time.process_time()
    logs = court.learn(db, _clock)
    assert logs is not None
    took, busy = _since(begun), round(time.process_time() - cpu, 1)
    told, within = {}, True
    with db.reading() as session:
        for source, share in PLANTED.items():
            (row,) = (one.row for one in court.truth(session, source=source, tag_id=0))
            assert row.low is not None
            assert row.high is not None
            within = within and row.low <= share <= row.high
            told[f"learned_{source}"] = (
                f"{row.learned:.3f} ({row.low:.3f}–{row.high:.3f}), planted {share}"
            )
        of_tags = sum(one.row.tag_id != 0 for one in court.truth(session))
    return told | {"learned_within": within, "learned_pairs": of_tags, "learn_s": took,
                   "learn_cpu_s": busy}  # fmt: skip


def _found(db: Database, world: World, clean: int) -> dict[str, Any]:
    last = None
    while last != "":
        with db.transaction() as session:
            last = court.mark_everybody(session, last or "", 5000)
    begun, cpu, looked = time.perf_counter(), time.process_time(), 0
    while True:
        with db.transaction() as session:
            number = court.examine_due(session, _clock(), PIECE)
        looked += number
        if not number:
            break
    took, busy = time.perf_counter() - begun, time.process_time() - cpu
    with db.reading() as session:
        cases = list(session.scalars(select(TagCase)))
    found = {(c.identifier_id, c.kind, c.tag_id, c.other_id): c for c in cases}
    hit = world.planted & found.keys()
    wrong = [key for key in found if not _is_real(key, world)]
    by_kind = Counter(str(key[1]) for key in world.planted)
    hit_by_kind = Counter(str(key[1]) for key in hit)
    auto = [c for c in cases if c.decided_by == "system"]
    right = sum(_is_right(c, world) for c in auto)
    return {
        "planted": len(world.planted), "cases": len(found),
        "found": round(len(hit) / max(len(world.planted), 1), 4),
        "found_by_kind": {k: f"{hit_by_kind[k]}/{n}" for k, n in sorted(by_kind.items())},
        "false_of_clean": round(len({key[0] for key in wrong if key[0] <= clean}) / clean, 4),
        "false_of_cases": round(len(wrong) / max(len(found), 1), 4),
        "false_by_kind": dict(Counter(str(key[1]) for key in wrong)),
        "settled_themselves": len(auto),
        "settled_right": round(right / max(len(auto), 1), 4),
        "look_ms_per_physician": round(took * 1e3 / max(looked, 1), 2),
        "look_cpu_ms_per_physician": round(busy * 1e3 / max(looked, 1), 2),
    }  # fmt: skip


def _is_real(key: Planted, world: World) -> bool:
    """A wrong claim that is never opened and an interest that nobody named are real, planted or
    not."""
    who, kind, tag, _other = key
    if key in world.planted:
        return True
    if kind == Kind.NEVER_OPENED:
        return tag not in world.interests[who]
    if kind == Kind.UNTAGGED:
        return tag in world.interests[who] and (who, tag) not in world.claims
    return False


def _is_right(case: TagCase, world: World) -> bool:
    """Whether a verdict about an interest is true; of other tags nothing is known."""
    if case.kind not in (Kind.NEVER_OPENED, Kind.UNTAGGED):
        return True
    holds = case.tag_id in world.interests[case.identifier_id]
    says = (case.verdict == Verdict.SECOND) == (case.kind == Kind.UNTAGGED)
    return holds == says


def _followed(db: Database) -> dict[str, Any]:
    """The audiences follow whom learning and verdicts have touched."""
    with db.reading() as session:
        marks = session.scalar(select(func.count()).select_from(PersonChanged)) or 0
    begun = time.perf_counter()
    while True:
        with db.transaction() as session:
            if not segments.fold(session, _clock()):
                break
    took = time.perf_counter() - begun
    different = len(list(segments.verify(db, _clock)))
    with db.transaction() as session:
        begun = time.perf_counter()
        tagging.fix(session, "crm", tagging.ANY_TAG, 0.5, actor="bench", reason="x", now=NOW)
        (busiest,) = (
            session.execute(
                select(tagging.models.TagAssertion.tag_id)
                .where(tagging.models.TagAssertion.source == "crm")
                .group_by(tagging.models.TagAssertion.tag_id)
                .order_by(func.count().desc())
                .limit(1)
            )
        ).one()
        before = session.scalar(select(func.count()).select_from(PersonChanged)) or 0
        begun = time.perf_counter()
        tagging.fix(session, "crm", busiest, 0.2, actor="bench", reason="x", now=NOW)
        noted = time.perf_counter() - begun
        touched = (session.scalar(select(func.count()).select_from(PersonChanged)) or 0) - before
    return {
        "marks": marks, "follow_s": round(took, 2),
        "follow_ms_per_mark": round(took * 1e3 / max(marks, 1), 3),
        "audiences_differ": different,
        "touched_by_one_tag": touched, "note_us_each": round(noted * 1e6 / max(touched, 1), 2),
    }  # fmt: skip


def _since(begun: float) -> float:
    return round(time.perf_counter() - begun, 1)


def _clock() -> datetime:
    return NOW


if __name__ == "__main__":
    sys.exit(main())
