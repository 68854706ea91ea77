"""What rules have said, event by event, is what they say of the whole: random histories."""

from __future__ import annotations

import random
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select, text
from sqlalchemy.orm import Session

from app import autotag, identity, journey, tagging
from app.autotag import Library, Switch, TestState
from app.autotag.conclude import conclude
from app.autotag.live import LIVE
from app.autotag.models import TagRule, TagRuleTest
from app.identity import Id, Identifier, Kind
from app.identity.models import Physician
from app.infra.db import Database
from app.infra.errors import Refused
from app.journey import Happened
from app.tagging.models import Source, TagAssertion
from tests.company import CORP, publish
from tests.conftest import SetClock

PEOPLE = 8
DAY = timedelta(days=1)
RULES: dict[str, dict[str, Any]] = {
    "active": {"gives": "b-active",
               "all": [{"is": "count", "act": "opened", "at_least": 2, "days": 30}]},
    "silent": {"gives": "b-silent", "all": [{"is": "silent", "act": "any", "days": 20}]},
    "asks": {"gives": "b-asks", "audience": "城市 = 云岭市",
             "all": [{"is": "count", "act": "message", "at_least": 1, "days": 40,
                      "words": ["吗"]}]},
    "reads": {"each": ["disease", "topic"], "confidence": 0.5,
              "all": [{"is": "count", "act": "read", "tagged": "*", "at_least": 2, "days": 60}]},
    "then": {"gives": "ch-wecom",
             "all": [{"is": "then", "act": "sent", "then": {"act": "message"}, "days": 5}]},
    "missed": {"gives": "ch-phone",
               "all": [{"is": "count", "act": "unopened", "at_least": 2, "days": 90}]},
}  # fmt: skip
OTHER = {"is": "count", "act": "message", "at_least": 1, "days": 10}


class World:
    """`happen` does one thing; `work` is what a worker does."""

    def __init__(self, db: Database, clock: SetClock, seed: int) -> None:
        self.db, self.clock, self.rng = db, clock, random.Random(seed)
        self.library = Library()
        with db.transaction() as session:
            tagging.seed(session, clock())
            self.versions = [
                publish(session, f"内容{n}", keys, clock() - 400 * DAY, 900).id
                for n, keys in enumerate((("af",), ("af", "safety"), ("vte",), ("safety",)))
            ]
            self.rules = {name: make(session, clock, name, said) for name, said in RULES.items()}
        for rule_id in self.rules.values():
            self.go_live(rule_id)
        self.judged: list[int] = []

    def go_live(self, rule_id: int) -> None:
        with self.db.transaction() as session:
            try_out(session, rule_id, self.clock)
            autotag.switch(session, rule_id, Switch.LIVE, by="user:1", now=self.clock())

    def happen(self) -> None:
        name = self.rng.choice(
            ["deed"] * 8 + ["join", "apart", "forget", "move", "later", "pause", "change", "work"]
        )
        getattr(self, name)()

    def deed(self) -> None:
        kind, version, detail = self.rng.choice([
            *((kind, version, None) for version in self.versions for kind in
              (Happened.CONTENT_OPENED, Happened.CONTENT_READ, Happened.CONTENT_SENT)),
            *((Happened.MESSAGE_RECEIVED, None, {"text": text}) for text in ("在吗", "谢谢")),
            (Happened.FOLLOWED, None, None), (Happened.MENU_USED, None, None),
        ])  # fmt: skip
        with self.db.transaction() as session:
            journey.note(
                session, self.someone(session).id, kind, channel="oa", ref=str(self.rng.random()),
                at=self.clock() - self.rng.choice((0, 0, 1, 8, 15, 45)) * DAY,
                content_version_id=version, detail=detail,
            )  # fmt: skip

    def join(self) -> None:
        with self.db.transaction() as session:
            ids = [self.an_id(), self.an_id()]
            if len(set(ids)) == 2:
                identity.observe(
                    session, ids, event_key=f"e{self.rng.random()}", source="test",
                    at=self.clock(), now=self.clock(), kind="api_assert", trust=90,
                )  # fmt: skip

    def apart(self) -> None:
        with self.db.transaction() as session:
            a, b = self.someone(session), self.someone(session)
            if a.id != b.id:
                judged = identity.keep_apart(
                    session, a, b, actor="user:1", reason="t", now=self.clock()
                )
                self.judged.append(judged.id)

    def forget(self) -> None:
        with self.db.transaction() as session:
            who = self.someone(session)
            if who.value and self.rng.random() < 0.3:
                identity.forget(session, who, cause="test", now=self.clock())

    def move(self) -> None:
        said = {"city": self.rng.choice(("云岭市", "海州市"))}
        with self.db.transaction() as session:
            identity.describe(
                session, self.someone(session), said, source="crm", trust=80, at=self.clock(),
                now=self.clock(),
            )  # fmt: skip

    def later(self) -> None:
        self.clock.tick(hours=self.rng.choice((2, 30, 300)))

    def pause(self) -> None:
        with self.db.transaction() as session:
            row = self.rng.choice(session.scalars(select(TagRule)).all())
            if row.retired_at:
                what = Switch.REVIVE
            elif row.paused_at:
                what = self.rng.choice((Switch.RESUME, Switch.RETIRE))
            else:
                what = self.rng.choice((Switch.PAUSE, Switch.PAUSE, Switch.RETIRE))
            autotag.switch(session, row.id, what, by="user:1", now=self.clock())
        self.clock.tick(seconds=1)

    def change(self) -> None:
        rule_id = self.rules["active"]
        said = RULES["active"] | ({"all": [OTHER]} if self.rng.random() < 0.5 else {})
        try:
            with self.db.transaction() as session:
                autotag.revise(session, rule_id, definition=said, author="u", now=self.clock())
            self.go_live(rule_id)
        except Refused:  # it is retired, or says the same
            pass
        self.clock.tick(seconds=1)

    def work(self, *, whole: bool = False) -> None:
        for _ in range(200 if whole else self.rng.randrange(4)):
            with self.db.transaction() as session:
                done = autotag.fold(session, self.library, self.clock())
                done += autotag.sweep(session, self.library, self.clock())
            if not done:
                return

    def an_id(self) -> Id:
        kind = self.rng.choice((Kind.WECOM_EXTERNAL_USERID, Kind.OPENID))
        return Id(kind, CORP, f"x{self.rng.randrange(PEOPLE)}")

    def someone(self, session: Session) -> Identifier:
        (row,) = identity.observe(
            session, [self.an_id()], event_key=f"s{self.rng.random()}", source="test",
            at=self.clock(), now=self.clock(),
        )  # fmt: skip
        return row


def make(session: Session, clock: SetClock, name: str, said: dict[str, Any]) -> int:
    return autotag.create(session, name=name, definition=said, owner="user:1", now=clock()).id


def try_out(session: Session, rule_id: int, clock: SetClock) -> None:
    asked = autotag.ask_test(session, rule_id, days=90, by="user:1", now=clock())
    asked.state = TestState.DONE
    session.flush()


def held(session: Session) -> list[tuple[str, int, str]]:
    """What holds: physician, tag, evidence; doubles would show."""
    rows = session.execute(
        select(Identifier.one_id, TagAssertion.tag_id, TagAssertion.ref)
        .join(Identifier, Identifier.id == TagAssertion.identifier_id)
        .where(TagAssertion.source == Source.RULE, TagAssertion.superseded_at.is_(None))
    )
    return sorted(tuple(row) for row in rows)  # type: ignore[arg-type]


def wanted(session: Session, clock: SetClock) -> list[tuple[str, int, str]]:
    """The same, computed anew from everything."""
    people = session.scalars(select(Physician.one_id).where(Physician.live.is_(True))).all()
    asked = dict.fromkeys(people, LIVE.of(session))
    found = conclude(session, asked, Library(), clock())
    return sorted((who, want.tag_id, want.ref) for who, of in found.items() for want in of)


@pytest.mark.parametrize("seed", [1, 2])
def test_event_by_event_is_what_the_whole_says(
    database: Database, clock: SetClock, seed: int
) -> None:
    world, most = World(database, clock, seed), 0
    for _ in range(6):
        for _ in range(14):
            world.happen()
        world.work(whole=True)
        with database.reading() as session:
            assert held(session) == wanted(session, clock)
            most = max(most, len(held(session)))
    assert most >= 3


def test_only_what_can_follow_is_looked_at(database: Database, clock: SetClock) -> None:
    world = World(database, clock, 3)
    world.work(whole=True)
    with database.reading() as session:
        rules = {one.id: one for one in LIVE.of(session)}
    touched = {
        name for name, rule_id in world.rules.items()
        if rules[rule_id].can_follow_from([Happened.MENU_USED])
    }  # fmt: skip
    assert touched == {"silent"}
    with database.reading() as session:
        assert not autotag.is_due(session)
        assert not autotag.is_sweep_due(session, clock())
        assert autotag.is_sweep_due(session, clock() + DAY)


def test_pausing_takes_away_and_resuming_gives_back(database: Database, clock: SetClock) -> None:
    world = World(database, clock, 4)
    for _ in range(60):
        world.deed()
    world.work(whole=True)
    with database.reading() as session:
        before = held(session)
    switches: list[tuple[Switch, Switch]] = [
        (Switch.PAUSE, Switch.RESUME), (Switch.RETIRE, Switch.REVIVE),
    ]  # fmt: skip
    for stop, again in switches:
        for rule_id in world.rules.values():
            clock.tick(seconds=1)
            with database.transaction() as session:
                autotag.switch(session, rule_id, stop, by="user:1", now=clock())
        with database.reading() as session:
            assert held(session) == []
        for rule_id in world.rules.values():
            with database.transaction() as session:
                autotag.switch(session, rule_id, again, by="user:1", now=clock())
        with database.reading() as session:
            assert held(session) == before != []


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_who_follows_while_a_rule_is_paused_leaves_nothing(
    database: Database, clock: SetClock
) -> None:
    world = World(database, clock, 4)
    for _ in range(60):
        world.deed()
    for _ in range(9):  # of some rules everything is said
        with database.transaction() as session:
            autotag.fold(session, world.library, clock())
    clock.tick(seconds=1)

    def pause(rule_id: int) -> None:
        with database.transaction() as session:
            autotag.switch(session, rule_id, Switch.PAUSE, by="user:1", now=clock())

    with ThreadPoolExecutor(1) as other:
        with database.transaction() as session:
            assert autotag.sweep(session, world.library, clock())
            assert held(session)
            paused = other.submit(lambda: [pause(one) for one in world.rules.values()])
            _until_waiting(database)
        paused.result()
    with database.reading() as session:
        assert held(session) == []


def _until_waiting(database: Database) -> None:
    asked = text("select 1 from pg_locks where locktype = 'advisory' and not granted")
    for _ in range(2000):
        with database.engine.connect() as connection:
            if connection.scalar(asked):
                return
    raise AssertionError("nobody waits for who follows")


def test_nothing_goes_live_untested_or_in_a_circle(database: Database, clock: SetClock) -> None:
    with database.transaction() as session:
        tagging.seed(session, clock())
        plain = make(session, clock, "a", RULES["active"])
        with pytest.raises(Refused, match="请先回测"):
            autotag.switch(session, plain, Switch.LIVE, by="user:1", now=clock())
        about = RULES["silent"] | {"audience": "标签:近期活跃"}
        circle = make(session, clock, "b", about)
        back = make(session, clock, "c", RULES["active"] | {"audience": "非 标签:久未互动"})
        for rule_id in (circle, back):
            try_out(session, rule_id, clock)
        autotag.switch(session, circle, Switch.LIVE, by="user:1", now=clock())
        with pytest.raises(Refused, match="互相触发"):
            autotag.switch(session, back, Switch.LIVE, by="user:1", now=clock())
        with pytest.raises(Refused, match="没有标签"):
            make(session, clock, "d", RULES["active"] | {"gives": "nothing"})
        with pytest.raises(Refused, match="人群条件"):
            make(session, clock, "e", RULES["active"] | {"audience": "城市"})


def test_a_test_of_the_past_is_done_by_whoever_comes(database: Database, clock: SetClock) -> None:
    world = World(database, clock, 5)
    for _ in range(80):
        world.deed()
    with database.transaction() as session:
        session.query(TagRuleTest).delete()
        row = autotag.revise(
            session, world.rules["active"], definition=RULES["active"] | {"all": [OTHER]},
            author="user:1", now=clock(),
        )  # fmt: skip
        asked = autotag.ask_test(session, row.id, days=90, by="user:1", now=clock())
        with pytest.raises(Refused, match="正在回测"):
            autotag.ask_test(session, row.id, days=90, by="user:1", now=clock())
    told: list[tuple[int, int]] = []
    stops: list[Callable[[], bool]] = [lambda: True, lambda: False]
    for stop in stops:
        done = autotag.try_next(database, clock, stop, lambda *at: told.append(at))
    assert done is not None
    assert (done.id, done.state) == (asked.id, TestState.DONE)
    assert done.result is not None
    assert done.result["looked"] >= done.result["tagged"] > 0
    assert told[-1][0] == told[-1][1] > 0
    assert autotag.try_next(database, clock) is None
    with database.reading() as session:
        (shown,) = [one for one in autotag.listing(session) if one.row.id == row.id]
        assert shown.newer
        assert shown.test is not None
        assert shown.test.id == done.id
