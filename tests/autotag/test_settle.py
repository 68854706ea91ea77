"""What rules give meets verdicts, merges and tags that rules may not assert."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import autotag, court, journey, tagging
from app.autotag.conclude import conclude
from app.autotag.live import LIVE
from app.autotag.models import TagRule
from app.autotag.settle import Wanted, settle
from app.court import Verdict
from app.flows.tagging import vocabulary
from app.flows.tagging.tag_uses import uses
from app.identity import Identifier
from app.infra.db import Database
from app.journey import Happened
from app.tagging import Source
from app.tagging.editing import revised
from app.tagging.models import TagAssertion
from tests.company import publish
from tests.conftest import NOON, SetClock
from tests.court.world import by_hand, look
from tests.tagging.people import person, say, tag

DAY = timedelta(days=1)


def give(session: Session, who: Identifier, *days: int, key: str = "af") -> None:
    """The rule says it now because of deeds of these days before today."""
    wanted = [
        Wanted(7, 1, tag(session, key).id, (NOON - day * DAY).toordinal(), "规则", 1.0)
        for day in days
    ]
    settle(session, {who.one_id: wanted}, [7], NOON)


def given(session: Session) -> list[tuple[str, str]]:
    chosen = (
        select(tagging.Tag.key, TagAssertion.ref)
        .join(TagAssertion, TagAssertion.tag_id == tagging.Tag.id)
        .where(TagAssertion.source == Source.RULE, TagAssertion.superseded_at.is_(None))
    )
    return [(key, ref) for key, ref in session.execute(chosen)]


def deny(session: Session, who: Identifier) -> int:
    say(session, who, "af", Source.PERSON, confidence=-1.0)
    case = next(one for one in look(session, who) if one.kind == "denied")
    court.decide(session, case.id, Verdict.SECOND, actor="user:1", reason="", now=NOON)
    return case.id


def test_a_verdict_stands_while_the_rule_repeats_itself(database: Database) -> None:
    by_hand(database)
    with database.transaction() as session:
        who = person(session)
        give(session, who, 3)
        case = deny(session, who)
        for day in (3, 2):  # also for a newer deed
            give(session, who, day)
            assert given(session) == []
        court.undo(session, case, actor="user:1", now=NOON)
        assert given(session) == [("af", "rule:7.1:2026-11-21")]


def test_what_the_rule_says_no_more_comes_back_with_no_verdict(database: Database) -> None:
    by_hand(database)
    with database.transaction() as session:
        who = person(session)
        give(session, who, 3)
        case = deny(session, who)
        give(session, who)
        court.undo(session, case, actor="user:1", now=NOON)
        assert given(session) == []


def test_a_rule_gives_what_its_tag_stands_for_and_nothing_it_may_not(database: Database) -> None:
    by_hand(database)
    with database.transaction() as session:
        who = person(session)
        give(session, who, 3)
        vocabulary.merge(session, "af", "heart-failure", actor="user:1", now=NOON)
        give(session, who, 3)
        assert given(session) == [("heart-failure", "rule:7.1:2026-11-21")]
        closed = {"may_assert": ("crm",)}
        vocabulary.edit(
            session, lambda known: revised(known, "heart-failure", closed), actor="user:1", now=NOON
        )
        give(session, who, 2)
        assert given(session) == []


def test_rules_go_on_with_the_tag_that_theirs_was_merged_into(
    database: Database, clock: SetClock
) -> None:
    """What gives the old tag and what asks for content about it."""
    by_hand(database)
    with database.transaction() as session:
        who = person(session)
        version = publish(session, "内容", ("af",), clock() - 30 * DAY).id
        asks = {"gives": "b-active", "all": [
            {"is": "count", "act": "opened", "tagged": "af", "at_least": 1, "days": 90},
        ]}  # fmt: skip
        gives = {"gives": "af", "all": [
            {"is": "count", "act": "opened", "at_least": 1, "days": 90},
        ]}  # fmt: skip
        who_asks = asks | {"audience": "标签:房颤"}
        for name, said in (("问", asks), ("给", gives), ("人群", who_asks)):
            autotag.create(session, name=name, definition=said, owner="user:1", now=clock())
        live = update(TagRule).where(TagRule.name != "人群").values(live_version=1)
        session.execute(live)
        LIVE.changed(session)
        journey.note(
            session, who.id, Happened.CONTENT_OPENED, channel="wecom", at=clock() - DAY, ref="1",
            content_version_id=version,
        )  # fmt: skip
        vocabulary.merge(session, "af", "heart-failure", actor="user:1", now=clock())
        library, rules = autotag.Library(), LIVE.of(session)
        wanted = conclude(session, {who.one_id: rules}, library, clock())[who.one_id]
        expected = {tag(session, "b-active").id, tag(session, "heart-failure").id}
        assert {one.tag_id for one in wanted} == expected
        used = uses(session, tag(session, "heart-failure").id, "heart-failure")
        assert [name for _, name in used.rules] == ["问", "给", "人群"]
