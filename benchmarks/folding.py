"""How well names of tags are recognised, and how fast a long queue of them is worked off.

    python -m benchmarks.folding [--json] [--postgres] [--names 5000] [--sightings 100000]

Some 250 names, written by hand with the tag that is meant, are carried by invented physicians: of
the carriers of a name that means a tag most have the tag by another source, as have some of the
others; those of unrelated names are anybody. Each is suggested by letters only, by letters and
sounds, and by all signals. Names that the vocabulary knows as they are do not count. Then a queue
of `--names` names with `--sightings` sightings is looked at page by page, a thousand of them are
folded with one click, and the click is undone: one name, then the rest. Times are by the clock,
and in brackets of this process's processor.
"""

from __future__ import annotations

import argparse
import json
import random
import tempfile
import time
from collections.abc import Callable, Sequence
from contextlib import ExitStack
from datetime import UTC, datetime
from statistics import median
from typing import Any, TypeVar

from sqlalchemy import func, insert, select

import app.models
from app import tagging
from app.flows.tagging.fold_names import fold_many, undo_batch, undo_one
from app.flows.tagging.name_suggestions import suggest
from app.identity.models import Component, Identifier, Physician
from app.infra import crypto
from app.infra.db import Database, build_engine
from app.tagging import Source
from app.tagging.models import TagAssertion, TagSighting, UnmappedName
from app.tagging.names import alike
from benchmarks._planted_names import planted
from launcher import postgres

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
PEOPLE, CARRIERS, PAGE = 3000, 25, 50
WAYS = {"letters": (1, 0, 0, 0), "letters+sound": (1, 1, 0, 0), "all": (1, 1, 1, 1)}
T = TypeVar("T")
FULL = (alike.SIGHT, alike.SOUND, alike.PEOPLE, alike.OPENED)


def main(arguments: list[str] | None = None) -> int:
    """Run, print a line each, and with --json one JSON object on the last line."""
    parser = argparse.ArgumentParser(prog="bench folding", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--postgres", action="store_true", help="PostgreSQL instead of SQLite")
    parser.add_argument("--names", type=int, default=5000)
    parser.add_argument("--sightings", type=int, default=100_000)
    options = parser.parse_args(arguments)
    crypto.install(crypto.KeyRing.parse("bench:" + "ab" * 32))
    with tempfile.TemporaryDirectory(prefix="yishu-bench-") as name, ExitStack() as stack:
        url = f"sqlite:///{name}/yishu.db"
        if options.postgres:
            server = stack.enter_context(postgres.running())
            url = stack.enter_context(postgres.copy_of(server, "template0"))
        db = Database(build_engine(url))
        stack.callback(db.engine.dispose)
        app.models.metadata.create_all(db.engine)
        result = recognised(db) | worked_off(db, options.names, options.sightings)
    for key, value in result.items():
        print(f"{key:36} {value}")
    if options.json:
        print(json.dumps(result))
    return 0


def recognised(
    db: Database, people: int = PEOPLE, ways: Sequence[str] = tuple(WAYS)
) -> dict[str, Any]:
    """Precision and recall on the planted names, by what is looked at."""
    meant = _plant(db, people)
    unrelated = sum(1 for _, key in meant.values() if not key)
    result: dict[str, Any] = {"meant": len(meant) - unrelated, "unrelated": unrelated}
    for way in ways:
        counts = [full * part for full, part in zip(FULL, WAYS[way], strict=True)]
        alike.SIGHT, alike.SOUND, alike.PEOPLE, alike.OPENED = counts
        with db.reading() as session:
            names = session.scalars(select(UnmappedName).where(UnmappedName.id.in_(meant))).all()
            keys = {tag.id: tag.key for tag in tagging.tags(session)}
            found = suggest(session, names)
        result |= {f"{way}: {name}": value for name, value in _judged(meant, found, keys).items()}
    alike.SIGHT, alike.SOUND, alike.PEOPLE, alike.OPENED = FULL
    return result


def _judged(meant: dict[int, tuple[str, str]], found: Any, keys: dict[int, str]) -> dict[str, Any]:
    first = right = within = sure = sure_right = wrong_sure = 0
    for name_id, (_raw, key) in meant.items():
        told = [keys[one.tag_id] for one in found[name_id]]
        if not key:
            wrong_sure += bool(found[name_id] and found[name_id][0].confident)
            continue
        first += bool(told)
        right += told[:1] == [key]
        within += key in told
        if found[name_id] and found[name_id][0].confident:
            sure += 1
            sure_right += told[0] == key
    of = sum(1 for _, key in meant.values() if key)
    return {
        "precision@1": round(right / max(first, 1), 3), "recall@3": round(within / of, 3),
        "confident": sure, "confident right": round(sure_right / max(sure, 1), 3),
        "unrelated confident": wrong_sure,
    }  # fmt: skip


def _plant(db: Database, number: int) -> dict[int, tuple[str, str]]:
    """Physicians with tags, and the planted names with their carriers."""
    rng = random.Random(7)
    with db.transaction() as session:
        tagging.seed(session, NOW)
        tags = {tag.key: tag.id for tag in tagging.tags(session)}
        people = _people(session, number)
        having = {key: rng.sample(people, max(30, int(number * rng.uniform(0.02, 0.3))))
                  for key in tags}  # fmt: skip
        rows = [
            {"identifier_id": person, "tag_id": tags[key], "source": Source.CRM, "ref": "crm:0",
             "evidence": "CRM", "confidence": 1.0, "actor": "system", "at": NOW, "raw": ""}
            for key, chosen in having.items() for person in chosen
        ]  # fmt: skip
        session.execute(insert(TagAssertion), rows)
        named: dict[int, tuple[str, str]] = {}
        for raw, key in planted():
            size = rng.choice((1, 2, 8, CARRIERS, 2 * CARRIERS))
            most = rng.sample(having[key], min(len(having[key]), round(size * 0.85))) if key else []
            who = set(most) | set(rng.sample(people, size - len(most)))
            if tagging.map_name(session, Source.WECOM_TAG, raw, NOW) is not None:
                continue
            _carry(session, raw, who)
            chosen = select(UnmappedName).where(UnmappedName.raw == tagging.naming.fold(raw))
            name = session.scalars(chosen).one()
            name.seen = len(who)
            named[name.id] = (raw, key)
    return named


def _people(session: Any, number: int) -> list[int]:
    component = session.execute(insert(Component).values(size=0).returning(Component.id)).scalar()
    start = session.scalar(select(func.coalesce(func.max(Identifier.id), 0))) or 0
    rows = [
        {"kind": "crm_id", "namespace": "bench", "value_hash": (start + n).to_bytes(32, "big"),
         "value": str(n), "component_id": component, "one_id": f"Y{start + n:020d}",
         "first_seen_at": NOW}
        for n in range(number)
    ]  # fmt: skip
    session.execute(insert(Identifier), rows)
    found = session.execute(
        select(Identifier.id, Identifier.one_id).where(Identifier.id > start)
    ).all()
    session.execute(
        insert(Physician),
        [{"one_id": one, "anchor_id": number, "created_at": NOW, "updated_at": NOW}
         for number, one in found],
    )  # fmt: skip
    return [number for number, _ in found]


def _carry(session: Any, raw: str, who: Any) -> None:
    folded = tagging.naming.fold(raw)
    rows = [
        {"identifier_id": person, "source": Source.WECOM_TAG, "scope": "rep:1", "raw": folded,
         "evidence": f"企微标签「{raw}」", "at": NOW}
        for person in who
    ]  # fmt: skip
    session.execute(insert(TagSighting), rows)


def worked_off(db: Database, names: int, sightings: int) -> dict[str, Any]:
    """What a page and a click cost."""
    rng = random.Random(11)
    with db.transaction() as session:
        people = _people(session, 20_000)
        for n in range(names):
            raw = f"{rng.choice(('重点', '房颤', '抗凝', '指南', '会议', '血脂'))}名单{n}"
            tagging.map_name(session, Source.WECOM_TAG, raw, NOW)
            _carry(session, raw, rng.sample(people, sightings // names))
        queue = tagging.unmapped(session, names)
        for name in queue:
            name.seen = max(name.seen, sightings // names)
    pages = []
    with db.reading() as session:
        queue = tagging.unmapped(session, names)
    for start in range(0, min(len(queue), 10 * PAGE), PAGE):
        begun = time.perf_counter()
        with db.reading() as session:
            suggest(session, queue[start : start + PAGE])
        pages.append(time.perf_counter() - begun)
    choices = {name.id: "af" for name in queue[:1000]}
    by: dict[str, Any] = {"actor": "bench", "clock": lambda: NOW}
    before = _versions(db)
    done, clicked = _timed(lambda: fold_many(db, choices, **by))
    _, carried = _timed(lambda: _follow(db))
    versions = _versions(db) - before
    with db.reading() as session:
        row, _name, _tag = tagging.folding_history(session, limit=1)[0]
    _, one = _timed(lambda: undo_one(db, row.id, **by))
    _, back = _timed(lambda: (undo_batch(db, done.batch, **by), _follow(db)))
    return {
        "queue": len(queue), "sightings": sightings,
        "page of 50, ms": round(median(pages) * 1000),
        "folded": done.folded, "versions": versions,
        "fold 1000 names: click, s": clicked, "… until all carriers have followed, s": carried,
        "undo one, s": one, "undo the rest, carriers included, s": back,
    }  # fmt: skip


def _timed(work: Callable[[], T]) -> tuple[T, str]:
    """What it gives, and its seconds: by the clock (of this process's processor time)."""
    begun, used = time.perf_counter(), time.process_time()
    found = work()
    return found, f"{time.perf_counter() - begun:.2f} ({time.process_time() - used:.2f})"


def _follow(db: Database) -> None:
    """As a worker does it."""
    done = True
    while done:
        with db.transaction() as session:
            done = bool(tagging.follow(session, NOW))


def _versions(db: Database) -> int:
    with db.reading() as session:
        return tagging.versions.newest_number(session)


if __name__ == "__main__":
    raise SystemExit(main())
