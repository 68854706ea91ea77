"""A rep's morning: few suggestions, each allowed, none repeated, every answer respected."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from weakref import WeakKeyDictionary

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import consent, delivery, links, recommend, reps, tagging
from app.connectors.wecom import cards
from app.consent import Action
from app.delivery import Dispatch
from app.delivery import State as Sending
from app.delivery.channels import Delivered
from app.flows.allowed.history import History, history
from app.flows.planning import when
from app.flows.planning.plan_day import plan_day
from app.flows.planning.suggest import card_time
from app.flows.sending import ways
from app.flows.sending.sent import after_sent
from app.flows.sending.ways import ways_to
from app.identity import Identifier
from app.infra.clock import SHANGHAI, local
from app.infra.db import Database
from app.recommend import Answer, DailyPlan, State, Suggestion
from app.reps import Rep
from tests.company import hire, meet, publish
from tests.conftest import SetClock


@pytest.fixture
def session(database: Database, clock: SetClock) -> Session:  # type: ignore[misc]
    """One transaction with the vocabulary in place."""
    with database.transaction() as session:
        tagging.seed(session, clock())
        yield session  # type: ignore[misc]


def plan(session: Session, rep: Rep, now: datetime) -> tuple[DailyPlan, list[Suggestion]]:
    day = local(now).date()
    made = plan_day(session, rep, day, base_url="http://yishu.test", now=now)
    return made, [s for s in recommend.of_rep(session, rep.id, day) if s.campaign_id is None]


def deliver(session: Session, now: datetime) -> None:
    for dispatch_id in delivery.due(session, now):
        assert delivery.claim(session, [dispatch_id], now)
        card = delivery.get(session, dispatch_id)
        session.refresh(card)
        delivery.record(card, Delivered(), now)
        session.flush()
        after_sent(session, card, now)


def test_a_plan_is_made_once_a_day_and_kept_even_when_it_is_empty(
    session: Session, clock: SetClock
) -> None:
    rep = hire(session, "rep01", clock())
    first, none = plan(session, rep, clock())
    assert none == []
    meet(session, rep, "wang", clock(), tags=("af",))
    publish(session, "房颤抗凝", ("af",), clock())
    again, _ = plan(session, rep, clock())
    assert again.id == first.id
    assert plan(session, rep, clock.tick(days=1))[0].suggested == 1


def test_everybody_who_is_left_out_is_counted_with_the_reason(
    session: Session, clock: SetClock
) -> None:
    now = clock()
    rep = hire(session, "rep01", now)
    publish(session, "房颤抗凝", ("af",), now)
    meet(session, rep, "fine", now, tags=("af",))
    meet(session, rep, "nothing", now, tags=("heart-failure",))
    meet(session, rep, "unasked", now, tags=("af",), permitted=False)
    out = meet(session, rep, "out", now, tags=("af",))
    consent.record(session, out.id, action=Action.WITHDRAW, source="keyword", at=now)
    had = meet(session, rep, "had", now, tags=("af",))
    for n in range(2):
        row = delivery.queue(
            session, way=delivery.Way.OA_TEXT, dedupe_key=f"c{n}", payload={}, now=now,
            identifier_id=had.id, counts_as_contact=True,
        )  # fmt: skip
        assert row is not None
    made, suggestions = plan(session, rep, now)
    assert made.left_out == {"no_content": 1, "no_consent": 1, "opted_out": 1, "cap": 1}
    assert (made.considered, made.suggested, len(suggestions)) == (5, 1, 1)
    assert suggestions[0].verdict["allowed"] is True


def test_the_daily_limit_counts_what_a_campaign_has_planned(
    session: Session, clock: SetClock
) -> None:
    rep = hire(session, "rep01", clock(), daily_limit=3)
    version = publish(session, "房颤抗凝", ("af",), clock())
    publish(session, "房颤消融", ("af",), clock())
    rows = [meet(session, rep, f"p{n}", clock(), tags=("af",)) for n in range(8)]
    for row in rows[:2]:
        session.add(
            Suggestion(
                plan_key="campaign:1:1:1",
                rep_id=rep.id,
                identifier_id=row.id,
                campaign_id=1,
                content_id=version.content_id,
                content_version_id=version.id,
                day=local(clock()).date(),
                created_at=clock(),
                reasons=[],
                contributions={},
            )
        )
    session.flush()
    _, suggestions = plan(session, rep, clock())
    assert len(suggestions) == 1
    assert suggestions[0].identifier_id not in {row.id for row in rows[:2]}


def test_a_physician_whom_one_rep_is_asked_about_is_not_suggested_to_another(
    session: Session, clock: SetClock
) -> None:
    publish(session, "房颤抗凝", ("af",), clock())
    one, other = hire(session, "rep01", clock()), hire(session, "rep02", clock())
    row = meet(session, one, "wang", clock(), tags=("af",))
    reps.connect(session, other, row, since=clock(), now=clock())
    plans = [plan(session, rep, clock()) for rep in (one, other)]
    assert sorted(len(found) for _, found in plans) == [0, 1]
    assert [made.left_out for made, found in plans if not found] == [{"other_rep": 1}]


def answered(
    session: Session, rep: Rep, given: Answer, now: datetime, reason: str = ""
) -> Suggestion:
    _, (suggestion,) = plan(session, rep, now)
    recommend.answer(
        session, suggestion, given, ref=f"inbox:{suggestion.id}", now=now, reason=reason
    )
    return suggestion


def days_until_again(
    session: Session, rep: Rep, clock: SetClock, most: int = 100
) -> tuple[int, Suggestion] | None:
    for days in range(1, most):
        _, found = plan(session, rep, clock.tick(days=1))
        if found:
            return days, found[0]
    return None


@pytest.mark.parametrize(
    ("given", "reason", "days"),
    [
        (Answer.LATER, "", 1),
        (Answer.REFUSE, "timing", 7),
        (Answer.REFUSE, "content", 30),
        (Answer.REFUSE, "other", 30),
        (Answer.REFUSE, "discussed", 90),
        (Answer.ADOPT, "", 90),
    ],
)
def test_how_long_an_answer_keeps_the_same_suggestion_away(
    session: Session, clock: SetClock, given: Answer, reason: str, days: int
) -> None:
    rep = hire(session, "rep01", clock())
    publish(session, "房颤抗凝", ("af",), clock(), days=400)
    meet(session, rep, "wang", clock(), tags=("af",))
    answered(session, rep, given, clock(), reason)
    before = [day for day in (1, 2, 6, 13, 29, 59, days - 1) if 0 < day < days]
    at = clock()
    for day in sorted(set(before)):
        clock.now = at + timedelta(days=day)
        assert plan(session, rep, clock())[1] == [], day
    clock.now = at + timedelta(days=days)
    assert len(plan(session, rep, clock())[1]) == 1


def test_what_was_postponed_comes_first_and_says_so(session: Session, clock: SetClock) -> None:
    rep = hire(session, "rep01", clock(), daily_limit=1)
    publish(session, "房颤抗凝", ("af",), clock())
    meet(session, rep, "wang", clock(), tags=("af",))
    first = answered(session, rep, Answer.LATER, clock())
    meet(session, rep, "better", clock(), tags=("af", "anticoagulation"))
    publish(session, "更合适的", ("af", "anticoagulation"), clock())
    again = days_until_again(session, rep, clock)
    assert again is not None
    assert again[1].identifier_id == first.identifier_id
    assert again[1].reasons[0] == "您上次选择了“稍后”"


@pytest.mark.parametrize("seconds", [-10, 10])
def test_what_was_talked_about_counts_by_days_whatever_the_second(
    session: Session, clock: SetClock, seconds: int
) -> None:
    rep = hire(session, "rep01", clock())
    publish(session, "房颤抗凝", ("af",), clock())
    row = meet(session, rep, "wang", clock(), tags=("af",))
    answered(session, rep, Answer.REFUSE, clock(), "discussed")

    def past(days: int) -> History:
        now = clock() + timedelta(days=days, seconds=seconds)
        return history(session, rep.id, [row.one_id], now)[row.one_id]

    assert [bool(past(days).tags) for days in (29, 30)] == [True, False]
    assert [bool(past(days).sent) for days in (89, 90)] == [True, False]


def test_what_a_push_has_written_for_a_later_day_keeps_others_away_from_then_on(
    session: Session, clock: SetClock
) -> None:
    rep = hire(session, "rep01", clock())
    for title in ("房颤抗凝", "房颤指南"):
        publish(session, title, ("af",), clock())
    meet(session, rep, "wang", clock(), tags=("af",))
    _, (pushed,) = plan(session, rep, clock())
    pushed.day += timedelta(days=2)  # as where the days before are full
    session.flush()
    for _day in range(4):
        clock.tick(days=1)
        assert plan(session, rep, clock())[0].left_out == {"suggested_lately": 1}
    clock.tick(days=1)
    _, (other,) = plan(session, rep, clock())
    assert other.content_id != pushed.content_id


def test_an_ignored_suggestion_expires_and_rests(session: Session, clock: SetClock) -> None:
    rep = hire(session, "rep01", clock())
    publish(session, "房颤抗凝", ("af",), clock())
    meet(session, rep, "wang", clock(), tags=("af",))
    _, (ignored,) = plan(session, rep, clock())
    clock.tick(seconds=-10)  # no two nights plan in the same second
    again = days_until_again(session, rep, clock)
    assert again is not None
    assert again[0] == 14
    session.refresh(ignored)
    assert ignored.state == State.EXPIRED


def test_one_reps_refusal_does_not_hide_a_content_from_another(
    session: Session, clock: SetClock
) -> None:
    publish(session, "房颤抗凝", ("af",), clock())
    one = hire(session, "rep01", clock())
    row = meet(session, one, "wang", clock(), tags=("af",))
    answered(session, one, Answer.REFUSE, clock(), "not_mine")
    other = hire(session, "rep02", clock())
    reps.connect(session, other, row, since=clock(), now=clock())
    assert len(plan(session, other, clock())[1]) == 1


def test_reps_who_share_physicians_are_planned_at_once_and_each_list_is_full(
    session: Session, clock: SetClock
) -> None:
    for n in range(4):
        publish(session, f"房颤{n}", ("af",), clock())
    one, other = (hire(session, f"rep0{n}", clock(), daily_limit=2) for n in (1, 2))
    rows = [meet(session, one, f"p{n}", clock(), tags=("af",)) for n in range(4)]
    for row in rows[:2]:
        reps.connect(session, other, row, since=clock(), now=clock())
    plan(session, one, clock())
    both = list(session.scalars(select(DailyPlan).order_by(DailyPlan.rep_id)))
    assert [made.suggested for made in both] == [2, 2]
    people = [s.identifier_id for s in session.scalars(select(Suggestion))]
    assert sorted(people) == sorted(row.id for row in rows)


def test_a_card_leaves_when_the_physician_opens_and_the_rep_answers(
    session: Session, clock: SetClock
) -> None:
    rep = hire(session, "rep01", clock())
    publish(session, "房颤抗凝", ("af",), clock())
    row = meet(session, rep, "wang", clock(), tags=("af",))
    other = publish(session, "另一份", ("heart-failure",), clock())
    morning = local(clock()).replace(hour=8, minute=0)
    for n in range(1, 15):
        at = (morning - timedelta(days=n)).astimezone(UTC)
        link = links.create_link(session, other.id, identifier_id=row.id, channel="oa", now=at)
        evening = at + timedelta(hours=10, minutes=20)
        links.open_page(session, link.id, f"visit-{n:04}", agent="wechat", now=evening)
    now = morning.astimezone(UTC)
    plan(session, rep, now)
    (card,) = session.scalars(select(Dispatch)).all()
    assert local(card.not_before).hour == 18
    assert card.payload["card"]["main_title"]["desc"] == "常在晚 6 点前后打开"


def test_all_processes_know_the_same_of_others_all_day(
    session: Session, clock: SetClock, monkeypatch: pytest.MonkeyPatch
) -> None:
    rep = hire(session, "rep01", clock())
    version = publish(session, "另一份", ("heart-failure",), clock())
    wang, li = (meet(session, rep, key, clock()) for key in ("wang", "li"))
    night = local(clock()).replace(hour=1).astimezone(UTC)

    def opened(row: Identifier, sent: datetime, number: int) -> None:
        link = links.create_link(session, version.id, identifier_id=row.id, channel="oa", now=sent)
        at = sent + timedelta(minutes=30)
        links.open_page(session, link.id, f"visit-{row.id}-{number:03}", agent="x", now=at)

    def known() -> tuple[object, object]:
        hours = when.habits(session, [wang.one_id], local(clock()).date(), clock())
        return hours[wang.one_id].hours, ways_to(session, rep, [wang], clock())[wang.id].choice

    for n in range(8):
        opened(wang, night + timedelta(hours=18) - timedelta(days=n + 8), n)
    for n in range(30):  # what was sent a week ago says something from then on
        opened(li, night + timedelta(hours=8) - timedelta(days=7), n)
    clock.now, noon = night, clock()
    known()  # by this process, at night
    for n in range(30, 60):
        opened(li, night + timedelta(hours=8), n)
    clock.now = noon
    before = known()
    for module in (when, ways):
        monkeypatch.setattr(module, "_known", WeakKeyDictionary())
    assert known() == before


def test_an_answer_on_the_list_does_not_say_when_cards_are_answered(
    session: Session, clock: SetClock
) -> None:
    rep = hire(session, "rep01", clock())
    publish(session, "房颤抗凝", ("af",), clock())
    for key in ("wang", "li"):
        meet(session, rep, key, clock(), tags=("af",))
    _, (carded, listed) = plan(session, rep, clock())
    carded.delivered_at = clock()
    for row in (carded, listed):
        recommend.answer(session, row, Answer.ADOPT, ref=f"{row.id}", now=clock.tick(minutes=150))
    day, now = local(clock.tick(days=1)).date(), clock()
    assert listed.delivered_at is not None, "it was seen"
    both = when.rep_hours(session, rep.id, day, now)
    listed.delivered_at = None
    session.flush()
    assert both == when.rep_hours(session, rep.id, day, now) != [1 / 24] * 24


def test_content_that_was_read_is_never_suggested_again(session: Session, clock: SetClock) -> None:
    rep = hire(session, "rep01", clock())
    version = publish(session, "房颤抗凝", ("af",), clock(), days=1000)
    row = meet(session, rep, "wang", clock(), tags=("af",))
    link = links.create_link(session, version.id, identifier_id=row.id, channel="oa", now=clock())
    view = links.open_page(session, link.id, "visit-0001", agent="wechat", now=clock())
    assert view is not None
    view.read_at = clock()
    clock.tick(days=200)
    assert plan(session, rep, clock())[0].left_out == {"no_content": 1}


def test_an_adopted_suggestion_stays_adopted_whatever_is_tapped_later(
    session: Session, clock: SetClock
) -> None:
    rep = hire(session, "rep01", clock())
    publish(session, "房颤抗凝", ("af",), clock())
    meet(session, rep, "wang", clock(), tags=("af",))
    suggestion = answered(session, rep, Answer.ADOPT, clock())
    for number, given in enumerate((Answer.LATER, Answer.REFUSE)):
        assert recommend.answer(session, suggestion, given, ref=f"late:{number}", now=clock())
        assert not recommend.answer(session, suggestion, given, ref=f"late:{number}", now=clock())
    assert suggestion.state == State.ADOPTED


def test_no_card_of_a_real_plan_exceeds_what_phones_show(session: Session, clock: SetClock) -> None:
    long = "一二三四五六七八九十" * 4
    rep = hire(session, "rep01", clock(), prefers_group_task=True)
    publish(session, f"{long}{long}", ("af", "anticoagulation"), clock())
    row = meet(
        session, rep, "x", clock(), tags=("af", "anticoagulation"), name=long, title=long,
        hospital=long, department=long,
    )  # fmt: skip
    version = publish(session, "另一份", ("heart-failure",), clock())
    for n in range(8):
        at = clock() - timedelta(days=n + 1)
        link = links.create_link(
            session, version.id, identifier_id=row.id, channel="oa", now=at - timedelta(hours=4)
        )
        links.open_page(session, link.id, f"visit-{n:04}", agent="wechat", now=at)
    plan(session, rep, clock())
    (sent,) = session.scalars(select(Dispatch)).all()
    card = sent.payload["card"]
    assert len(card["main_title"]["title"]) <= cards.TITLE
    assert len(card["main_title"]["desc"]) <= cards.TITLE_DESC
    assert card["main_title"]["desc"] == "常在中午 12 点前后打开"
    for line in card["horizontal_content_list"]:
        assert len(line["keyname"]) <= cards.ROW_NAME
        assert len(line["value"]) <= cards.ROW_VALUE
        assert "…" not in line["value"]
    assert [len(b["text"]) <= cards.BUTTON for b in card["button_list"]] == [True] * 3
    assert [b["key"] for b in card["button_list"]] == ["adopt", "later", "refuse"]
    assert card["source"]["desc"] == "医枢 · 今日建议 1/1"


def test_cards_leave_in_the_day_spread_and_never_on_the_full_hour(
    session: Session, clock: SetClock
) -> None:
    morning = datetime(2026, 11, 24, 9, 0, tzinfo=SHANGHAI)
    day = morning.date()
    moments = set()
    for number in range(40):
        rep = hire(session, f"rep{number}", clock())
        times = [card_time(rep, day, position, morning) for position in range(1, 6)]
        assert times == sorted(set(times))
        assert all((t.minute, t.second) not in ((0, 0), (30, 0)) for t in times)
        assert morning < times[0] <= morning + timedelta(minutes=3)
        moments.add(times[0])
    assert len(moments) > 20
    night = morning.replace(hour=5)
    early = hire(session, "early", clock(), daily_at_minute=6 * 60)
    assert local(card_time(early, day, 1, night)).hour == 8
    tomorrow = day + timedelta(days=1)
    assert local(card_time(early, tomorrow, 1, morning)).date() == tomorrow


def test_a_muted_rep_gets_no_more_cards_today_but_keeps_the_list(
    session: Session, clock: SetClock
) -> None:
    rep = hire(session, "rep01", clock())
    publish(session, "房颤抗凝", ("af",), clock())
    publish(session, "房颤消融", ("af",), clock())
    meet(session, rep, "wang", clock(), tags=("af",))
    _, (first,) = plan(session, rep, clock())
    deliver(session, clock.tick(minutes=5))
    recommend.mute(session, first, ref="inbox:1", now=clock())
    assert recommend.is_muted(session, rep.id, local(clock()).date())
    meet(session, rep, "li", clock(), tags=("af",))
    session.delete(session.scalars(select(DailyPlan)).one())
    first.plan_key = "before"
    session.flush()
    _, both = plan(session, rep, clock())
    assert len(both) == 2
    assert [d.state for d in session.scalars(select(Dispatch))] == [Sending.SENT]
    assert not recommend.is_muted(session, rep.id, local(clock.tick(days=1)).date())


def test_a_second_does_not_decide_whether_who_was_suggested_is_free_again(
    session: Session, clock: SetClock
) -> None:
    rep = hire(session, "rep01", clock())
    meet(session, rep, "wang", clock(), tags=("af",))
    for title in ("一", "二"):
        publish(session, title, ("af",), clock())
    assert plan_day(session, rep, local(clock()).date(), base_url="http://x", now=clock()).suggested
    clock.tick(days=3, seconds=-2)
    again = plan_day(session, rep, local(clock()).date(), base_url="http://x", now=clock())
    assert again.suggested == 1
