"""What reps read is true when they read it, and of their own physicians only."""

from __future__ import annotations

from concurrent.futures import Future, ThreadPoolExecutor
from datetime import datetime, timedelta
from typing import Any

import pytest
from sqlalchemy import delete, select, text
from sqlalchemy.orm import Session

from app import campaigns, content, identity, links, recommend, reps
from app.delivery import Dispatch, State, Way
from app.delivery.channels import Delivered
from app.delivery.models import SendBucket
from app.facts import CardAnswered
from app.flows import Received
from app.flows.answers import card_answered
from app.flows.campaigns.carry_out import carry_out
from app.flows.planning.plan_day import plan_day
from app.flows.planning.suggestion_card import task_id
from app.identity import Id, Identifier, Kind
from app.infra.clock import local
from app.recommend import Suggestion
from tests.company import renew
from tests.scenarios.conftest import Line, publish
from tests.scenarios.test_main_line import suggest
from tests.scenarios.test_own_page import ask, change, tag_id
from tests.scenarios.test_rep_page import beside, enter, send
from tests.scenarios.test_suggestion_line import card_of, texts
from tests.segments.test_index import ONE_DATABASE
from workers import claiming, sending
from workers.claiming import claim_some
from workers.sending import Answered
from workers.sweeping import begin_versions

TAG = "企微标签「房颤」"


@pytest.fixture
def known(line: Line) -> Line:
    """Wang is a contact of rep01 with a tag, and follows the account."""
    publish(line, "房颤抗凝新进展", ["af"])
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    line.do("follow", person="wang")
    return line


def plan(line: Line) -> Suggestion:
    """A suggestion whose card leaves in some minutes."""
    with line.parts.db.transaction() as session:
        rep = reps.find_rep(session, "wwtestcorp", "rep01")
        assert rep is not None
        plan_day(session, rep, local(line.clock()).date(), base_url="http://x", now=line.clock())
        (row,) = recommend.of_rep(session, rep.id)
        return row


def invite(line: Line, person: str) -> str:
    """The path of rep01's invitation to a meeting."""
    with line.parts.db.transaction() as session:
        row = identity.find(session, contact(line, person))
        rep = reps.find_rep(session, "wwtestcorp", "rep01")
        meeting = next(v for v in content.listing(session, limit=9) if v.kind == "meeting")
        assert row is not None
        assert rep is not None
        link = links.create_link(
            session, meeting.id, identifier_id=row.id, rep_id=rep.id, channel="wecom",
            now=line.clock(),
        )  # fmt: skip
        return f"/t/{link.token}"


def contact(line: Line, person: str) -> Id:
    return Id(Kind.WECOM_EXTERNAL_USERID, "wwtestcorp", line.person(person).external_userid)


def answer(line: Line, row: Suggestion, key: str, at: datetime) -> None:
    """The rep answers on the list, in a transaction of its own."""
    fact = CardAnswered(
        at=at, corp_id="wwtestcorp", agent_id="1000002", rep_userid="rep01",
        task_id=task_id(row.id), key=key, response_code="", selections=(),
    )  # fmt: skip
    with line.parts.db.transaction() as session:
        event = Received(1, at)
        card_answered.apply(session, fact, card_answered.Prepared("http://x"), event, at)


@ONE_DATABASE
def test_a_physician_who_is_handed_over_leaves_with_everything(known: Line) -> None:
    line = known
    publish(
        line, "房颤病例讨论会", ["af"], kind="meeting", starts_at="2026-11-26T14:00", place="示例厅"
    )  # fmt: skip
    suggest(line)
    card = card_of(line)["task_id"]
    line.web.post(f"{invite(line, 'wang')}/meeting", data={"coming": "yes"})
    old = enter(line, "rep01")
    for page in ("/rep/", "/rep/meetings"):
        assert "王某某" in old.get(page).text
    line.clock.tick(minutes=5)
    line.do("add_contact", userid="rep02", person="wang")
    line.do("delete_contact", userid="rep01", person="wang", by="transfer")
    new = enter(line, "rep02")
    for page in ("/rep/", "/rep/meetings"):
        assert "王某某" not in old.get(page).text, page
    assert "王某某" in new.get("/rep/meetings").text, "the answer goes along"
    for key in ("later", "why", "list"):
        line.do("tap_card", task_id=card, key=key)
    with line.parts.db.reading() as session:
        (row,) = session.scalars(select(Suggestion)).all()
        assert row.state == "cancelled", "nobody is reminded of it"
    line.do("rep_says", userid="rep01", text="今日")
    told = [text for text in texts(line) if not text.startswith("【会议回复】")]
    assert "现在不在您的客户里" in told[0]
    assert not any("王某某" in text or "房颤" in text for text in told), told
    line.clock.tick(days=2, hours=3)
    new = enter(line, "rep02")
    assert send(enter(line, "rep01"), "/rep/meetings/1/came", "/rep/meetings").status_code in (
        400, 404,
    )  # fmt: skip
    assert "已记录" in send(new, "/rep/meetings/1/came", "/rep/meetings").text


@ONE_DATABASE
def test_two_who_answered_an_invitation_and_are_one_physician_count_once(line: Line) -> None:
    publish(
        line, "房颤病例讨论会", ["af"], kind="meeting", starts_at="2026-11-26T14:00", place="示例厅"
    )  # fmt: skip
    for person in ("wang", "li"):
        line.do("add_contact", userid="rep01", person=person)
    wang, li = invite(line, "wang"), invite(line, "li")
    for path, coming in ((wang, "yes"), (li, "no")):
        line.clock.tick(minutes=1)
        line.web.post(f"{path}/meeting", data={"coming": coming})
    with line.parts.db.transaction() as session:
        rows = [identity.find(session, contact(line, person)) for person in ("wang", "li")]
        one, other = (session.get_one(Identifier, row.id).one_id for row in rows if row)
        identity.merge(session, one, other, actor="user:1", reason="同一人", now=line.clock())
    page = enter(line, "rep01").get("/rep/meetings").text
    assert (page.count('class="guest"'), page.count("不能参加")) == (1, 1), "the newest word"
    line.clock.tick(minutes=1)
    said = line.web.post(f"{wang}/meeting", data={"coming": "yes"}, follow_redirects=True).text
    assert "您已答应参加" in said
    page = enter(line, "rep01").get("/rep/meetings").text
    assert (page.count('class="guest"'), page.count("将参加")) == (1, 1)


@ONE_DATABASE
def test_a_tag_that_the_physician_has_deleted_is_no_reason_any_more(known: Line) -> None:
    line = known
    row = plan(line)
    client = enter(line, "rep01")
    assert TAG in client.get("/rep/").text
    change(line, ask(line), f"tags/{tag_id(line, 'af')}", action="delete")
    line.clock.tick(minutes=5)
    line.work()
    assert TAG not in client.get("/rep/").text
    assert TAG not in client.get(beside(line, "wang")).text
    card = str(line.world.cards[card_of(line)["task_id"]])
    assert "关注了公众号" in card, "what holds is told"
    assert TAG not in card
    line.do("tap_card", task_id=task_id(row.id), key="why")
    assert TAG not in texts(line)[-1]


@ONE_DATABASE
def test_days_are_counted_from_the_day_on_which_a_reason_is_read(known: Line) -> None:
    line = known
    row = plan(line)
    line.clock.tick(minutes=5)
    line.work()
    assert "今天关注了公众号" in enter(line, "rep01").get("/rep/").text
    answer(line, row, "later", line.clock())
    line.clock.tick(days=3)
    page = enter(line, "rep01").get(beside(line, "wang")).text
    assert "3 天前关注了公众号" in page
    assert "今天关注了公众号" not in page


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
@pytest.mark.parametrize("key", ["mute", "adopt", "is being answered"])
def test_no_card_leaves_that_is_answered_while_a_worker_has_it_in_its_hands(
    known: Line, monkeypatch: pytest.MonkeyPatch, key: str
) -> None:
    line = known
    row = plan(line)
    line.clock.tick(minutes=5)
    judge, answered = claiming.verdict_for, key in ("mute", "adopt")

    def meanwhile(*arguments: object) -> object:
        if answered:
            answer(line, row, key, line.clock())
        return judge(*arguments)

    monkeypatch.setattr(claiming, "verdict_for", meanwhile)
    with line.parts.db.transaction() as session:
        session.execute(delete(SendBucket))
    with line.parts.db.transaction() as session:
        if not answered:  # another worker is at it
            session.get(Suggestion, row.id, with_for_update=True)
        claimed, settled = claim_some(line.parts, 10)
    assert (claimed, settled) == ([], int(answered))
    with line.parts.db.reading() as session:
        card = session.scalars(select(Dispatch).where(Dispatch.way == Way.REP_CARD)).one()
        assert card.state == (State.CANCELLED if answered else State.QUEUED)
        told = {"mute": "planned", "adopt": "adopted"}.get(key, "planned")
        assert session.get_one(Suggestion, row.id).state == told, "it stays on the list"
        taken = {one.bucket: one.level for one in session.scalars(select(SendBucket))}
        used = {n: at - line.clock().timestamp() * (n != "app_day") for n, at in taken.items()}
        assert ("member_minute" in used) == (key != "adopt"), "what was adopted is not permitted"
        assert max(used.values(), default=0) < 0.001, "no limit counts it"


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_tap_while_a_worker_writes_down_that_the_card_was_sent_waits_and_is_kept(
    known: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    line = known
    row = plan(line)
    line.clock.tick(minutes=5)
    ((card,), _), follow = claim_some(line.parts, 1), sending.after_sent

    with ThreadPoolExecutor(1) as rep:

        def meanwhile(session: Session, *arguments: Any) -> None:
            """The card is locked and its suggestion not yet: the rep taps."""
            taps.append(rep.submit(answer, line, row, "adopt", line.clock()))
            while not session.scalar(text("select count(*) from pg_locks where not granted")):
                assert not taps[0].done(), taps[0].result()
            follow(session, *arguments)

        taps: list[Future[None]] = []
        monkeypatch.setattr(sending, "after_sent", meanwhile)
        assert sending._recorded(line.parts, [Answered(card, Delivered("1"))])
        taps[0].result()
    with line.parts.db.reading() as session:
        assert session.get_one(Dispatch, card.id).provider_id == "1"
        assert session.get_one(Suggestion, row.id).state == "adopted"


@ONE_DATABASE
def test_a_push_goes_on_also_for_whom_a_worker_had_in_its_hands_when_a_version_began(
    known: Line,
) -> None:
    line, now = known, known.clock()
    with line.parts.db.transaction() as session:
        (old,) = content.listing(session, limit=9)
        push = campaigns.create(
            session, name="房颤月", content_id=old.content_id, expression="企微好友",
            way="group_task", at=None, cron="", author="user:1", now=now,
        )  # fmt: skip
        first = campaigns.run_now(session, push.id, now)
        assert carry_out(session, first, line.parts.settings, now)
        task = session.scalars(select(Dispatch).where(Dispatch.way == Way.GROUP_TASK)).one()
        task.state = State.SENDING
        renew(session, old, now)
        task.state, task.not_before = State.QUEUED, now  # the platform was too busy
    assert claim_some(line.parts, 10) == ([], 1)
    with line.parts.db.reading() as session:
        assert len(campaigns.runs_of(session, push.id)) == 2


@ONE_DATABASE
def test_an_answer_is_about_the_version_in_force_before_the_scheduler_has_seen_that_it_began(
    known: Line,
) -> None:
    line = known
    row = plan(line)
    with line.parts.db.transaction() as session:
        old = content.get_version(session, row.content_version_id)
        newer = renew(session, old, line.clock(), begins=line.clock() + timedelta(minutes=5))
    line.clock.tick(minutes=5)
    assert "现在不能发送" not in enter(line, "rep01").get("/rep/").text
    answer(line, row, "adopt", line.clock())
    with line.parts.db.reading() as session:
        asked = session.get_one(Suggestion, row.id)
        assert (asked.state, asked.content_version_id) == ("adopted", newer.id)
    begin_versions(line.parts)
    line.work()
    assert any("更正" in text for text in texts(line))


@ONE_DATABASE
@pytest.mark.parametrize("begins", ["at once", "unseen", "while it is sent"])
def test_a_card_that_waits_when_a_version_begins_leaves_once_at_its_hour_with_the_new_one(
    known: Line, begins: str
) -> None:
    line = known
    row = plan(line)
    with line.parts.db.transaction() as session:
        (card,) = session.scalars(select(Dispatch).where(Dispatch.way == Way.REP_CARD))
        old, hour = content.get_version(session, row.content_version_id), card.not_before
        if begins == "while it is sent":
            card.state = State.SENDING
        later = hour - timedelta(seconds=1) if begins == "unseen" else None
        newer = renew(session, old, line.clock(), begins=later)
        card.state = State.QUEUED  # the platform was too busy
    line.clock.now = hour - timedelta(seconds=1)
    assert claim_some(line.parts, 10) == ([], 0), "at the same hour"
    line.clock.tick(seconds=1)
    line.work()
    begin_versions(line.parts)
    line.work()
    assert [one["kind"] for one in line.inbox("rep01")] == ["card"]
    assert "更正" in str(line.world.cards[task_id(row.id)])
    with line.parts.db.reading() as session:
        asked = session.get_one(Suggestion, row.id)
        assert (asked.state, asked.content_version_id) == ("delivered", newer.id)


@ONE_DATABASE
@pytest.mark.parametrize("ending", ["the rep has left", "handed over"])
def test_what_nobody_can_answer_any_more_keeps_no_colleague_waiting(
    known: Line, ending: str
) -> None:
    line = known
    suggest(line)
    if ending == "handed over":
        line.do("delete_contact", userid="rep01", person="wang", by="transfer")
    else:
        line.do("member_leaves", userid="rep01")
    line.clock.tick(minutes=1)
    line.do("add_contact", userid="rep02", person="wang")
    line.do("edit_contact", userid="rep02", person="wang", tag_ids=["et1"])
    line.clock.tick(hours=20)
    (row,) = suggest(line, "rep02")
    assert "王某某" in enter(line, "rep02").get("/rep/").text
    assert row.day == local(line.clock()).date()
