"""From the morning card to a confirmed group task, with every way in which it can go wrong."""

from __future__ import annotations

import threading
from typing import Any

from sqlalchemy import select

from app import campaigns, consent, content, delivery, identity, recommend, reps
from app.delivery import Dispatch, Receipt, Way
from app.delivery import State as Sending
from app.flows.campaigns.carry_out import carry_out
from app.flows.planning.plan_day import plan_day
from app.flows.sending.settle_message import settle_message
from app.infra.clock import local
from app.recommend import State, Suggestion
from tests.scenarios.conftest import Line, publish
from tests.scenarios.test_main_line import suggest
from workers.receipts import poll_group_tasks
from workers.sending import send_one


def prepare(line: Line, userid: str = "rep01", person: str = "wang") -> int:
    """One approved content, one physician who cares for it; returns the version's id."""
    version = publish(line, "房颤抗凝新进展", ["af", "anticoagulation"])
    line.do("add_contact", userid=userid, person=person)
    line.do("edit_contact", userid=userid, person=person, tag_ids=["et1"])
    return version.id


def card_of(line: Line, userid: str = "rep01") -> dict[str, Any]:
    return next(message for message in line.inbox(userid) if message["kind"] == "card")


def cut_next(line: Line) -> None:
    """The platform will carry the next call out and then break the line."""
    line.world.trouble = {"cut_after_effect": True}


def texts(line: Line, userid: str = "rep01") -> list[str]:
    return [message["text"] for message in line.inbox(userid) if message["kind"] == "text"]


def state_of(line: Line, suggestion: Suggestion) -> str:
    with line.parts.db.reading() as session:
        return session.get_one(Suggestion, suggestion.id).state


def dispatches(line: Line, way: Way) -> list[Dispatch]:
    with line.parts.db.reading() as session:
        rows = session.scalars(select(Dispatch).where(Dispatch.way == way).order_by(Dispatch.id))
        return list(rows)


def test_a_second_tap_changes_nothing(line: Line) -> None:
    prepare(line)
    (suggestion,) = suggest(line)
    card = card_of(line)
    line.do("tap_card", task_id=card["task_id"], key="adopt")
    before = texts(line)
    line.world.cards[card["task_id"]]["replaced"] = None
    line.do("tap_card", task_id=card["task_id"], key="adopt")
    line.do("tap_card", task_id=card["task_id"], key="later")
    line.do("tap_card", task_id=card["task_id"], key="refuse")
    assert texts(line) == before
    assert state_of(line, suggestion) == State.ADOPTED


def test_content_withdrawn_after_planning_is_not_sent_and_the_rep_is_told_why(line: Line) -> None:
    version_id = prepare(line)
    (suggestion,) = suggest(line)
    with line.parts.db.transaction() as session:
        content.withdraw(session, version_id, reason="更新说明书", now=line.clock())
    card = card_of(line)
    line.do("tap_card", task_id=card["task_id"], key="adopt")
    assert "现在不能发送" in texts(line)[-1]
    assert "/t/" not in "".join(texts(line))
    assert line.world.cards[card["task_id"]]["replaced"] == "暂不可发送"
    assert state_of(line, suggestion) == State.CANCELLED


def test_a_refusal_between_planning_and_sending_stops_the_card(line: Line) -> None:
    prepare(line)
    line.do("follow", person="wang")
    with line.parts.db.transaction() as session:
        rep = reps.find_rep(session, "wwtestcorp", "rep01")
        assert rep is not None
        plan_day(session, rep, local(line.clock()).date(), base_url="http://x", now=line.clock())
    line.do("oa_says", person="wang", text="退订")
    line.clock.tick(minutes=5)
    line.work()
    assert all(message["kind"] != "card" for message in line.inbox("rep01"))
    (card,) = dispatches(line, Way.REP_CARD)
    assert card.state == Sending.CANCELLED


def test_the_menu_of_the_card_explains_mutes_and_lists(line: Line) -> None:
    prepare(line)
    suggest(line)
    card = card_of(line)
    line.do("tap_card", task_id=card["task_id"], key="why")
    assert texts(line)[-1].startswith("为什么推荐给您：\n1. 企微标签「房颤」")
    line.do("tap_card", task_id=card["task_id"], key="list")
    assert "/rep/" in texts(line)[-1]
    line.do("tap_card", task_id=card["task_id"], key="mute")
    assert texts(line)[-1].startswith("今天不再提醒")
    with line.parts.db.reading() as session:
        rep = reps.find_rep(session, "wwtestcorp", "rep01")
        assert rep is not None
        assert recommend.is_muted(session, rep.id, local(line.clock()).date())


def test_a_postponed_suggestion_is_back_tomorrow(line: Line) -> None:
    prepare(line)
    (first,) = suggest(line)
    line.do("tap_card", task_id=card_of(line)["task_id"], key="later")
    assert state_of(line, first) == State.LATER
    assert line.world.cards[card_of(line)["task_id"]]["replaced"] == "明天再提醒"
    line.clock.tick(days=1)
    again = suggest(line)
    assert len(again) == 2
    newest = max(again, key=lambda s: s.id)
    assert newest.reasons[0] == "您上次选择了“稍后”"


def test_a_rep_who_prefers_it_gets_a_group_task_and_its_result_comes_back(line: Line) -> None:
    prepare(line)
    with line.parts.db.transaction() as session:
        rep = reps.find_rep(session, "wwtestcorp", "rep01")
        assert rep is not None
        rep.prefers_group_task = True
    (suggestion,) = suggest(line)
    line.do("tap_card", task_id=card_of(line)["task_id"], key="adopt")
    (task,) = line.world.tasks.values()
    line.clock.tick(minutes=2)
    assert poll_group_tasks(line.parts) == 1
    assert [d.receipt for d in dispatches(line, Way.GROUP_TASK)] == [None]
    line.do("confirm_task", task_id=task["id"])
    line.clock.tick(minutes=10)
    assert poll_group_tasks(line.parts) == 1
    assert [d.receipt for d in dispatches(line, Way.GROUP_TASK)] == [Receipt.FORWARDED]
    assert poll_group_tasks(line.parts) == 0
    with line.parts.db.reading() as session:
        assert session.get_one(Suggestion, suggestion.id).forwarded_at is not None


def test_over_all_reps_a_physician_is_not_contacted_more_often_than_the_policy_says(
    line: Line,
) -> None:
    version_id = prepare(line)
    line.do("add_contact", userid="rep02", person="wang")
    with line.parts.db.transaction() as session:
        version = content.get_version(session, version_id)
        made = []
        for n, userid in enumerate(("rep01", "rep02", "rep01", "rep02")):
            rep = reps.find_rep(session, "wwtestcorp", userid)
            assert rep is not None
            ((_, contact),) = reps.contacts_of(session, rep.id)
            queued = delivery.queue(
                session, way=Way.REP_TEXT, dedupe_key=f"adopt:{n}", rep_id=rep.id,
                payload={"corp_id": rep.corp_id, "userid": userid, "text": f"资料 {n}"},
                identifier_id=contact.id, content_version_id=version.id, counts_as_contact=True,
                now=line.clock(),
            )  # fmt: skip
            assert queued is not None
            made.append(queued)
    threads = [threading.Thread(target=send_one, args=(line.parts, i)) for i in reversed(made)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    states = [d.state for d in dispatches(line, Way.REP_TEXT)]
    assert states.count(Sending.SENT) == 2
    assert states.count(Sending.CANCELLED) == 2
    assert len(texts(line, "rep01") + texts(line, "rep02")) == 2


def test_a_cut_after_the_platform_took_a_card_is_resolved_without_a_second_card(
    line: Line,
) -> None:
    prepare(line)
    cut_next(line)
    suggest(line)
    for _ in range(3):
        line.clock.tick(minutes=1)
        line.work()
    assert sum(message["kind"] == "card" for message in line.inbox("rep01")) == 1
    (card,) = dispatches(line, Way.REP_CARD)
    assert (card.state, card.attempts, card.maybe_sent) == (Sending.SENT, 2, True)


def test_the_proof_of_what_may_have_arrived_is_that_of_its_own_attempt(line: Line) -> None:
    prepare(line)
    suggest(line)
    line.do("tap_card", task_id=card_of(line)["task_id"], key="adopt")
    with line.parts.db.transaction() as session:  # as if nobody had answered
        text = session.scalars(select(Dispatch).where(Dispatch.counts_as_contact.is_(True))).one()
        text.state, text.maybe_sent, text.not_before = Sending.QUEUED, True, line.clock()
        contact = session.get_one(identity.Identifier, text.identifier_id)
        consent.record(
            session, contact.id, action=consent.Action.WITHDRAW, source="content_page",
            at=line.clock(),
        )  # fmt: skip
    line.work()
    (text,) = [row for row in dispatches(line, Way.REP_TEXT) if row.counts_as_contact]
    assert (text.state, text.error) == (Sending.UNKNOWN, "医生已退订")
    assert text.verdict is not None
    assert text.verdict["allowed"], "when it was tried"


def test_a_cut_group_task_waits_for_a_person_and_is_never_sent_twice(line: Line) -> None:
    version_id = prepare(line)
    with line.parts.db.transaction() as session:
        version = content.get_version(session, version_id)
        campaign = campaigns.create(
            session, name="房颤月", content_id=version.content_id, expression="标签:房颤",
            way="group_task", at=None, cron="", author="user:1", now=line.clock(),
        )  # fmt: skip
        run_id = campaigns.run_now(session, campaign.id, line.clock())
        assert carry_out(session, run_id, line.parts.settings, line.clock())
    cut_next(line)
    for _ in range(5):
        line.work()
        line.clock.tick(hours=1)
    assert len(line.world.tasks) == 1
    (task,) = dispatches(line, Way.GROUP_TASK)
    assert task.state == Sending.UNKNOWN
    with line.parts.db.transaction() as session:
        settled = settle_message(session, task.id, "sent", actor="user:1", now=line.clock())
        assert settled.state == Sending.SENT
        assert campaigns.results(session, campaign.id).delivered == 1


def test_a_used_up_quota_is_waited_for_without_hammering(line: Line) -> None:
    prepare(line)
    line.world.trouble = {"errcodes": {"message/send": {"errcode": 45009, "times": 1}}}
    suggest(line)
    assert all(message["kind"] != "card" for message in line.inbox("rep01"))
    (card,) = dispatches(line, Way.REP_CARD)
    line.clock.tick(seconds=55)  # the platform's block lasts a minute
    line.work()
    assert (card.state, dispatches(line, Way.REP_CARD)[0].attempts) == (Sending.QUEUED, 0)
    line.clock.tick(seconds=5)
    line.work()
    assert sum(message["kind"] == "card" for message in line.inbox("rep01")) == 1
