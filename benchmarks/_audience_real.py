"""What following costs, on physicians with identifiers, assertions and relations of their own."""

from __future__ import annotations

import random
import time
from contextlib import ExitStack
from datetime import UTC, datetime, timedelta
from pathlib import Path
from statistics import median
from typing import Any

from sqlalchemy.orm import Session

import app.models
from app import identity, reps, segments, tagging
from app.identity import Id, Kind
from app.infra.db import Database, build_engine, insert_all
from app.tagging import Source
from app.tagging.models import TagAssertion
from launcher import postgres

PER_PERSON, EVENTS, PIECE = 10, 200, 500


def real(folder: Path, physicians: int, no_postgres: bool) -> dict[str, Any]:
    """Figures by database."""
    with ExitStack() as stack:
        urls = {"sqlite": f"sqlite:///{folder}/real.db"}
        if not no_postgres:
            try:
                server = stack.enter_context(postgres.running())
                urls["postgresql"] = stack.enter_context(postgres.copy_of(server, "template0"))
            except postgres.NoPostgres as problem:
                print(f"PostgreSQL is left out: {problem}")
        return {name: _measured(url, physicians) for name, url in urls.items()}


def _measured(url: str, physicians: int) -> dict[str, Any]:
    db = Database(build_engine(url))
    app.models.metadata.create_all(db.engine)
    rng = random.Random(3)
    people = _people(db, physicians, rng)
    begun = time.perf_counter()
    built = segments.build(db, _clock)
    rebuild = time.perf_counter() - begun
    assert built is not None
    begun, followed = time.perf_counter(), 0
    while piece := _follow(db):
        followed += piece
    per_mark = (time.perf_counter() - begun) / max(followed, 1)
    seen = [_event(db, rng.choice(people), rng) for _ in range(EVENTS)]
    db.engine.dispose()
    return {
        "physicians": built.people,
        "rebuild_s": round(rebuild, 1),
        "rebuild_per_s": round(built.people / rebuild),
        "follow_ms_per_mark": round(per_mark * 1e3, 2),
        "event_write_ms": round(median(w for w, _ in seen) * 1e3, 2),
        "event_counted_ms": {"p50": round(median(s for _, s in seen) * 1e3, 1),
                             "worst": round(max(s for _, s in seen) * 1e3, 1)},
    }  # fmt: skip


def _event(db: Database, identifier: int, rng: random.Random) -> tuple[float, float]:
    """(seconds to write it, seconds from its commit until an audience has counted it)."""
    text = "标签:房颤 且 企微好友"
    begun = time.perf_counter()
    with db.transaction() as session:
        tag = tagging.id_of(session, "房颤")
        assert tag is not None
        tagging.assert_tag(
            session, identifier, tag, source=Source.PERSON, ref=str(rng.random()), evidence="",
            at=_clock(),
        )  # fmt: skip
        one_id = session.get_one(identity.Identifier, identifier).one_id
    written = time.perf_counter()
    with db.reading() as session:
        segments.audience(session, text, _clock(), 0)
    counted = time.perf_counter()
    with db.reading() as session:
        assert one_id in segments.members(session, text, _clock())
    while rng.random() < 0.5 and _follow(db):
        pass
    return written - begun, counted - written


def _follow(db: Database) -> int:
    with db.transaction() as session:
        return segments.fold(session, _clock())


def _people(db: Database, number: int, rng: random.Random) -> list[int]:
    now = _clock()
    with db.transaction() as session:
        tagging.seed(session, now)
        rep = reps.ensure_rep(session, "wwbench", "rep01", now=now)
        tags = [tag.id for tag in tagging.tags(session)]
    people: list[int] = []
    for start in range(0, number, PIECE):
        with db.transaction() as session:
            for n in range(start, min(start + PIECE, number)):
                (row,) = identity.recognise(
                    session, [Id(Kind.WECOM_EXTERNAL_USERID, "wwbench", f"wm{n}")],
                    event_key=f"bench:{n}", source="bench", at=now, now=now,
                )  # fmt: skip
                reps.connect(session, rep, row, since=now, now=now)
                people.append(row.id)
            _assert(session, people[start:], tags, rng, now)
    return people


def _assert(
    session: Session, people: list[int], tags: list[int], rng: random.Random, now: datetime
) -> None:
    rows = [
        {"identifier_id": person, "tag_id": tag, "source": rng.choice(list(Source)), "ref": "bench",
         "evidence": "", "confidence": 1.0, "actor": "bench",
         "at": now - timedelta(days=rng.randrange(400))}
        for person in people for tag in rng.sample(tags, PER_PERSON)
    ]  # fmt: skip
    insert_all(session, TagAssertion, rows, "identifier_id", "tag_id", "source", "ref")


def _clock() -> datetime:
    return datetime.now(UTC)
