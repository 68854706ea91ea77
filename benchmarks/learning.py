"""What a night of learning costs at full size: answers, openings, contents, with neighbours.

    ./dev bench learning [--openings 200000] [--contents 2000] [--answers 40000] [--json]

The product's own `learn_tonight` on SQLite over an invented company (proof's world `taste`): three
quarters of the openings are known, the last quarter are suggestions that were adopted, beside as
many that were refused. Filling the database is not counted.
"""

from __future__ import annotations

import argparse
import json
import resource
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import insert

import app.models
from app import tagging
from app.flows.learning.learn_tonight import learn_tonight
from app.identity.models import Component, Identifier
from app.infra import crypto
from app.infra.clock import local
from app.infra.db import Database, build_engine
from app.links import PageView, TrackedLink
from app.recommend import State, Suggestion
from app.recommend.fit import response
from app.recommend.proof import Interaction, world
from app.tagging import Source
from app.tagging.models import TagAssertion
from tests.company import hire, publish

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
BEGAN, TAGS, EACH = NOW - timedelta(days=190), 60, 13.0


def main() -> None:
    asked = _arguments()
    crypto.install(crypto.KeyRing.parse("bench:" + "ab" * 32))
    with tempfile.TemporaryDirectory(prefix="yishu-bench-") as name, ExitStack() as stack:
        db = Database(build_engine(f"sqlite:///{name}/yishu.db"))
        stack.callback(db.engine.dispose)
        app.models.metadata.create_all(db.engine)
        opened = _fill(db, asked.openings, asked.contents, asked.answers)
        before = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024
        begun, cpu = time.perf_counter(), time.process_time()
        with db.reading() as session:
            learned = learn_tonight(session, NOW)
        data = {
            "openings": opened, "contents": asked.contents, "answers": learned.rows,
            "wall_s": round(time.perf_counter() - begun, 1),
            "cpu_s": round(time.process_time() - cpu, 1),
            "peak_mb": resource.getrusage(resource.RUSAGE_SELF).ru_maxrss // 1024,
            "peak_mb_before": before, "kept_kb": len(response.dumps(learned)) // 1024,
            "neighbours": sum(map(len, learned.near.values())), "near": learned.figures["near"],
        }  # fmt: skip
    for key, value in data.items():
        print(f"{key:16} {value}")
    if asked.json:
        print(json.dumps(data))


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench learning")
    parser.add_argument("--openings", type=int, default=200_000)
    parser.add_argument("--contents", type=int, default=2000)
    parser.add_argument("--answers", type=int, default=40_000)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    return parser.parse_args()


def _fill(db: Database, openings: int, contents: int, answers: int) -> int:
    made = world("taste", int(openings / EACH * 4 / 3), contents, TAGS, seed=1)
    by_time = sorted(made.interactions, key=lambda one: one.time)
    known, later = by_time[: len(by_time) * 3 // 4], by_time[len(by_time) * 3 // 4 :]
    with db.transaction() as session:
        tagging.seed(session, NOW)
        keys = [tag.key for tag in tagging.tags(session)]
        about: dict[str, list[str]] = {}
        for owner, tag, _ in made.content_tags:
            about.setdefault(owner, []).append(keys[int(tag[1:]) % len(keys)])
        versions = [
            publish(
                session, f"示例{n}", tuple(dict.fromkeys(about.get(f"c{n}", keys[:1]))), BEGAN, 500
            )
            for n in range(contents)
        ]
        ids = [(version.id, version.content_id) for version in versions]
        rep_id = hire(session, "rep01", NOW).id
        tags = {tag.key: tag.id for tag in tagging.tags(session)}
    with db.transaction() as session:
        for table, rows in (
            *_people(made, [tags[key] for key in keys]), *_opened(known, ids),
            *_suggested(later[: answers // 2], ids, rep_id),
        ):  # fmt: skip
            session.connection().execute(insert(table), rows)
    return len(known)


def _people(made: Any, tags: list[int]) -> list[tuple[Any, list[dict[str, Any]]]]:
    numbers = sorted({_number(one.user) for one in made.interactions})
    held = {
        (_number(owner), tags[int(tag[1:]) % len(tags)]) for owner, tag, _ in made.physician_tags
    }
    return [
        (Component.__table__, [{"id": n, "size": 1} for n in numbers]),
        (Identifier.__table__, [
            {"id": n, "kind": "crm_id", "namespace": "bench", "value_hash": n.to_bytes(32, "big"),
             "value": "x", "component_id": n, "one_id": f"YSB{n:010d}",
             "status": "active", "first_seen_at": BEGAN} for n in numbers]),
        (TagAssertion.__table__, [
            {"identifier_id": n, "tag_id": tag, "source": Source.WECOM_TAG, "ref": f"{n}:{tag}",
             "evidence": "示例", "confidence": 0.8, "actor": "bench", "at": BEGAN}
            for n, tag in sorted(held) if n in set(numbers)]),
    ]  # fmt: skip


def _opened(
    known: list[Interaction], ids: list[tuple[int, int]]
) -> list[tuple[Any, list[dict[str, Any]]]]:
    links, views = [], []
    for n, (user, item, day) in enumerate(known, start=1):
        at = BEGAN + timedelta(days=day)
        links.append({"id": n, "token": f"{n:016d}", "content_version_id": ids[int(item[1:])][0],
                      "identifier_id": _number(user), "channel": "wecom", "created_at": at,
                      "expires_at": at + timedelta(days=180)})  # fmt: skip
        views.append({"link_id": n, "visit_key": f"bench-{n}", "opened_at": at})
    return [(TrackedLink.__table__, links), (PageView.__table__, views)]


def _suggested(
    later: list[Interaction], ids: list[tuple[int, int]], rep_id: int
) -> list[tuple[Any, list[dict[str, Any]]]]:
    dice, rows = np.random.default_rng(1), []
    for n, (user, item, day) in enumerate(later):
        for good, what in ((True, int(item[1:])), (False, int(dice.integers(len(ids))))):
            at = BEGAN + timedelta(days=day, seconds=int(good))
            rows.append({
                "plan_key": f"bench:{n}:{good}", "rep_id": rep_id, "identifier_id": _number(user),
                "content_id": ids[what][1], "content_version_id": ids[what][0],
                "day": local(at).date(), "state": State.ADOPTED if good else State.REFUSED,
                "refusal": None if good else "content", "created_at": at, "delivered_at": at,
                "answered_at": at,
            })  # fmt: skip
    return [(Suggestion.__table__, rows)]


def _number(user: str) -> int:
    return int(user[1:]) + 1


if __name__ == "__main__":
    main()
