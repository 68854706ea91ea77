"""How fast the figures of 洞察 are at the size of a large company.

    python -m benchmarks.insights [--json] [--postgres] [--explain] [--suggestions 100000]

500 reps with 200 physicians each, 400 contents, suggestions over a year, a link for six of ten and
an opening for half of these. Every question is asked five times; the best time counts, in
milliseconds of wall time, with the statements it takes. `--explain` prints what PostgreSQL does for
each statement.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from itertools import islice
from typing import Any

from sqlalchemy import Engine, event, insert, text
from sqlalchemy.orm import Session

import app.models
from app.content import Content, ContentVersion
from app.flows.insight import contents, coverage, day, overview, people
from app.flows.insight.coverage import By
from app.identity.models import Component, Identifier, Physician
from app.infra import crypto
from app.infra.clock import local
from app.infra.db import Base, Database, build_engine
from app.links import PageView, TrackedLink
from app.recommend import DailyPlan, State, Suggestion
from app.reps import RelationState, Rep, RepContact
from launcher import postgres

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
REPS, EACH, VERSIONS, DAYS = 500, 200, 400, 365
SPECIALTIES = ("心血管", "肿瘤", "神经", "内分泌", "呼吸", "消化", "")
STATES = (State.ADOPTED, State.ADOPTED, State.REFUSED, State.LATER, State.EXPIRED)


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
        _fill(db, options.suggestions)
        result = _asked(db, explain=options.explain and options.postgres)
    if options.json:
        print(json.dumps(result))
    return 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench insights", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--postgres", action="store_true", help="on PostgreSQL, not SQLite")
    parser.add_argument("--explain", action="store_true", help="print PostgreSQL's plans")
    parser.add_argument("--suggestions", type=int, default=100_000)
    return parser.parse_args(arguments)


def _asked(db: Database, *, explain: bool) -> dict[str, dict[str, float]]:
    today = local(NOW).date()
    questions: dict[str, Callable[[Session], Any]] = {
        "coverage by city 28 d": lambda s: coverage.coverage(s, By.CITY, NOW, 28),
        "coverage by rep 28 d": lambda s: coverage.coverage(s, By.REP, NOW, 28),
        "day of 500 reps": lambda s: day.of_day(s, today),
        "names of a day": lambda s: people.names(s, day.who(today, "planned")),
        "overview 28 d": lambda s: (overview.funnel(s, NOW, 28), overview.by_rep(s, NOW, 28)),
        "contents 28 d": lambda s: contents.contents(s, NOW, 28),
        "contents 90 d": lambda s: contents.contents(s, NOW, 90),
        "one content 90 d": lambda s: contents.split(s, 1, NOW, 90),
    }
    found = {}
    for name, question in questions.items():
        found[name] = _timed(db, question)
        print(f"{name:24} {found[name]['ms']:8.1f} ms {found[name]['statements']:3.0f} statements")
        if explain:
            _explained(db, question)
    return found


def _timed(db: Database, question: Callable[[Session], Any]) -> dict[str, float]:
    best, asked = float("inf"), list[str]()
    with _listening(db.engine, lambda statement, _values: asked.append(statement)):
        for _ in range(5):
            asked.clear()
            with db.reading() as session:
                begun = time.perf_counter()
                question(session)
                best = min(best, time.perf_counter() - begun)
    return {"ms": round(best * 1000, 1), "statements": len(asked)}


def _explained(db: Database, question: Callable[[Session], Any]) -> None:
    asked: list[tuple[str, Any]] = []
    with _listening(db.engine, lambda *one: asked.append(one)), db.reading() as session:
        question(session)
    with db.engine.connect() as connection:
        for statement, values in asked:
            rows = connection.exec_driver_sql(f"explain (analyze, costs off) {statement}", values)
            print("\n".join(f"    {row[0]}" for row in rows))


class _listening:  # used like a function
    """While it is open, every statement is told to `heard`."""

    def __init__(self, engine: Engine, heard: Callable[[str, Any], object]) -> None:
        self._engine = engine
        self._heard = lambda _c, _cursor, what, values, *_more: heard(what, values)

    def __enter__(self) -> None:
        event.listen(self._engine, "before_cursor_execute", self._heard)

    def __exit__(self, *_problem: object) -> None:
        event.remove(self._engine, "before_cursor_execute", self._heard)


def _fill(db: Database, suggestions: int) -> None:
    rng = random.Random(1)  # repeatable on purpose
    with db.transaction() as session:
        session.execute(insert(Component), [{"id": 1, "size": 0}])
        for table, rows in _company(rng):
            _insert(session, table, rows)
        for table, rows in _year(rng, suggestions):
            _insert(session, table, rows)
    with db.engine.connect() as connection:
        connection.execute(text("ANALYZE"))
        connection.commit()


def _insert(session: Session, table: type[Base], rows: Iterator[dict[str, Any]]) -> None:
    while part := list(islice(rows, 5000)):
        session.execute(insert(table), part)


def _company(rng: random.Random) -> list[tuple[type[Base], Iterator[dict[str, Any]]]]:
    people_ = range(1, REPS * EACH + 1)
    return [
        (Rep, ({"id": n, "corp_id": "ww", "userid": f"rep{n}", "name": f"代表{n}",
                "team": f"团队{n % 25}", "created_at": NOW} for n in range(1, REPS + 1))),
        (Identifier, ({"id": n, "kind": "wecom_external_userid", "value_hash": f"{n:032}".encode(),
                       "value": "w", "component_id": 1, "one_id": f"Y{n}", "first_seen_at": NOW}
                      for n in people_)),
        (Physician, ({"one_id": f"Y{n}", "anchor_id": n, "live": True, "verified": False,
                      "specialty": rng.choice(SPECIALTIES), "city": f"城市{rng.randrange(120)}",
                      "link_due": False, "created_at": NOW, "updated_at": NOW} for n in people_)),
        (RepContact, ({"rep_id": n % REPS + 1, "identifier_id": n, "since": NOW,
                       "state": RelationState.CONNECTED} for n in people_)),
        (Content, ({"id": n, "created_at": NOW} for n in range(1, VERSIONS + 1))),
        (ContentVersion, ({"id": n, "content_id": n, "title": f"内容{n}", "created_by": "user:1",
                           "stage": "approved", "created_at": NOW}
                          for n in range(1, VERSIONS + 1))),
    ]  # fmt: skip


def _year(
    rng: random.Random, suggestions: int
) -> list[tuple[type[Base], Iterator[dict[str, Any]]]]:
    today = local(NOW).date()
    rows, links, views = [], [], []
    for n in range(1, suggestions + 1):
        back, who, version = (
            n * DAYS // suggestions,
            rng.randrange(REPS * EACH) + 1,
            n % VERSIONS + 1,
        )
        at = NOW - timedelta(days=back, minutes=rng.randrange(60))
        state = State.PLANNED if back == 0 else rng.choice(STATES)
        rows.append({
            "id": n, "plan_key": f"p{n}", "rep_id": who % REPS + 1, "identifier_id": who,
            "content_id": version, "content_version_id": version, "state": state,
            "day": today - timedelta(days=back), "position": n % 5 + 1, "score": 0.5,
            "reasons": ["CRM 记录关注「房颤」", "上次互动 21 天前", "7 天内联系不超过 2 次"],
            "contributions": {str(tag): 0.1 for tag in range(8)},
            "verdict": {"allowed": True, "asked_at": at.isoformat(), "reasons": []},
            "refusal": "content" if state is State.REFUSED else None,
            "created_at": at, "delivered_at": at if back else None,
        })  # fmt: skip
        if n % 10 < 6:
            links.append({
                "id": n, "token": f"t{n}", "content_version_id": version, "identifier_id": who,
                "rep_id": who % REPS + 1, "suggestion_id": n, "channel": "wecom", "created_at": at,
                "expires_at": at + timedelta(days=180),
            })  # fmt: skip
        if n % 10 < 3:
            views.append({"link_id": n, "visit_key": f"v{n}", "opened_at": at, "visible_s": n % 300,
                          "read_at": at if n % 2 else None})  # fmt: skip
    plans = ({"rep_id": rep, "day": today - timedelta(days=back), "considered": EACH,
              "suggested": 5, "left_out": {"cap": 12, "no_content": 30}, "created_at": NOW}
             for rep in range(1, REPS + 1) for back in range(0, DAYS, 2))  # fmt: skip
    return [(Suggestion, iter(rows)), (TrackedLink, iter(links)), (PageView, iter(views)),
            (DailyPlan, plans)]  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
