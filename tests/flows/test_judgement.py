"""Judgements about who is who: seen before they are made, followed by everything, undone."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import consent, delivery, identity, tagging
from app.consent import Action, Through
from app.delivery import Dispatch, Way
from app.flows.allowed.permission import verdict_for
from app.flows.identity import judgement
from app.flows.identity.judgement import Judgement
from app.identity import Id, Identifier, Kind
from app.infra.db import Database
from app.infra.errors import Refused
from tests.company import give_tag, hire, meet, publish
from tests.conftest import NOON

LATER = NOON + timedelta(hours=1)
PHONE = Id(Kind.PHONE, "", "+8619912345678")
WANG = Id(Kind.WECOM_EXTERNAL_USERID, "wwtestcorp", "wmwang")


def see(session: Session, *ids: Id, key: str) -> list[Identifier]:
    return identity.observe(session, ids, event_key=key, source="test", at=NOON, now=NOON)


def follower(session: Session, key: str, tag: str) -> Identifier:
    (row,) = see(session, Id(Kind.OPENID, "wx1", f"oA{key}"), key=f"follow:{key}")
    give_tag(session, row, tag, NOON)
    return row


def wait(session: Session, row: Identifier, rep_id: int) -> Dispatch:
    """A card about content waits to be sent."""
    number = delivery.queue(
        session, way=Way.REP_CARD, dedupe_key=f"test:{row.id}", payload={}, rep_id=rep_id,
        identifier_id=row.id, content_version_id=publish(session, "房颤", ("af",), NOON).id,
        now=NOON,
    )  # fmt: skip
    return session.get_one(Dispatch, number)


def test_a_preview_shows_what_a_merge_would_make_and_changes_nothing(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep = hire(session, "rep01", NOON)
        contact = meet(session, rep, "wang", NOON, tags=("af",))
        fan = follower(session, "wang", "hypertension")
        consent.record(
            session, fan.id, action=Action.WITHDRAW, source="keyword", channel="any", at=NOON
        )
    with database.transaction() as session:
        a, b = (session.get_one(Identifier, row.id) for row in (contact, fan))
        found = judgement.effects(session, Judgement.SAME, a, b, NOON)
        assert [len(found.before), len(found.after)] == [2, 1]
        (one,) = found.after
        assert one.name == "示例wang"
        assert one.tags == found.before[0].tags | found.before[1].tags
        assert len(one.tags) == 2
        assert one.permission[Through.REP].opted_out  # the stricter wins
        assert {face.kind for face in one.faces} == {"wecom_external_userid", "openid"}
        assert found.changes
        assert not found.splits
    with database.reading() as session:
        assert len(set(session.scalars(select(Identifier.one_id)))) == 2
        assert identity.judgements(session) == []


def refused(session: Session, dispatch: Dispatch, now: datetime = LATER) -> list[str]:
    """The codes of what forbids it."""
    verdict = verdict_for(session, dispatch, now)
    assert verdict is not None
    return [reason.code for reason in verdict.reasons]


def test_what_waits_for_somebody_who_was_two_is_not_sent(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep = hire(session, "rep01", NOON)
        contact, fan = meet(session, rep, "wang", NOON), follower(session, "wang", "af")
        made = judgement.judge(
            session, Judgement.SAME, contact, fan, actor="user:1", reason="同一人", now=NOON
        )
        dispatch = wait(session, contact, rep.id)
        assert refused(session, dispatch, NOON) == []
        session.refresh(contact)
        session.refresh(fan)
        found = judgement.effects(session, Judgement.APART, contact, fan, LATER)
        assert found.splits
        assert found.waiting == 1
        identity.retract(session, made.id, actor="user:2", now=LATER)
        session.refresh(contact)
        assert refused(session, dispatch) == ["split"]
        assert refused(session, dispatch, NOON) == []  # a clock set back
        # Whoever it is joined with then: the message was chosen for somebody else.
        other = meet(session, rep, "li", NOON)
        identity.merge(
            session, contact.one_id, other.one_id, actor="user:2", reason="同一人", now=LATER
        )
        session.refresh(contact)
        assert refused(session, dispatch) == ["split"]
        fresh = wait(session, other, rep.id)
        assert refused(session, fresh) == []  # nobody was taken from this one
        dispatch.created_at = LATER + timedelta(minutes=2)
        assert refused(session, dispatch, LATER + timedelta(minutes=2)) == []


def test_a_split_that_is_taken_back_stops_nothing(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep = hire(session, "rep01", NOON)
        contact = meet(session, rep, "wang", NOON)
        one, union = WANG, Id(Kind.UNIONID, "open", "oUwang")
        (_, other) = see(session, one, union, key="e1")
        dispatch = wait(session, contact, rep.id)
        made = judgement.judge(
            session, Judgement.APART, other, contact, actor="u", reason="误点", now=LATER
        )
        session.refresh(contact)
        assert refused(session, dispatch) == ["split"]
        identity.retract(session, made.id, actor="u", now=LATER + timedelta(minutes=1))
        session.refresh(contact)
        assert refused(session, dispatch) == []


def test_what_leaves_without_taking_anybody_along_stops_nothing(database: Database) -> None:
    """A physician who unfollows the account, or whose phone turns out to be a clinic's, is whom
    we meant."""
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep = hire(session, "rep01", NOON)
        contact = meet(session, rep, "wang", NOON)
        fan = Id(Kind.OPENID, "wx1", "oAwang")
        (_, gone) = see(session, WANG, fan, key="e1")
        (_, phone) = see(session, WANG, PHONE, key="e2")
        dispatch = wait(session, contact, rep.id)
        identity.forget(session, gone, cause="unfollowed", now=LATER)
        found = judgement.effects(session, Judgement.NOBODYS, phone, None, LATER)
        assert found.changes
        assert not found.splits
        judgement.judge(
            session, Judgement.NOBODYS, phone, None, actor="u", reason="科室电话", now=LATER
        )
        session.refresh(contact)
        assert refused(session, dispatch) == []


def test_evidence_that_splits_stops_what_waits_as_well(database: Database) -> None:
    """A phone turns out to be a clinic's: whom it joined are two again, without any person."""
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep = hire(session, "rep01", NOON)
        contact = meet(session, rep, "wang", NOON)
        see(session, WANG, PHONE, key="e1")
        see(session, Id(Kind.LICENCE_NO, "", "110440000012341"), PHONE, key="e2")
        dispatch = wait(session, contact, rep.id)
        session.refresh(contact)
        assert refused(session, dispatch) == []
        see(session, Id(Kind.LICENCE_NO, "", "110440000012358"), PHONE, key="e3")
        session.refresh(contact)
        assert refused(session, dispatch) == ["split"]


def test_two_of_one_kind_can_be_taken_apart_from_either_side(database: Database) -> None:
    with database.transaction() as session:
        contacts = [Id(Kind.WECOM_EXTERNAL_USERID, "ww", f"wm{n}") for n in range(6)]
        for number in range(0, 6, 2):  # whichever has the smaller key: it stands for the person
            phone = Id(Kind.PHONE, "", f"+861991234567{number}")
            for one in contacts[number : number + 2]:
                see(session, one, phone, key=f"e{one.value}")
            row = identity.find(session, contacts[number])
            assert row is not None
            anchor = identity.anchor(session, row.one_id)
            assert anchor.id == identity.get_physician(session, row.one_id).anchor_id
            (other,) = [
                one for one in identity.identifiers_of(session, row.one_id)
                if one.kind == row.kind and one.id != anchor.id
            ]  # fmt: skip
            judgement.judge(
                session, Judgement.APART, other, anchor, actor="u", reason="两个人", now=LATER
            )
            session.refresh(other)
            session.refresh(anchor)
            assert other.one_id != anchor.one_id


def test_joining_more_stops_nothing(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep = hire(session, "rep01", NOON)
        contact = meet(session, rep, "wang", NOON)
        dispatch = wait(session, contact, rep.id)
        identity.observe(
            session, [WANG, Id(Kind.LICENCE_NO, "", "110440000012341")], event_key="e1",
            source="crm.import", at=NOON, now=LATER,
        )  # fmt: skip
        session.refresh(contact)
        assert (
            refused(session, dispatch) == []
        )  # the ONE ID has another name now, and is the same person


def test_a_judgement_needs_a_reason_and_must_change_something(database: Database) -> None:
    with database.transaction() as session:
        one, other = see(session, PHONE, key="a") + see(
            session, Id(Kind.OPENID, "wx1", "oA1"), key="b"
        )
        with pytest.raises(Refused):
            judgement.judge(
                session, Judgement.APART, one, other, actor="u", reason="不同", now=NOON
            )
        with pytest.raises(Refused):
            judgement.judge(session, Judgement.SAME, one, other, actor="u", reason=" ", now=NOON)
        assert identity.judgements(session) == []
