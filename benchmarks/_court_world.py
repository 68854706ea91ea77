"""Invented physicians whose interests are known, seeded: what sources claim, and what was opened.

Each has four interests and opens more of what interests: the odds are four times as high, on top of
how much this physician opens at all, which differs widely. Three sources claim an interest of every
second physician; how often they are right when they say so is planted, and a claim loses truth with
its tag's half-life as the weights assume. More physicians have a contradiction, of every kind.
"""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import LargeBinary, bindparam, insert
from sqlalchemy.orm import Session

from app import tagging
from app.court.rules import Kind
from app.identity.models import Component, Identifier, Physician
from app.infra import crypto
from app.infra.db import Database, insert_once
from app.journey.models import Happened, Touchpoint
from app.tagging import Source
from app.tagging.models import TagAssertion, TagOpposite
from app.tagging.rules import decay
from tests.company import publish

NOW = datetime(2026, 11, 24, 4, tzinfo=UTC)
PLANTED = {Source.CRM: 0.9, Source.MARKETING: 0.6, Source.CHANNEL: 0.2}
CONTENTS, SENT, INTERESTS, ODDS = 180, 48, 4, 4.0
CLAIMED = NOW - timedelta(days=SENT + 6)  # the day before the first was sent
OPPOSITES = ("ch-short", "ch-deep")
ROWS = 2000
Row = dict[str, Any]
Planted = tuple[int, str, int, int]
Contents = list[tuple[int, tuple[int, ...]]]


@dataclass
class Vocabulary:
    """Tags by key, the interests that contents speak of, and contents with their tags."""

    tags: dict[str, int]
    half_lives: dict[int, int | None]
    topics: list[int]
    contents: Contents


@dataclass
class World:
    """Physicians are 1 … n; `claims`: (physician, tag); `planted`: (who, kind, tag, other)."""

    words: Vocabulary
    interests: dict[int, frozenset[int]] = field(default_factory=dict)
    claims: set[tuple[int, int]] = field(default_factory=set)
    planted: set[Planted] = field(default_factory=set)


@dataclass
class Page:
    """Rows that are written together."""

    assertions: list[Row] = field(default_factory=list)
    touches: list[Row] = field(default_factory=list)


def fill(db: Database, n: int, seed: int) -> World:
    """Write so many physicians without contradictions; the same for the same seed."""
    rng = random.Random(seed)
    with db.transaction() as session:
        world = World(_vocabulary(session, rng))
    for start in range(1, n + 1, ROWS):
        _piece(db, range(start, min(start + ROWS, n + 1)), lambda who, page: _clean(
            who, rng, world, page))  # fmt: skip
    return world


def plant(db: Database, world: World, each: int, seed: int) -> None:
    """Write as many more for each kind of contradiction."""
    rng, first = random.Random(seed + 1), len(world.interests) + 1
    for number, kind in enumerate(Kind):
        start = first + number * each
        _piece(db, range(start, start + each), lambda who, page, kind=kind: _planted(
            who, kind, rng, world, page))  # fmt: skip


def _piece(db: Database, numbers: range, make: Callable[[int, Page], None]) -> None:
    page = Page()
    for who in numbers:
        make(who, page)
    with db.transaction() as session:
        _write(session, numbers, page)


def _vocabulary(session: Session, rng: random.Random) -> Vocabulary:
    tagging.seed(session, NOW)
    known = tagging.tags(session)
    tags = {tag.key: tag.id for tag in known}
    a, b = sorted(tags[key] for key in OPPOSITES)
    insert_once(session, TagOpposite, {"a_id": a, "b_id": b}, "a_id", "b_id")
    broader = {tag.parent_id for tag in known}
    flat = [t for t in known if t.category_key in ("topic", "disease")
            and t.parent_id is None and t.id not in broader]  # fmt: skip
    contents = []
    for number in range(CONTENTS):
        about = rng.sample(flat, rng.choice((1, 2, 2, 3)))
        version = publish(session, f"示例内容 {number}", tuple(t.key for t in about), NOW)
        contents.append((version.id, tuple(t.id for t in about)))
    half_lives = {tag.id: tag.half_life_days for tag in known}
    return Vocabulary(tags, half_lives, [t.id for t in flat], contents)


def _clean(who: int, rng: random.Random, world: World, page: Page) -> None:
    mine = frozenset(rng.sample(world.words.topics, INTERESTS))
    world.interests[who] = mine
    for source, share in PLANTED.items():
        if rng.random() < 0.5:
            _claim(who, source, share, rng, world, page)
    sent = rng.sample(world.words.contents, SENT)
    _behave(who, sent, _opened(mine, sent, rng.betavariate(1.5, 6), rng), page)


def _opened(mine: frozenset[int], sent: Contents, keen: float, rng: random.Random) -> set[int]:
    odds = keen / (1.0 - keen)
    return {
        version
        for version, about in sent
        if rng.random() < 1 - 1 / (1 + odds * (ODDS if mine & set(about) else 1.0))
    }


def _planted(who: int, kind: Kind, rng: random.Random, world: World, page: Page) -> None:
    words = world.words
    mine = frozenset(rng.sample(words.topics, INTERESTS))
    world.interests[who] = mine
    sent = rng.sample(words.contents, SENT)
    opened = _opened(mine, sent, rng.betavariate(3, 6), rng)
    tag = other = 0
    if kind in (Kind.NEVER_OPENED, Kind.UNTAGGED):
        tag = rng.choice([t for t in words.topics if (t in mine) == (kind is Kind.UNTAGGED)])
        about, rest = _split(words.contents, tag, rng)
        sent = [*about, *rest]
        opened = {version for version, _ in rng.sample(rest, 8 if kind is Kind.UNTAGGED else 12)}
        if kind is Kind.UNTAGGED:
            opened |= {version for version, _ in about}
        else:
            _say(who, tag, Source.CRM, page, CLAIMED)
    elif kind is Kind.SILENT:
        opened, tag = set(), words.tags["stage-advocate"]
        _say(who, tag, Source.CRM, page, NOW)
    elif kind is Kind.DENIED:
        tag = words.tags["r-speaker"]
        _say(who, tag, Source.CRM, page, NOW)
        _say(who, tag, Source.PERSON, page, NOW, -1.0)
    else:
        pair = ("stage-trial", "stage-regular") if kind is Kind.EXCLUSIVE else OPPOSITES
        tag, other = sorted(words.tags[key] for key in pair)
        _say(who, tag, Source.PERSON, page, NOW)
        _say(who, other, Source.WECOM_TAG, page, NOW)
    world.planted.add((who, kind, tag, other))
    _behave(who, sent, opened, page)


def _split(contents: Contents, tag: int, rng: random.Random) -> tuple[Contents, Contents]:
    """Some contents about a tag, at most ten, and so many others that all are `SENT`."""
    about = [one for one in contents if tag in one[1]]
    rest = [one for one in contents if tag not in one[1]]
    mine = rng.sample(about, min(10, len(about)))
    return mine, rng.sample(rest, SENT - len(mine))


def _claim(
    who: int, source: Source, share: float, rng: random.Random, world: World, page: Page
) -> None:
    """One interest, right as often as planted when what was sent is opened."""
    mine, words = world.interests[who], world.words
    tag = rng.choice(sorted(mine))
    age = timedelta(days=1 + SENT / 2).total_seconds()
    if rng.random() > share * decay(age, words.half_lives[tag]):
        tag = rng.choice([other for other in words.topics if other not in mine])
    world.claims.add((who, tag))
    _say(who, tag, source, page, CLAIMED)


def _behave(who: int, sent: Contents, opened: set[int], page: Page) -> None:
    for number, (version, _about) in enumerate(sent):
        at = NOW - timedelta(days=SENT + 4 - number)
        for kind, later in ((Happened.CONTENT_SENT, 0), (Happened.CONTENT_OPENED, 5)):
            if not later or version in opened:
                page.touches.append(
                    {"ref": f"{who}:{version}:{later}", "identifier_id": who, "kind": kind,
                     "channel": "wecom", "at": at + timedelta(hours=later),
                     "content_version_id": version}
                )  # fmt: skip


def _say(
    who: int, tag: int, source: Source, page: Page, at: datetime, confidence: float = 1.0
) -> None:
    page.assertions.append(
        {"identifier_id": who, "tag_id": tag, "source": source, "ref": f"{who}:{tag}:{source}",
         "evidence": "示例", "confidence": confidence, "actor": "bench", "at": at}
    )  # fmt: skip


def _write(session: Session, numbers: range, page: Page) -> None:
    sealed = crypto.ring().encrypt("示例".encode(), "physician.name")
    value = crypto.ring().encrypt(b"x", "identifier.value")
    driver = session.connection()
    people = [{"id": n, "size": 1} for n in numbers]
    driver.execute(insert(Component.__table__), people)
    one_ids = {n: f"YSB{n * 2654435761 % 2**32:010d}" for n in numbers}
    driver.execute(
        _plain(Identifier),
        [{"id": n, "kind": "crm_id", "namespace": "bench", "value_hash": n.to_bytes(32, "big"),
          "value": value, "component_id": n, "one_id": one_ids[n], "status": "active",
          "first_seen_at": NOW} for n in numbers],
    )  # fmt: skip
    driver.execute(
        _plain(Physician),
        [{"one_id": one_ids[n], "anchor_id": n, "live": True, "name": sealed, "title": "",
          "specialty": "", "department": "", "hospital": "", "city": "", "province": "",
          "verified": False, "created_at": NOW, "updated_at": NOW, "link_due": False}
         for n in numbers],
    )  # fmt: skip
    if page.assertions:
        driver.execute(insert(TagAssertion.__table__), page.assertions)
    driver.execute(insert(Touchpoint.__table__), page.touches)


def _plain(model: Any) -> Any:
    """An insert that takes what is sealed already as it is."""
    name = "name" if model is Physician else "value"
    return insert(model.__table__).values({name: bindparam(name, type_=LargeBinary)})
