"""From a callback to a suggestion in the rep's hand, and back."""

from __future__ import annotations

from sqlalchemy import select

from app import campaigns, consent, identity, inbox, journey, recommend, reps, tagging
from app.delivery import Dispatch
from app.delivery import State as Sending
from app.flows.campaigns.carry_out import carry_out
from app.flows.planning.plan_day import plan_day
from app.identity import Id, Kind, Physician
from app.infra.clock import local
from app.links import TrackedLink
from app.recommend import State, Suggestion
from tests.scenarios.conftest import Line, publish


def physician_of(line: Line, kind: Kind, value: str, namespace: str) -> Physician:
    with line.parts.db.reading() as session:
        row = identity.find(session, Id(kind, namespace, value))
        assert row is not None
        return identity.get_physician(session, row.one_id)


def tag_names(line: Line, one_id: str) -> set[str]:
    with line.parts.db.reading() as session:
        names = {tag.id: tag.name for tag in tagging.tags(session)}
        return {names[t] for t in tagging.weights(session, [one_id], line.clock())[one_id]}


def suggest(line: Line, userid: str = "rep01") -> list[Suggestion]:
    with line.parts.db.transaction() as session:
        rep = reps.find_rep(session, "wwtestcorp", userid)
        assert rep is not None
        plan_day(
            session, rep, local(line.clock()).date(), base_url="http://yishu.test", now=line.clock()
        )
    line.clock.tick(minutes=5)
    line.work()
    with line.parts.db.reading() as session:
        return recommend.of_rep(session, rep.id)


def test_both_doors_lead_to_one_physician_whatever_the_order(line: Line) -> None:
    line.do("add_contact", userid="rep01", person="wang")
    line.do("follow", person="wang")
    line.do("follow", person="li")
    line.do("add_contact", userid="rep02", person="li")
    for key in ("wang", "li"):
        who = line.person(key)
        one = physician_of(line, Kind.WECOM_EXTERNAL_USERID, who.external_userid, "wwtestcorp")
        other = physician_of(line, Kind.OPENID, who.openid, "wxtestaccount")
        assert one.one_id == other.one_id
        assert one.name == who.name
        with line.parts.db.reading() as session:
            told = {entry.kind for entry in journey.timeline(session, one.one_id)}
        assert {journey.Happened.CONTACT_ADDED, journey.Happened.FOLLOWED} <= told


def test_the_welcome_arrives_within_its_twenty_seconds(line: Line) -> None:
    line.do("add_contact", userid="rep01", person="wang")
    side = line.world.relation("rep01", line.person("wang").external_userid)
    assert side is not None
    assert ["您好" in message["text"] for message in side.chat] == [True]
    line.do("follow", person="wang")
    assert "欢迎关注" in line.person("wang").oa_chat[-1]["text"]


def test_corp_tags_become_ours_and_unknown_names_wait(line: Line) -> None:
    line.do("add_contact", userid="rep01", person="wang")
    line.do(
        "edit_contact",
        userid="rep01",
        person="wang",
        tag_ids=["et1", "et2"],
        phones=["19912345678"],
    )
    external = line.person("wang").external_userid
    who = physician_of(line, Kind.WECOM_EXTERNAL_USERID, external, "wwtestcorp")
    assert tag_names(line, who.one_id) == {"房颤"}
    with line.parts.db.reading() as session:
        assert [row.raw for row in tagging.unmapped(session)] == ["没见过的标签"]
        assert identity.find(session, Id(Kind.PHONE, "", "+8619912345678")) is not None
    line.clock.tick(seconds=5)
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=[])
    assert tag_names(line, who.one_id) == set()


def test_a_suggestion_is_delivered_adopted_opened_and_counted(line: Line) -> None:
    publish(line, "房颤抗凝新进展", ["af", "anticoagulation"])
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    (suggestion,) = suggest(line)
    assert suggestion.state == State.DELIVERED
    assert any("房颤" in reason for reason in suggestion.reasons)
    card = next(m for m in line.inbox("rep01") if m["kind"] == "card")
    line.do("tap_card", task_id=card["task_id"], key="adopt")
    text = line.inbox("rep01")[-1]["text"]
    assert "《房颤抗凝新进展》" in text
    assert "/t/" in text
    assert line.world.cards[card["task_id"]]["replaced"].startswith("已采用")
    with line.parts.db.reading() as session:
        assert session.get_one(Suggestion, suggestion.id).state == State.ADOPTED
        link = session.scalars(select(TrackedLink)).one()
        assert link.suggestion_id == suggestion.id


def test_not_suitable_asks_why_and_is_respected(line: Line) -> None:
    publish(line, "房颤抗凝新进展", ["af"])
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    suggest(line)
    card = next(m for m in line.inbox("rep01") if m["kind"] == "card")
    line.do("tap_card", task_id=card["task_id"], key="refuse")
    asked = line.world.cards[card["task_id"]]["card"]
    assert asked["button_selection"]["option_list"][0]["id"] == "content"
    line.do(
        "tap_card", task_id=card["task_id"], key="refuse_reason", selected={"reason": ["content"]}
    )
    assert line.world.cards[card["task_id"]]["replaced"].startswith("已记录")
    line.clock.tick(days=10)
    assert len(suggest(line)) == 1  # the refused one only: nothing new within 30 days
    line.clock.tick(days=31)
    assert len(suggest(line)) == 2


def test_a_physician_who_opts_out_is_not_planned_and_not_sent_to(line: Line) -> None:
    publish(line, "房颤抗凝新进展", ["af"])
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    line.do("follow", person="wang")
    suggest(line)
    card = next(m for m in line.inbox("rep01") if m["kind"] == "card")
    line.do("oa_says", person="wang", text="退订")
    assert "已为您停止推送" in line.person("wang").oa_chat[-1]["text"]
    line.do("tap_card", task_id=card["task_id"], key="adopt")
    assert "现在不能发送" in line.inbox("rep01")[-1]["text"]
    line.clock.tick(days=20)
    assert len(suggest(line)) == 1
    line.do("oa_says", person="wang", text="恢复")
    line.clock.tick(days=1)
    assert len(suggest(line)) == 2


def test_the_official_account_recommends_searches_and_passes_messages_on(line: Line) -> None:
    publish(line, "房颤抗凝新进展", ["af"])
    line.do("add_contact", userid="rep01", person="wang")
    line.do("follow", person="wang")
    line.do("menu", person="wang", key="recommended")
    assert "《房颤抗凝新进展》" in line.person("wang").oa_chat[-1]["text"]
    line.do("oa_says", person="wang", text="抗凝")
    assert "/t/" in line.person("wang").oa_chat[-1]["text"]
    line.do("oa_says", person="wang", text="请代表联系我")
    assert "已转告" in line.person("wang").oa_chat[-1]["text"]
    assert "请代表联系我" in line.inbox("rep01")[-1]["text"]


def test_leaving_the_account_deletes_what_came_through_it(line: Line) -> None:
    line.do("follow", person="wang")
    line.do("oa_says", person="wang", text="抗凝的剂量")
    openid = line.person("wang").openid
    line.do("unfollow", person="wang")
    with line.parts.db.reading() as session:
        row = identity.find(session, Id(Kind.OPENID, "wxtestaccount", openid))
        assert row is not None
        assert row.value == ""
        assert journey.timeline(session, row.one_id) == []
        assert consent.ledger(session, row.one_id) == []
        bodies = [event.body for event in inbox.listing(session)]
    assert sum(openid.encode() in body for body in bodies) == 1  # the event that says so


def test_a_removed_contact_gets_nothing_more(line: Line) -> None:
    publish(line, "房颤抗凝新进展", ["af"])
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    line.clock.tick(seconds=5)
    line.do("delete_contact", userid="rep01", person="wang", by="physician")
    assert suggest(line) == []


def test_a_group_task_campaign_counts_what_the_rep_confirmed(line: Line) -> None:
    version = publish(line, "房颤抗凝新进展", ["af"])
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    with line.parts.db.transaction() as session:
        campaign = campaigns.create(
            session,
            name="房颤月",
            content_id=version.content_id,
            expression="标签:房颤",
            way="group_task",
            at=line.clock(),
            cron="",
            author="user:1",
            now=line.clock(),
        )
        run_id = campaigns.run_now(session, campaign.id, line.clock())
        assert carry_out(session, run_id, line.parts.settings, line.clock())
    line.work()
    (task,) = line.world.tasks.values()
    line.do("confirm_task", task_id=task["id"])
    side = line.world.relation("rep01", line.person("wang").external_userid)
    assert side is not None
    assert "/t/" in side.chat[-1]["link"]["url"]
    with line.parts.db.reading() as session:
        assert campaigns.results(session, campaign.id).delivered == 1


def test_trouble_on_the_platform_loses_and_doubles_nothing(line: Line) -> None:
    publish(line, "房颤抗凝新进展", ["af"])
    line.world.trouble = {"duplicates": 2}
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    line.world.trouble = {"errcodes": {"message/send": {"errcode": -1, "times": 2}}}
    suggest(line)
    for _ in range(6):
        line.clock.tick(minutes=2)
        line.work()
    cards = [m for m in line.inbox("rep01") if m["kind"] == "card"]
    assert len(cards) == 1
    with line.parts.db.reading() as session:
        card = session.scalars(select(Dispatch).where(Dispatch.way == "rep_card")).one()
        assert (card.state, card.attempts) == (Sending.SENT, 3)
