"""Invented physicians as facts, seeded: what an audience is asked over, for us and for others.

Tags are carried as often as in a rank-size rule, ten each on average; of the last thirty days some
physicians opened something, some of them often. `fill` writes them as the product keeps them:
persons, sets, and a row with a sealed name for each physician.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from itertools import chain
from typing import Any

import numpy as np
from pyroaring import BitMap
from sqlalchemy import insert
from sqlalchemy.orm import Session

from app.identity.models import Physician
from app.infra import crypto
from app.infra.clock import local
from app.infra.db import Database
from app.segments.facts import EVERYBODY, OPTED_OUT, WECOM, Key, count_key, tag_key
from app.segments.models import FORM, SegmentFact, SegmentPerson, SegmentState
from app.tagging.lexicon import LEXICON
from app.tagging.models import Tag, TagCategory, TagSynonym
from benchmarks._audience_wide import Wide, facts, name

TAGS, PER_PERSON, REPS, WINDOW = 500, 10.4, 1000, 30
WEAK_SHARE = 0.15  # of the carriers of a tag it holds so weakly that it does not count
ROWS = 10_000
Array = np.ndarray[Any, Any]


@dataclass
class World:
    """`tags[t]`: (who carries tag t + 1, how strongly, in tenths); `opened[d]`: who opened d days
    ago, one entry each time. Physicians are 1 … n."""

    n: int
    tags: list[tuple[Array, Array]]
    opened: list[Array]
    reps: Array
    out: Array


def world(n: int, seed: int = 7) -> World:
    """So many physicians; the same for the same seed."""
    rng = np.random.default_rng(seed)
    often = 1.0 / np.arange(2, TAGS + 2) ** 0.8
    shares = np.minimum(0.9, often / often.sum() * PER_PERSON)
    tags = []
    for share in shares:
        who = np.unique(rng.integers(1, n + 1, int(n * share))).astype(np.uint32)
        weak = rng.random(len(who)) < WEAK_SHARE
        tags.append((who, np.where(weak, 1, rng.integers(2, 9, len(who))).astype(np.uint8)))
    opened = []
    for _ in range(WINDOW):
        who = (n * rng.random(n // 50) ** 2).astype(np.uint32) + 1  # some are much keener
        opened.append(np.sort(who))
    out = np.unique(rng.integers(1, n + 1, n // 50)).astype(np.uint32)
    return World(n, tags, opened, rng.integers(1, REPS * 2, n + 1).astype(np.uint32), out)


def fill(db: Database, data: World, now: datetime, more: Wide) -> int:
    """As the product keeps it; how many bytes the sets take."""
    size = 0
    with db.transaction() as session:
        _vocabulary(session, now)
        name(session, now)
        for key, who in chain(_facts(data, now), facts(more, now)):
            bitmap = BitMap(who)
            bitmap.run_optimize()
            packed = bitmap.serialize()
            size += len(packed)
            row = {"kind": key[0], "value": key[1], "upto": 0, "bitmap": packed}
            session.connection().execute(insert(SegmentFact), [row])
        session.add(SegmentState(id=1, generation=f"{FORM}{data.n}", upto=0, builder=""))
    sealed = [crypto.ring().encrypt(f"示例{k}".encode(), "physician.name") for k in range(1000)]
    for start in range(1, data.n + 1, ROWS):
        numbers = range(start, min(start + ROWS, data.n + 1))
        _people(db, numbers, sealed, now)
    return size


def _facts(data: World, now: datetime) -> Iterator[tuple[Key, Array]]:
    yield EVERYBODY, np.arange(1, data.n + 1, dtype=np.uint32)
    yield OPTED_OUT, data.out
    yield WECOM, np.flatnonzero(data.reps[1:] <= REPS).astype(np.uint32) + 1
    for rep in range(1, REPS + 1):
        yield ("rep", str(rep)), np.flatnonzero(data.reps[1:] == rep).astype(np.uint32) + 1
    for number, (who, strength) in enumerate(data.tags, 1):
        for band in np.unique(strength):
            yield tag_key(number, int(band)), who[strength == band]
    today = local(now).date()
    for ago, who in enumerate(data.opened):
        people, times = np.unique(who, return_counts=True)
        for time in range(1, int(times.max()) + 1):
            yield count_key("open", today - timedelta(days=ago), time), people[times >= time]


def _vocabulary(session: Session, now: datetime) -> None:
    session.add(TagCategory(key="bench", name="bench", exclusive=False, position=0))
    session.flush()
    session.add_all(
        Tag(id=n, key=f"t{n}", name=f"t{n}", category_key="bench", owner="system",
            half_life_days=365, created_at=now)
        for n in range(1, TAGS + 1)
    )  # fmt: skip
    session.flush()
    session.add_all(TagSynonym(tag_id=n, source="any", raw=f"t{n}") for n in range(1, TAGS + 1))
    session.flush()
    LEXICON.changed(session)


def _people(db: Database, numbers: range, sealed: list[bytes], now: datetime) -> None:
    """Rows past the types: names are sealed already."""
    table = Physician.__table__
    with db.transaction() as session:
        driver = session.connection()
        driver.execute(
            insert(SegmentPerson),
            [{"bit": n, "one_id": one_id(n), "facts": b""} for n in numbers],
        )
        columns = "one_id, live, title, specialty, department, hospital, city, province, verified, "
        columns += "created_at, updated_at, link_due, name"
        marks = ", ".join(f":{c.strip()}" for c in columns.split(","))
        blank = dict.fromkeys(
            ("title", "specialty", "department", "hospital", "city", "province"), ""
        )
        stamp = now.replace(tzinfo=None).isoformat(" ")
        driver.exec_driver_sql(
            f"insert into {table.name} ({columns}) values ({marks})",
            [blank | {"one_id": one_id(n), "live": True, "verified": False, "created_at": stamp,
                      "updated_at": stamp, "link_due": False, "name": sealed[n % len(sealed)]}
             for n in numbers],
        )  # fmt: skip


def one_id(number: int) -> str:
    """A ONE ID that nobody has."""
    return f"YS{number:016d}"
