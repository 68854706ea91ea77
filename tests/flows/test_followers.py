"""Followers of the Official Account."""

from __future__ import annotations

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app import consent, delivery, identity, journey, links, reps, tagging
from app.connectors.errors import RateLimited
from app.connectors.official_account.client import FollowerInfo
from app.consent import ConsentEntry
from app.delivery import Dispatch, State, Way
from app.facts import (
    AuthorisationRevoked,
    Followed,
    FollowerMessaged,
    SubscribeAnswered,
    TemplateDelivered,
    Unfollowed,
)
from app.flows import Received
from app.flows.followers import followed, follower_messaged, oa_results, unfollowed
from app.flows.followers.follower import Seen
from app.identity import Id, Identifier, Kind
from app.infra.db import Database
from app.infra.errors import Transient
from app.journey import Happened, Touchpoint
from tests.conftest import NOON
from tests.flows.seen import (
    ACCOUNT,
    all_done,
    contact,
    count,
    follower,
    said_by_account,
    tag_keys,
)
from tests.scenarios.conftest import Line, publish


def notices(line: Line, userid: str = "rep01") -> list[str]:
    return [m["text"] for m in line.inbox(userid) if m["kind"] == "text"]


def test_a_scene_brings_tags_and_its_own_welcome(line: Line) -> None:
    with line.parts.db.transaction() as session:
        links.create_code(
            session, kind="oa", scene="poster-bp", name="高血压海报", tag_keys=["hypertension"],
            welcome_text="扫码成功。", now=line.clock(),
        )  # fmt: skip
    line.do("follow", person="wang", scene="poster-bp")
    assert said_by_account(line) == "扫码成功。"
    line.clock.tick(seconds=5)
    line.do("follow", person="wang", scene="poster-bp")  # scanned again
    with line.parts.db.reading() as session:
        row = follower(line, session)
        assert row is not None
        assert tag_keys(line, session, row.one_id) == {"hypertension"}
        kinds = [entry.kind for entry in journey.timeline(session, row.one_id)]
        assert kinds.count(Happened.FOLLOWED) == kinds.count(Happened.CODE_SCANNED) == 1
        assert consent.standing(session, [row.one_id], "oa")[row.one_id] == (True, False)
        assert consent.standing(session, [row.one_id], "wecom")[row.one_id] == (None, False)


def test_a_late_welcome_is_not_sent(line: Line) -> None:
    line.world.trouble = {"errcodes": {"user/info": {"errcode": -1, "times": 99}}}
    line.do("follow", person="wang")
    line.world.trouble = {}
    line.clock.tick(minutes=10)
    line.work()
    assert line.person("wang").oa_chat == []
    with line.parts.db.reading() as session:
        assert follower(line, session) is not None


def test_words_become_tags_and_find_contents(line: Line) -> None:
    publish(line, "肺腺癌患者的检测路径", ["nsclc"])
    line.do("follow", person="wang")
    line.do("oa_says", person="wang", text="NSCLC 有没有新资料？")
    assert "《肺腺癌患者的检测路径》" in said_by_account(line)
    with line.parts.db.reading() as session:
        row = follower(line, session)
        assert row is not None
        assert tag_keys(line, session, row.one_id) == {"nsclc"}
        link = session.scalars(select(links.TrackedLink)).one()
        assert (link.identifier_id, link.channel) == (row.id, "oa")
    line.do("oa_says", person="wang", text="谢谢")
    assert "不客气" in said_by_account(line)


def test_a_message_goes_to_the_own_rep_and_to_nobody_else(line: Line) -> None:
    line.do("add_contact", userid="rep01", person="wang")
    line.do("add_contact", userid="rep02", person="li")
    line.do("follow", person="wang")
    line.do("oa_says", person="wang", text="库房的冷链温度记录")
    assert said_by_account(line) == "已转告您的医药代表，会尽快与您联系。"
    (notice,) = notices(line)
    assert "库房的冷链温度记录" in notice
    assert line.person("wang").name in notice
    assert notices(line, "rep02") == []


def test_without_a_rep_nobody_promises_a_call(line: Line) -> None:
    line.do("follow", person="wang")
    line.do("oa_says", person="wang", text="请代表联系我")
    assert "没有找到相关内容" in said_by_account(line)


def test_the_menu_helps(line: Line) -> None:
    line.do("follow", person="wang")
    line.do("menu", person="wang", key="help")
    assert "退订" in said_by_account(line)
    line.do("menu", person="wang", key="something-else")
    assert len(line.person("wang").oa_chat) == 2  # welcome and help


def test_stop_holds_for_every_door_and_resume_lifts_it(line: Line) -> None:
    line.do("add_contact", userid="rep01", person="wang")
    line.do("follow", person="wang")

    def standing() -> list[tuple[bool | None, bool]]:
        with line.parts.db.reading() as session:
            one_id = contact(line, session).one_id
            return [
                consent.standing(session, [one_id], channel)[one_id] for channel in ("wecom", "oa")
            ]

    line.do("oa_says", person="wang", text="TD")
    assert standing() == [(False, True)] * 2
    line.clock.tick(seconds=5)
    line.do("oa_says", person="wang", text="重新订阅")
    assert "已恢复" in said_by_account(line)
    assert standing() == [(True, False)] * 2


def test_what_was_written_is_stored_encrypted_and_read_by_nobody_in_passing(
    line: Line, caplog: pytest.LogCaptureFixture, capsys: pytest.CaptureFixture[str]
) -> None:
    line.do("follow", person="wang")
    line.do("oa_says", person="wang", text="我院张主任的病例")
    with line.parts.db.engine.connect() as raw:
        for table, column in (("touchpoint", "detail"), ("dispatch", "payload")):
            for stored in raw.exec_driver_sql(f"SELECT {column} FROM {table}").scalars():
                assert stored is None or "张主任".encode() not in bytes(stored)
    assert "张主任" not in caplog.text + "".join(capsys.readouterr())


# --- leaving -----------------------------------------------------------------------------------


def test_leaving_erases_this_account_and_keeps_the_physician(line: Line) -> None:
    line.do("add_contact", userid="rep01", person="wang")
    line.do("follow", person="wang")
    line.do("oa_says", person="wang", text="请联系我，房颤")
    line.clock.tick(seconds=5)
    line.do("unfollow", person="wang")
    with line.parts.db.reading() as session:
        one_id = contact(line, session).one_id
        kinds = {i.kind for i in identity.identifiers_of(session, one_id) if i.value}
        assert kinds == {Kind.WECOM_EXTERNAL_USERID, Kind.UNIONID}, "the contact brought it too"
        assert {e.channel for e in journey.timeline(session, one_id)} == {"wecom"}
        row = follower(line, session)
        assert row is not None
        assert row.value == ""
        sent = session.scalars(select(Dispatch).where(Dispatch.identifier_id == row.id)).all()
        assert sent
        assert all(dispatch.payload == {} for dispatch in sent)
    assert all_done(line)


def test_a_unionid_that_only_the_account_knew_goes_with_it(line: Line) -> None:
    line.do("follow", person="wang")
    line.clock.tick(seconds=5)
    line.do("unfollow", person="wang")
    with line.parts.db.reading() as session:
        assert [i.value for i in session.scalars(select(Identifier))] == ["", ""]


def test_who_comes_back_starts_afresh_but_a_refusal_is_remembered(line: Line) -> None:
    line.do("follow", person="wang")
    line.do("oa_says", person="wang", text="退订")
    line.clock.tick(seconds=5)
    line.do("unfollow", person="wang")
    line.clock.tick(days=3)
    line.do("follow", person="wang")
    with line.parts.db.reading() as session:
        row = follower(line, session)
        assert row is not None
        assert row.value == line.person("wang").openid
        assert consent.standing(session, [row.one_id], "oa")[row.one_id] == (False, True)
        happened = [e.kind for e in journey.timeline(session, row.one_id)]
        assert set(happened) == {Happened.FOLLOWED, Happened.MESSAGE_SENT}


def test_a_withdrawn_authorisation_erases_a_follower_who_stays(line: Line) -> None:
    line.do("follow", person="wang")
    line.clock.tick(seconds=5)
    line.do("revoke", person="wang")
    with line.parts.db.reading() as session:
        assert count(session, Touchpoint) == count(session, ConsentEntry) == 0
        assert [i.value for i in session.scalars(select(Identifier))] == ["", ""]


WHO: dict[str, Any] = {"app_id": ACCOUNT, "openid": "oAlate"}
HERE = Seen(FollowerInfo("oAlate", True, "oUlate", ""), "http://yishu.test")
GONE = Seen(FollowerInfo("oAlate", False, "oUlate", ""), "http://yishu.test")


def test_late_news_of_a_follow_brings_nobody_back(database: Database) -> None:
    with database.transaction() as session:
        unfollowed.apply(session, Unfollowed(at=NOON, **WHO), GONE, Received(1, NOON), NOON)
        late = Followed(at=NOON - timedelta(minutes=1), **WHO)
        followed.apply(session, late, GONE, Received(2, NOON), NOON)
        assert count(session, Identifier) == count(session, Touchpoint) == 0


def test_late_news_of_leaving_erases_only_what_came_before(database: Database) -> None:
    before, left, back = (NOON - timedelta(minutes=n) for n in (9, 6, 3))
    with database.transaction() as session:
        tagging.seed(session, NOON)
        followed.apply(session, Followed(at=before, **WHO), HERE, Received(1, before), before)
        followed.apply(session, Followed(at=back, **WHO), HERE, Received(3, back), back)
        unfollowed.apply(session, Unfollowed(at=left, **WHO), HERE, Received(2, NOON), NOON)
        assert [t.at for t in session.scalars(select(Touchpoint))] == [back]
        assert [e.at for e in session.scalars(select(ConsentEntry))] == [back]
        row = identity.find(session, Id(Kind.OPENID, ACCOUNT, "oAlate"))
        assert row is not None
        assert row.value == "oAlate"


def test_a_changed_authorisation_erases_nothing(database: Database) -> None:
    with database.transaction() as session:
        followed.apply(session, Followed(at=NOON, **WHO), HERE, Received(1, NOON), NOON)
        changed = AuthorisationRevoked(at=NOON, **WHO, kind="modified")
        unfollowed.apply(session, changed, HERE, Received(2, NOON), NOON)
        assert count(session, Touchpoint) == 1


@pytest.mark.parametrize(("status", "allowed"), [("reject", False), ("accept", True)])
def test_an_answer_about_subscribe_messages_is_about_them_only(
    database: Database, status: str, allowed: bool
) -> None:
    with database.transaction() as session:
        followed.apply(session, Followed(at=NOON, **WHO), HERE, Received(1, NOON), NOON)
        answer = SubscribeAnswered(at=NOON, **WHO, stage="popup", results=(("tpl", status),))
        oa_results.apply(session, answer, None, Received(2, NOON), NOON)
        row = identity.find(session, Id(Kind.OPENID, ACCOUNT, "oAlate"))
        assert row is not None
        said = consent.standing(session, [row.one_id], "oa_subscribe")[row.one_id]
        assert said[0] is allowed
        assert consent.standing(session, [row.one_id], "oa")[row.one_id] == (True, False)


def test_answers_wait_in_the_outbox_no_longer_than_the_platform_allows(database: Database) -> None:
    with database.transaction() as session:
        followed.apply(session, Followed(at=NOON, **WHO), HERE, Received(1, NOON), NOON)
        (welcome,) = session.scalars(select(Dispatch).where(Dispatch.way == Way.OA_TEXT))
        assert welcome.not_after == NOON + timedelta(seconds=60)


def said(text: str, **more: Any) -> FollowerMessaged:
    return FollowerMessaged(at=NOON, **WHO, kind="text", message_id="1", text=text, **more)


def test_who_stops_us_and_leaves_at_once_has_stopped_the_rep_too(database: Database) -> None:
    contact_id = Id(Kind.WECOM_EXTERNAL_USERID, "wwtestcorp", "wmlate")
    unionid = Id(Kind.UNIONID, "open", "oUlate")
    with database.transaction() as session:
        tagging.seed(session, NOON)
        followed.apply(session, Followed(at=NOON, **WHO), HERE, Received(1, NOON), NOON)
        (row, _) = identity.observe(
            session, [contact_id, unionid], event_key="test", source="test", at=NOON, now=NOON
        )
        follower_messaged.apply(session, said("你好"), GONE, Received(2, NOON), NOON)
        assert consent.standing(session, [row.one_id], "wecom")[row.one_id][1] is False
        follower_messaged.apply(session, said("退订"), GONE, Received(3, NOON), NOON)
        unfollowed.apply(session, Unfollowed(at=NOON, **WHO), GONE, Received(4, NOON), NOON)
        session.refresh(row)
        assert consent.standing(session, [row.one_id], "wecom")[row.one_id][1] is True


class UsedUp:
    """An Official Account whose quota for reading followers is used up."""

    def user_info(self, openid: str) -> FollowerInfo:
        raise RateLimited("user/info: errcode 45009")


@pytest.mark.parametrize(("text", "waits"), [("退订", False), ("服药后皮疹，是不良反应吗", False),
                                             ("有没有房颤的资料", True), ("", True)])  # fmt: skip
def test_no_used_up_quota_holds_back_a_refusal_or_a_report_of_harm(
    line: Line, text: str, waits: bool
) -> None:
    outside = replace(line.parts.outside, official_accounts={ACCOUNT: UsedUp()})  # type: ignore[dict-item]
    if waits:
        with pytest.raises(RateLimited):
            follower_messaged.prepare(said(text), outside)
        return
    seen = follower_messaged.prepare(said(text), outside)
    contact_id = Id(Kind.OPENID, ACCOUNT, "oAlate")
    unionid = Id(Kind.UNIONID, "open", "oUlate")
    with line.parts.db.transaction() as session:
        identity.observe(
            session, [contact_id, unionid], event_key="test", source="test", at=NOON, now=NOON
        )
        follower_messaged.apply(session, said(text), seen, Received(2, NOON), NOON)
        (row, other) = (identity.find(session, one) for one in (contact_id, unionid))
        assert row is not None
        assert other is not None
        assert row.one_id == other.one_id
        stopped = consent.standing(session, [row.one_id], "oa")[row.one_id][1]
        assert stopped is (text == "退订")


def test_leaving_erases_what_was_written_from_the_notices_to_the_rep(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        followed.apply(session, Followed(at=NOON, **WHO), HERE, Received(1, NOON), NOON)
        (row, _) = identity.observe(
            session,
            [Id(Kind.WECOM_EXTERNAL_USERID, "wwtestcorp", "wmlate"), Id(Kind.UNIONID, "open", "oUlate")],
            event_key="test", source="test", at=NOON, now=NOON,
        )  # fmt: skip
        rep = reps.ensure_rep(session, "wwtestcorp", "rep01", now=NOON)
        reps.connect(session, rep, row, since=NOON, now=NOON)
        follower_messaged.apply(session, said("请代表联系我"), HERE, Received(2, NOON), NOON)
        (notice,) = session.scalars(select(Dispatch).where(Dispatch.way == Way.REP_TEXT))
        assert "请代表联系我" in notice.payload["text"]
        notice.state = State.SENT
        session.flush()
        unfollowed.apply(session, Unfollowed(at=NOON, **WHO), GONE, Received(3, NOON), NOON)
        session.refresh(notice)
        assert notice.payload == {}


def test_a_result_that_overtakes_the_answer_to_its_send_waits(database: Database) -> None:
    failed = TemplateDelivered(
        at=NOON, **WHO, message_id="77", ok=False, status="failed:user block"
    )
    with database.transaction() as session:
        oa_results.apply(session, failed, None, Received(1, NOON), NOON)  # somebody else's
        followed.apply(session, Followed(at=NOON, **WHO), HERE, Received(2, NOON), NOON)
        row = identity.find(session, Id(Kind.OPENID, ACCOUNT, "oAlate"))
        assert row is not None
        made = delivery.queue(
            session, way=Way.OA_TEMPLATE, dedupe_key="t", payload={}, identifier_id=row.id, now=NOON
        )
        assert made is not None
        sending = delivery.get(session, made)
        sending.state = State.SENDING
        session.flush()
        with pytest.raises(Transient):
            oa_results.apply(session, failed, None, Received(3, NOON), NOON)
        sending.state, sending.provider_id = State.SENT, "77"
        session.flush()
        oa_results.apply(session, failed, None, Received(3, NOON), NOON)
        assert sending.state == State.FAILED
