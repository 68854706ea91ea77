"""An invented company as the product keeps it: reps with a thousand physicians each, tags, consent,
approved contents. Seeded; the same for the same sizes.

Reps come in towns of five: four fifths of a rep's physicians are known to nobody else, the others
to two or three of the town. Contents are of two brands or of none, and three reps in five speak for
one brand alone. Within 60 days a physician was sent two contents on average about what is tagged,
half of them suggested; nobody is near a cap.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime, timedelta
from typing import Any

import numpy as np
from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app import content
from app.consent import Action, ConsentEntry, Purpose
from app.identity import Identifier, Kind, Physician
from app.identity.models import Component
from app.infra.clock import local
from app.infra.db import Database
from app.links import TrackedLink
from app.recommend import State, Suggestion
from app.reps import RelationState, Rep, RepContact, set_brands
from app.tagging import Source, Tag, TagCategory
from app.tagging.lexicon import LEXICON
from app.tagging.models import TagAssertion

CORP = "wwbench"
TAGS, CONTENTS, OF_PHYSICIAN, OF_CONTENT = 400, 2000, 16, 6.3
TOWN, OWN_SHARE = 5, 0.8
SENT, SENT_DAYS, SUGGESTED = 2.0, (8, 60), 0.5  # contents of a physician, when, share suggested
BRANDS = 2
ROWS = 5000
SOURCES = (Source.WECOM_TAG, Source.CRM, Source.CONTENT_READ, Source.MARKETING)


def fill(
    db: Database, now: datetime, *, reps: int, contacts: int = 1000, contents: int = CONTENTS,
    limit: int = 20, tags: int = TAGS, seed: int = 3,
) -> int:  # fmt: skip
    """Write the company; returns how many physicians it knows."""
    dice = np.random.default_rng(seed)
    with db.transaction() as session:
        _vocabulary(session, tags, now)
        about = _library(session, dice, contents, tags, now)
        _reps(session, reps, limit, now)
    pairs = list(_pairs(dice, reps, contacts))
    people = max(who for _, who in pairs)
    for start in range(1, people + 1, ROWS):
        with db.transaction() as session:
            _people(session, dice, range(start, min(start + ROWS, people + 1)), tags, now)
    for start in range(0, len(pairs), ROWS):
        with db.transaction() as session:
            _contacts(session, pairs[start : start + ROWS], now)
            _history(session, dice, pairs[start : start + ROWS], about, now)
    return people


def one_id(number: int) -> str:
    """A ONE ID that nobody has."""
    return f"YS{number:016d}"


def _vocabulary(session: Session, tags: int, now: datetime) -> None:
    session.add(TagCategory(key="bench", name="bench", exclusive=False, position=0))
    session.flush()
    session.add_all(
        Tag(id=n, key=f"t{n}", name=f"标签{n}", category_key="bench", owner="system",
            half_life_days=365 if n % 3 else None, parent_id=(n + 9) // 10 if n > 10 else None,
            created_at=now)
        for n in range(1, tags + 1)
    )  # fmt: skip
    session.flush()
    LEXICON.changed(session)


def _library(
    session: Session, dice: Any, contents: int, tags: int, now: datetime
) -> dict[int, list[tuple[int, int, list[int]]]]:
    """Writes it; tag → contents about it: id, version, tags."""
    usual = _usual(tags)
    brands = [content.add_brand(session, f"b{n}", f"品牌{n}", "bench").id for n in range(BRANDS)]
    found: dict[int, list[tuple[int, int, list[int]]]] = {}
    for n in range(contents):
        number = min(tags, 1 + dice.poisson(OF_CONTENT - 1))
        about = {int(t) + 1: 1.0 for t in dice.choice(tags, number, False, usual)}
        approved = now - timedelta(days=int(dice.integers(1, 300)))
        fields = {"title": f"内容{n}", "summary": f"内容{n}的摘要", "body": "正文" * 60}
        brand = ([*brands, None])[n % (BRANDS + 1)]
        made = content.draft(
            session, author="user:1", fields=fields, tags=about, now=approved, brand_id=brand
        )
        content.submit(session, made.id, now=approved)
        content.approve(
            session, made.id, approver="user:2", approval_no=f"示例批准 {n}",
            valid_from=approved, valid_until=now + timedelta(days=90), now=approved,
        )  # fmt: skip
        for tag in about:
            found.setdefault(tag, []).append((made.content_id, made.id, list(about)))
    return found


def _reps(session: Session, reps: int, limit: int, now: datetime) -> None:
    session.add_all(
        Rep(id=n, corp_id=CORP, userid=f"rep{n}", name=f"代表{n}", daily_limit=limit,
            created_at=now)
        for n in range(1, reps + 1)
    )  # fmt: skip
    session.flush()
    brands = [brand.id for brand in content.brands(session)]
    for n in range(1, reps + 1):
        if n % TOWN < 3:
            set_brands(session, n, [brands[n % BRANDS]])


def _pairs(dice: Any, reps: int, contacts: int) -> Iterator[tuple[int, int]]:
    """(rep, physician)."""
    own, last = round(contacts * OWN_SHARE), 0
    for town in range(0, reps, TOWN):
        here = range(town + 1, min(town + TOWN, reps) + 1)
        for rep in here:
            yield from ((rep, last + n) for n in range(1, own + 1))
            last += own
        shared = max(contacts - own, (contacts - own) * len(here) // 2)
        for rep in here:
            some = np.sort(dice.choice(shared, contacts - own, False)) + 1
            yield from ((rep, last + int(n)) for n in some)
        last += shared


def _people(session: Session, dice: Any, numbers: Sequence[int], tags: int, now: datetime) -> None:
    run = session.execute
    run(insert(Component), [{"id": n, "size": 1} for n in numbers])
    run(insert(Identifier), [
        {"id": n, "kind": Kind.WECOM_EXTERNAL_USERID, "namespace": CORP, "value": f"wm{n}",
         "value_hash": n.to_bytes(32), "component_id": n, "one_id": one_id(n),
         "first_seen_at": now}
        for n in numbers
    ])  # fmt: skip
    run(insert(Physician), [
        {"one_id": one_id(n), "anchor_id": n, "name": f"示例{n}", "title": "主任医师",
         "department": "心内科", "hospital": f"示例医院{n % 97}", "link_due": False,
         "created_at": now, "updated_at": now}
        for n in numbers
    ])  # fmt: skip
    run(insert(ConsentEntry), [
        {"identifier_id": n, "purpose": Purpose.CONTACT, "channel": "wecom",
         "action": Action.GRANT, "source": "added_rep", "at": now - timedelta(days=30)}
        for n in numbers
    ])  # fmt: skip
    run(insert(TagAssertion), list(_assertions(dice, numbers, tags, now)))


def _assertions(
    dice: Any, numbers: Sequence[int], tags: int, now: datetime
) -> Iterator[dict[str, Any]]:
    usual = np.cumsum(_usual(tags))
    for n in numbers:
        drawn = np.searchsorted(usual, dice.random(1 + dice.poisson(OF_PHYSICIAN - 1)))
        for tag in dict.fromkeys(drawn.tolist()):
            days = float(dice.uniform(0, 200))
            yield {
                "identifier_id": n, "tag_id": min(tag, tags - 1) + 1,
                "source": SOURCES[n % len(SOURCES)], "ref": f"bench:{n}:{tag}",
                "evidence": "企微标签", "confidence": float(dice.uniform(0.2, 1)),
                "at": now - timedelta(days=days),
            }  # fmt: skip


def _contacts(session: Session, pairs: Sequence[tuple[int, int]], now: datetime) -> None:
    session.execute(insert(RepContact), [
        {"rep_id": rep, "identifier_id": who, "state": RelationState.CONNECTED,
         "since": now - timedelta(days=30), "last_chat_at": now - timedelta(hours=rep)}
        for rep, who in pairs
    ])  # fmt: skip


def _history(
    session: Session, dice: Any, pairs: Sequence[tuple[int, int]],
    about: dict[int, list[tuple[int, int, list[int]]]], now: datetime,
) -> None:  # fmt: skip
    held = _held(session, sorted({who for _, who in pairs}))
    links, made = dict[str, dict[str, Any]](), dict[str, dict[str, Any]]()
    for rep, who in pairs:
        for number in range(int(dice.poisson(SENT))):
            some = about.get(int(dice.choice(held[who])), ())
            if not some:
                continue
            content_id, version_id, tags = some[int(dice.integers(len(some)))]
            at, key = now - timedelta(days=float(dice.uniform(*SENT_DAYS))), f"{rep}-{who}-{number}"
            links[key] = {
                "token": key, "content_version_id": version_id, "identifier_id": who,
                "rep_id": rep, "channel": "wecom", "created_at": at, "expires_at": now,
            }  # fmt: skip
            if dice.random() < SUGGESTED:
                made[key] = {
                    "plan_key": key, "rep_id": rep, "identifier_id": who, "state": State.ADOPTED,
                    "content_id": content_id, "content_version_id": version_id, "created_at": at,
                    "day": local(at).date(), "contributions": {str(tag): 0.1 for tag in tags},
                }  # fmt: skip
    session.execute(insert(TrackedLink), list(links.values()))
    session.execute(insert(Suggestion), list(made.values()))


def _held(session: Session, people: Sequence[int]) -> dict[int, list[int]]:
    """Tags by physician."""
    found: dict[int, list[int]] = {}
    asked = (
        select(TagAssertion.identifier_id, TagAssertion.tag_id)
        .where(TagAssertion.identifier_id.between(people[0], people[-1]))
        .order_by(TagAssertion.identifier_id, TagAssertion.id)
    )
    for who, tag in session.execute(asked):
        found.setdefault(who, []).append(tag)
    return found


def _usual(tags: int) -> Any:
    found = 1 / np.arange(1, tags + 1)
    return found / found.sum()
