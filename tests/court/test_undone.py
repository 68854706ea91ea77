"""Whatever was decided in between, undone it is as if nobody had: random histories."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import court, tagging
from app.autotag.settle import Wanted, settle
from app.court import TagCase, Verdict
from app.flows.tagging import vocabulary
from app.identity import Identifier
from app.infra.db import Database
from app.infra.errors import NotFound, Refused
from app.tagging import Source
from app.tagging.models import TagAssertion, TagSighting, UnmappedName
from tests.conftest import NOON
from tests.court.world import by_hand, look
from tests.tagging.people import fold_name, person, say, tag, unfold
from tests.tagging.test_unfolding import take

NAMES = ("老朋友", "房颤大户", "房颤", "心衰")
TAGS = ("af", "heart-failure")
BY: dict[str, Any] = {"actor": "user:1", "now": NOON}
Undo = Callable[[Session], object]


class History:
    """Everything happens to `one`; `other` is told of the end only."""

    def __init__(self, db: Database, seed: int) -> None:
        self.db, self.rng = db, random.Random(seed)
        self.done: list[tuple[str, Undo]] = []
        self.names: dict[int, set[str]] = {1: set(), 2: set()}
        self.given: list[str] = []
        by_hand(db)
        with db.transaction() as session:
            self.people = [person(session), person(session, "wm2")]
            for who in self.people:
                say(session, who, "af", Source.CRM)
                say(session, who, "af", Source.PERSON, confidence=-1.0)

    def step(self) -> None:
        what = self.rng.choice(["fold", "merge", "verdict", "undo", "sync", "sync", "rule", "keep"])
        try:
            with self.db.transaction() as session:
                getattr(self, what)(session)
        except (Refused, NotFound):
            pass

    def fold(self, session: Session) -> None:
        name = self.rng.choice(tagging.unmapped(session) or [None])
        if name is not None:
            row = fold_name(session, name.id, self.rng.choice(TAGS), batch="b", **BY)
            number = row.id
            self.done.append(("fold", lambda later: unfold(later, number, **BY)))

    def merge(self, session: Session) -> None:
        old, new = self.rng.sample(TAGS, 2)
        number = vocabulary.merge(session, old, new, **BY).number
        self.done.append(("merge", lambda later: vocabulary.undo(later, number, **BY)))

    def verdict(self, session: Session) -> None:
        if session.scalars(select(TagCase.id).where(TagCase.verdict.is_not(None))).first():
            return
        cases = [c.id for c in look(session, self.people[0]) if c.state == "open"]
        if cases:
            case = self.rng.choice(cases)
            says = self.rng.choice([Verdict.FIRST, Verdict.SECOND])
            court.decide(session, case, says, reason="", **BY)
            self.done.append(("verdict", lambda later: court.undo(later, case, **BY)))

    def undo(self, session: Session) -> None:
        """Any of them, out of turn."""
        if self.done:
            chosen = self.rng.choice(self.done)
            chosen[1](session)
            self.done.remove(chosen)

    def sync(self, session: Session) -> None:
        rep = self.rng.choice((1, 2))
        self.names[rep] = set(self.rng.sample(NAMES, self.rng.randrange(len(NAMES))))
        take(session, self.people[0], rep, self.names[rep], NOON)

    def rule(self, session: Session) -> None:
        self.given = self.rng.sample(TAGS, self.rng.randrange(3))
        self._rule(session, self.people[0])

    def keep(self, session: Session) -> None:
        while tagging.settle(session, NOON):
            pass

    def finish(self) -> None:
        """Everything is undone, the newest first; then both are told of the end."""
        for _, back in reversed(self.done):
            with self.db.transaction() as session:
                back(session)
        with self.db.transaction() as session:
            self.keep(session)
            for who in self.people:
                for rep, names in self.names.items():
                    take(session, who, rep, names, NOON)
                self._rule(session, who)

    def _rule(self, session: Session, who: Identifier) -> None:
        wanted = [
            Wanted(7, 1, tag(session, key).id, NOON.toordinal(), "规则", 1.0) for key in self.given
        ]
        settle(session, {who.one_id: wanted}, [7], NOON)


def check(session: Session) -> None:
    """What holds at any moment, whatever has been decided and undone so far."""
    merged = tagging.LEXICON.of(session).merged
    said = session.scalars(select(TagAssertion).where(tagging.STANDS)).all()
    assert not [row for row in said if row.tag_id in merged], "left on a tag that was merged"
    waits = select(UnmappedName.raw).where(UnmappedName.state == "waiting")
    waiting = set(session.scalars(waits))
    assert not [row for row in said if row.raw in waiting], "given by a name that means nothing"
    rules = [row for row in said if row.source == Source.RULE and "~" not in row.ref]  # not moved
    denied = {row.tag_id for row in rules if row.overruled_by is not None}
    assert not [row for row in rules if row.tag_id in denied and row.superseded_at is None]
    decided = set(session.scalars(select(TagCase.id).where(TagCase.verdict.is_not(None))))
    assert {row.overruled_by for row in said} - {None} <= decided


def known(session: Session, who: Identifier) -> dict[str, Any]:
    said = select(
        TagAssertion.tag_id, TagAssertion.source, TagAssertion.ref, TagAssertion.raw,
        TagAssertion.confidence,
    ).where(TagAssertion.identifier_id == who.id, TagAssertion.superseded_at.is_(None))  # fmt: skip
    seen = select(TagSighting.scope, TagSighting.raw).where(TagSighting.identifier_id == who.id)
    held = tagging.weights(session, [who.one_id], NOON)[who.one_id]
    return {
        "said": sorted(map(tuple, session.execute(said))),
        "seen": sorted(map(tuple, session.execute(seen))),
        "held": {tag_id: (one.value, one.evidence) for tag_id, one in held.items()},
    }


@pytest.mark.parametrize("seed", range(4))
def test_undone_it_is_as_if_nobody_had_decided(database: Database, seed: int) -> None:
    history = History(database, seed)
    for _ in range(25):
        history.step()
        with database.reading() as session:
            check(session)
    history.finish()
    with database.transaction() as session:
        one, other = (known(session, who) for who in history.people)
        assert one == other
        waits = select(UnmappedName.raw).where(UnmappedName.state == "waiting")
        assert {raw for _, raw in one["seen"]} <= set(session.scalars(waits))
        left = select(TagAssertion.id).where(TagAssertion.overruled_by.is_not(None))
        assert session.scalars(left).all() == []
