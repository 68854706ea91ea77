"""Tags, groups, acquisition links and members of the corp."""

from __future__ import annotations

from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import consent, delivery, feedback, identity, journey, links, reps, tagging
from app.connectors.wecom.types import CorpTag, GroupChat
from app.consent import About
from app.content.models import Brand
from app.delivery import Dispatch, Way
from app.facts import (
    AcquisitionReported,
    ArchiveConsentGiven,
    CorpTagChanged,
    Fact,
    GroupChatChanged,
    MemberChanged,
    RepAppVisibilityChanged,
)
from app.flows import Received
from app.flows.contacts import corp_facts, renamed
from app.identity import Id, Kind
from app.infra.db import Base, Database
from app.journey import Happened
from app.reps import RelationState
from app.tagging import Source
from tests.conftest import NOON
from tests.tagging.people import person

CORP = "wwtestcorp"


def tell(session: Session, fact: Fact, prepared: Any = None, number: int = 1) -> None:
    corp_facts.apply(session, fact, prepared, Received(number, NOON), NOON)


def test_new_corp_tags_are_mapped_or_queued_before_anybody_uses_them(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        listed = [CorpTag("1", "房颤"), CorpTag("2", "重点客户"), CorpTag("3", "重点客户")]
        for number in (1, 2):
            tell(session, CorpTagChanged(at=NOON, corp_id=CORP, change="create"), listed, number)
        assert [(w.raw, w.seen) for w in tagging.unmapped(session)] == [("重点客户", 0)]
        tell(session, CorpTagChanged(at=NOON, corp_id=CORP, change="delete"), None)


def test_only_physicians_whom_we_know_join_groups(database: Database) -> None:
    members = [
        {"userid": "rep01", "type": 1},
        {"userid": "wm1", "type": 2},
        {"userid": "wm-stranger", "type": 2},
    ]
    chat = GroupChat.of({"name": "房颤病例讨论群", "member_list": members})
    with database.transaction() as session:
        who = person(session, "wm1")
        for number in (1, 2):
            fact = GroupChatChanged(at=NOON, corp_id=CORP, chat_id="wr1", change="update")
            tell(session, fact, chat, number)
        (entry,) = journey.timeline(session, who.one_id)
        assert (entry.kind, entry.detail) == (Happened.GROUP_JOINED, {"name": "房颤病例讨论群"})
        stranger = Id(Kind.WECOM_EXTERNAL_USERID, CORP, "wm-stranger")
        assert identity.find(session, stranger) is None
        gone = GroupChatChanged(at=NOON, corp_id=CORP, chat_id="wr1", change="dismiss")
        tell(session, gone, None, 3)


def test_an_acquisition_link_is_noted_even_before_the_contact_is(database: Database) -> None:
    with database.transaction() as session:
        started = AcquisitionReported(
            at=NOON, corp_id=CORP, change="customer_start_chat", link_id="l1",
            rep_userid="rep01", external_userid="wm9", state="spring",
        )  # fmt: skip
        for _ in range(2):
            tell(session, started)
        tell(session, AcquisitionReported(at=NOON, corp_id=CORP, change="balance_low"), None, 2)
        row = identity.find(session, Id(Kind.WECOM_EXTERNAL_USERID, CORP, "wm9"))
        assert row is not None
        (entry,) = journey.timeline(session, row.one_id)
        assert entry.kind is Happened.ACQUIRED


def member(change: Any = "update", minutes: int = 0, **fields: Any) -> MemberChanged:
    at = NOON + timedelta(minutes=minutes)
    return MemberChanged(at=at, corp_id=CORP, change=change, **fields)


def test_a_member_who_leaves_takes_no_more_part_until_back(database: Database) -> None:
    with database.transaction() as session:
        who, rep = person(session), reps.ensure_rep(session, CORP, "rep01", now=NOON)
        reps.connect(session, rep, who, since=NOON - timedelta(days=9), now=NOON)
        tell(session, member(userid="rep01", status=4, name="陈晓彤"))
        assert (rep.active, rep.name) == (True, "陈晓彤")
        tell(session, member("delete", userid="Rep01"))
        assert not rep.active
        assert reps.rep_for(session, who.one_id) is None
        tell(session, member("create", userid="rep01", status=1))
        assert reps.rep_for(session, who.one_id) is not None
        tell(session, member(userid="rep01", status=5))
        assert not rep.active
        tell(session, member(minutes=-1, userid="rep01", status=1))  # comes days late
        assert not rep.active
        tell(session, member("delete", userid="stranger"))
        assert reps.find_rep(session, CORP, "stranger") is None


@pytest.mark.parametrize("known_before", [False, True])
def test_late_news_that_somebody_has_left_is_over_when_they_are_back(
    database: Database, known_before: bool
) -> None:
    with database.transaction() as session:
        rep = reps.ensure_rep(session, CORP, "rep01", now=NOON)
        if known_before:
            tell(session, member("delete", userid="rep01"))
        tell(session, member("create", minutes=9, userid="rep01", status=1))
        for late in (member("delete", minutes=1, userid="rep01"),
                     member(minutes=2, userid="rep01", status=5)):  # fmt: skip
            tell(session, late)
            assert rep.active
        tell(session, member("delete", minutes=10, userid="rep01"))
        assert not rep.active


@pytest.mark.parametrize("left", [-9, 9])
def test_who_had_the_userid_before_is_somebody_else(database: Database, left: int) -> None:
    """Who left before the change is; who left after it is the rep under the new name."""
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep, other = (reps.ensure_rep(session, CORP, key, now=NOON) for key in ("old", "new"))
        who = person(session)
        reps.connect(session, other, who, since=NOON - timedelta(days=9), now=NOON)
        tell(session, member("delete", minutes=left, userid="new"))
        tell(session, member(userid="old", new_userid="new", status=1))
        assert reps.find_rep(session, CORP, "new") is rep
        assert reps.may_see(session, rep.id, who.one_id) is (left > 0)
        assert [one.id for one in reps.active_reps(session)] == ([rep.id] if left < 0 else [])


def test_news_under_the_new_name_stays_newer_than_what_comes_late(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep, _ = (reps.ensure_rep(session, CORP, key, now=NOON) for key in ("old", "new"))
        tell(session, member("create", minutes=9, userid="new", status=1))
        tell(session, member(userid="old", new_userid="new"))
        tell(session, member("delete", minutes=5, userid="new"))
        assert reps.active_reps(session) == [rep]
        tell(session, member("delete", minutes=10, userid="new"))
        assert not rep.active


def test_everything_that_names_a_rep_goes_along_to_the_new_name() -> None:
    named = {
        table.name
        for table in Base.metadata.tables.values()
        for key in table.foreign_keys
        if key.column.table.name == "rep"
    }
    moved = {model.__tablename__ for model in renamed.MOVED}
    by_themselves = {"rep_contact", "relation_claim"}
    of_one_only = {"rep_brand", "daily_plan", "decision", "moment"}  # stays as it was
    assert named == moved | by_themselves | of_one_only


@pytest.mark.parametrize("new_name_first", [False, True])
def test_a_changed_userid_is_still_the_same_rep(database: Database, new_name_first: bool) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        who, brand = person(session), Brand(key="b", name="示例品牌", therapy_area="")
        old = reps.ensure_rep(session, CORP, "old", now=NOON)
        session.add(brand)
        session.flush()
        reps.connect(session, old, who, since=NOON - timedelta(days=9), now=NOON)
        consent.choose(session, who.id, About.REP, old.id, at=NOON)  # on the own page
        feedback.claims.claim(session, old.id, who.id, 1, NOON)  # not my physician
        reps.set_brands(session, old.id, [brand.id])
        card = delivery.queue(
            session, way=Way.REP_CARD, dedupe_key="card", payload={"userid": "old"},
            rep_id=old.id, not_before=NOON + timedelta(hours=1), now=NOON,
        )  # fmt: skip
        delivery.claim(session, [card or 0], NOON + timedelta(hours=1))  # it may come back
        later = None
        if new_name_first:
            new = reps.ensure_rep(session, CORP, "new", now=NOON)
            (later,) = identity.observe(
                session, [Id(Kind.WECOM_EXTERNAL_USERID, CORP, "wm2")], event_key="2",
                source="test", at=NOON, now=NOON,
            )  # fmt: skip
            for contact in (who, later):
                reps.connect(session, new, contact, since=NOON, now=NOON)
                tagging.take_names(
                    session, contact.id, source=Source.WECOM_TAG, scope=f"rep:{new.id}",
                    names={"房颤": "企微标签"}, at=NOON, now=NOON,
                )  # fmt: skip
            reps.disconnect(
                session, new, who, RelationState.REMOVED_BY_PHYSICIAN, NOON + timedelta(hours=1)
            )
        for _ in range(2):
            tell(session, member(userid="old", new_userid="new", status=1))
        if later is not None:
            assert reps.rep_for(session, who.one_id) is None, "the newest news counts"
            who_else = reps.rep_for(session, later.one_id)
            assert who_else is not None
            assert who_else.rep_id == old.id
            tagged = tagging.weights(session, [who.one_id, later.one_id], NOON)
            assert not any(tagged.values()), "read again in this rep's name"
            reps.connect(session, old, who, since=NOON + timedelta(hours=2), now=NOON)
        known = reps.rep_for(session, who.one_id)
        assert known is not None
        assert (known.userid, known.rep_id) == ("new", old.id)
        assert reps.brands_of(session, old.id) == {brand.id}, "without any it would be all"
        assert delivery.get(session, card or 0).payload["userid"] == "new"
        assert known.rep_id in consent.own(session, [who.one_id])[who.one_id].reps
        assert feedback.claims.held(session, [who.one_id], known.rep_id) == {who.one_id: True}
        assert len(reps.active_reps(session)) == 1


def test_who_gets_our_app_is_a_rep(database: Database) -> None:
    with database.transaction() as session:
        for userid, visible in (("rep01", True), ("rep02", False)):
            fact = RepAppVisibilityChanged(
                at=NOON, corp_id=CORP, agent_id="1", rep_userid=userid, visible=visible
            )
            tell(session, fact)
        assert [rep.userid for rep in reps.active_reps(session)] == ["rep01"]


def test_with_archiving_the_welcome_goes_out_once_it_is_agreed_to(database: Database) -> None:
    with database.transaction() as session:
        links.create_code(
            session,
            kind="wecom",
            scene="spring",
            name="春季会",
            welcome_text="会上见过。",
            now=NOON,
        )
        who, rep = person(session), reps.ensure_rep(session, CORP, "rep01", now=NOON)
        reps.connect(session, rep, who, since=NOON, now=NOON, channel_state="spring")
        agreed = ArchiveConsentGiven(
            at=NOON, corp_id=CORP, rep_userid="rep01", external_userid="wm1", welcome_code="W1"
        )
        tell(session, agreed)
        (sent,) = session.scalars(select(Dispatch))
        assert (sent.way, sent.payload["text"]) == (Way.WELCOME, "会上见过。")
        assert sent.payload["code"] == "W1"
        assert sent.not_after == NOON + timedelta(seconds=20)


def test_who_deletes_a_rep_has_not_chatted_with_the_rep(database: Database) -> None:
    with database.transaction() as session:
        who, rep = person(session), reps.ensure_rep(session, CORP, "rep01", now=NOON)
        relation = reps.connect(session, rep, who, since=NOON - timedelta(days=9), now=NOON)
        fields: dict[str, Any] = {
            "at": NOON,
            "corp_id": CORP,
            "rep_userid": "rep01",
            "external_userid": "wm1",
        }
        tell(session, AcquisitionReported(change="del_follow_user", **fields), None, 1)
        assert relation.last_chat_at is None
        tell(session, AcquisitionReported(change="message_from_customer", **fields), None, 2)
        assert relation.last_chat_at == NOON
