"""A rep's days, one after the other: answers meet each other, and what is told holds."""

from __future__ import annotations

from app import campaigns, consent, feedback, reps
from app.campaigns import Stage
from app.consent import About
from app.feedback import ClaimState
from app.flows.campaigns.carry_out import carry_out
from app.flows.campaigns.stop_campaign import stop_campaign
from app.flows.contacts.claim_decided import decide_claim
from app.flows.planning.plan_day import plan_day
from app.flows.planning.suggestion_card import task_id
from app.infra.clock import local
from app.recommend import State, Suggestion
from tests.scenarios.conftest import Line, publish
from tests.scenarios.test_main_line import suggest
from tests.scenarios.test_moments import stop
from tests.scenarios.test_rep_page import beside, enter, send, suggestion
from tests.scenarios.test_suggestion_line import card_of, prepare, texts
from tests.scenarios.test_ways import moment_of, rows_of, run, two
from tests.segments.test_index import ONE_DATABASE

__all__ = ["suggestion", "two"]


def cards(line: Line) -> list[str]:
    return [one["task_id"] for one in line.inbox("rep01") if one["kind"] == "card"]


def pushed(line: Line, content_id: int) -> int:
    """A push of this content as suggestions has run; returns the campaign's id."""
    with line.parts.db.transaction() as session:
        campaign = campaigns.create(
            session, name="推送月", content_id=content_id, expression="标签:房颤",
            way="suggestion", at=None, cron="", author="user:1", now=line.clock(),
        )  # fmt: skip
        campaigns.activate(session, campaign.id, line.clock())
        run_id = campaigns.run_now(session, campaign.id, line.clock())
        assert carry_out(session, run_id, line.parts.settings, line.clock())
    line.clock.tick(minutes=5)
    line.work()
    return campaign.id


@ONE_DATABASE
def test_no_card_comes_for_what_was_answered_on_the_list_before(line: Line) -> None:
    prepare(line)
    with line.parts.db.transaction() as session:
        rep = reps.find_rep(session, "wwtestcorp", "rep01")
        assert rep is not None
        rep.daily_at_minute = 18 * 60
        plan_day(session, rep, local(line.clock()).date(), base_url="http://x", now=line.clock())
    (row,) = rows_of(line)
    client, path = enter(line, "rep01"), f"/rep/suggestions/{row.id}"
    send(client, f"{path}/refuse_reason", reason="content")
    line.clock.tick(hours=6, minutes=10)
    line.work()
    assert cards(line) == []
    send(client, f"{path}/reopen")
    assert f'action="{path}/adopt"' in client.get("/rep/").text, "the list has it still"


@ONE_DATABASE
def test_who_wants_no_more_today_gets_no_reminder_either(line: Line, two: list[Suggestion]) -> None:
    send(enter(line, "rep01"), f"/rep/suggestions/{two[0].id}/later", when="afternoon")
    line.do("tap_card", task_id=card_of(line)["task_id"], key="mute")
    line.clock.tick(hours=2)
    line.work()
    assert texts(line) == ["今天不再提醒。"]


@ONE_DATABASE
def test_nothing_of_a_push_that_has_ended_goes_out(line: Line) -> None:
    version = publish(line, "房颤抗凝新进展", ["af"])
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    campaign_id = pushed(line, version.content_id)
    with line.parts.db.transaction() as session:
        stop_campaign(session, campaign_id, Stage.FINISHED, line.clock())
    line.do("tap_card", task_id=cards(line)[0], key="adopt")
    assert "推送已结束" in texts(line)[-1]
    assert rows_of(line)[0].state == State.CANCELLED


@ONE_DATABASE
def test_the_sidebar_says_that_a_task_is_to_be_confirmed(
    line: Line, suggestion: Suggestion
) -> None:
    fresh = publish(line, "房颤患者的随访", ["af"])
    with line.parts.db.transaction() as session:
        rep = reps.find_rep(session, "wwtestcorp", "rep01")
        assert rep is not None
        rep.prefers_group_task = True
    where, me = beside(line, "wang"), line.person("wang").external_userid
    told = send(enter(line, "rep01"), f"/rep/sidebar/topics/{fresh.id}", where, beside=me)
    line.work()
    assert len(line.world.tasks) == 1
    assert "请在企业微信里确认群发任务" in told.text


@ONE_DATABASE
def test_what_is_wanted_later_before_a_day_off_comes_back_on_the_next_working_day(
    line: Line, two: list[Suggestion]
) -> None:
    line.clock.tick(days=3)  # a Friday
    path, where = f"/rep/suggestions/{two[0].id}/later", beside(line, "wang")
    told = send(enter(line, "rep01"), path, where, when="tomorrow").text
    assert "11月30日 周一 再提醒" in told
    other = task_id(two[1].id)
    line.do("tap_card", task_id=other, key="later")
    assert line.world.cards[other]["replaced"] == "下个工作日再提醒"
    line.clock.tick(days=3)
    back = [row.reasons[0] for row in suggest(line) if row.day == local(line.clock()).date()]
    assert back == ["您上次选择了“稍后”"] * 2


@ONE_DATABASE
def test_a_push_that_the_rep_wants_later_is_back_though_no_tag_speaks_for_it(line: Line) -> None:
    lung = publish(line, "肺癌与基因检测", ["nsclc"])
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    pushed(line, lung.content_id)
    line.do("tap_card", task_id=cards(line)[0], key="later")
    line.clock.tick(days=1)
    (again, _first) = suggest(line)
    assert (again.content_id, again.reasons[0]) == (lung.content_id, "您上次选择了“稍后”")
    line.do("tap_card", task_id=cards(line)[1], key="adopt")
    assert "《肺癌与基因检测》" in texts(line)[-1]


@ONE_DATABASE
def test_what_has_come_back_stands_once_beside_the_chat(line: Line) -> None:
    prepare(line)
    for _ in range(2):
        suggest(line)
        line.do("tap_card", task_id=cards(line)[-1], key="later")
        line.clock.tick(days=1)
    suggest(line)
    client, where = enter(line, "rep01"), beside(line, "wang")
    assert client.get(where).text.count('class="main">采用') == 1
    line.do("tap_card", task_id=cards(line)[-1], key="adopt")
    line.clock.tick(days=1)
    assert "给您的建议" not in client.get(where).text


@ONE_DATABASE
def test_nobody_gets_a_content_twice_because_two_reps_adopt_it(
    line: Line, suggestion: Suggestion
) -> None:
    line.do("add_contact", userid="rep02", person="wang")
    where, me = beside(line, "wang"), line.person("wang").external_userid
    path = f"/rep/sidebar/topics/{suggestion.content_version_id}"
    assert "已采用" in send(enter(line, "rep02"), path, where, beside=me).text
    line.work()
    assert "医生已收到或即将收到这份内容" in enter(line, "rep01").get("/rep/").text
    line.do("tap_card", task_id=card_of(line)["task_id"], key="adopt")
    assert "现在不能发送：医生已收到或即将收到这份内容" in texts(line)[-1]
    assert len([one for one in texts(line) + texts(line, "rep02") if "/t/" in one]) == 1


@ONE_DATABASE
def test_who_is_not_shown_a_moment_has_nothing_and_the_rep_knows(
    line: Line, two: list[Suggestion]
) -> None:
    client = enter(line, "rep01")
    form = {"suggestion": [str(row.id) for row in two], "by": "moment"}
    send(client, f"/rep/together/{two[0].content_version_id}", **form)  # type: ignore[arg-type]
    run(line)
    post = moment_of(line)
    line.do("publish_moment", moment_id=post["id"], userid="rep01")
    post["seen"]["rep01"].pop()
    line.clock.tick(hours=1)
    run(line, 1)
    rows = rows_of(line)
    assert sorted(row.state for row in rows) == [State.ADOPTED, State.CANCELLED]
    assert texts(line)[-1].startswith("给 李某某 的内容没有发出：平台没有把朋友圈展示给这位医生。")
    assert "平台没有把朋友圈展示给这位医生" in client.get("/rep/").text
    line.clock.tick(days=1)
    (again,) = {row.id for row in suggest(line)} - {row.id for row in rows}
    assert again, "and may be suggested once more"


@ONE_DATABASE
def test_the_rep_hears_who_has_lost_the_mark_of_a_moment(line: Line, two: list[Suggestion]) -> None:
    client = enter(line, "rep01")
    form = {"suggestion": [str(row.id) for row in two], "by": "moment"}
    send(client, f"/rep/together/{two[0].content_version_id}", **form)  # type: ignore[arg-type]
    run(line)
    stop(line, "wang")
    run(line, 1)
    assert texts(line)[-1] == "给 王某某 的内容没有发出：医生已退订。"


@ONE_DATABASE
def test_a_rep_who_is_not_responsible_hears_of_a_physician_only_where_nobody_else_is(
    line: Line, suggestion: Suggestion
) -> None:
    line.do("add_contact", userid="rep02", person="wang")
    line.do("follow", person="wang")
    client, path = enter(line, "rep01"), f"/rep/suggestions/{suggestion.id}"
    send(client, f"{path}/refuse_reason", reason="not_mine")
    line.clock.tick(minutes=1)
    with line.parts.db.transaction() as session:
        reps.note_chat(session, suggestion.rep_id, suggestion.identifier_id, line.clock())
    for said, hears in (("请代表联系我", "rep02"), ("请让代表回电话", "rep01")):
        line.do("oa_says", person="wang", text=said)
        assert said in texts(line, hears)[-1]
        send(client, f"{path}/reopen")


@ONE_DATABASE
def test_who_is_added_again_after_not_my_physician_is_suggested_again(
    line: Line, suggestion: Suggestion
) -> None:
    client, path = enter(line, "rep01"), f"/rep/suggestions/{suggestion.id}"
    send(client, f"{path}/refuse_reason", reason="not_mine")
    with line.parts.db.transaction() as session:
        (claim,) = feedback.claims.listing(session)
        decide_claim(
            session, claim.id, ClaimState.REMOVED, by="user:1", reason="", now=line.clock()
        )
    line.clock.tick(days=1)
    assert len(suggest(line)) == 1
    line.do("delete_contact", userid="rep01", person="wang", by="rep")
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    line.clock.tick(days=1)
    assert len(suggest(line)) == 2


@ONE_DATABASE
def test_another_answer_on_a_page_that_was_open_before_takes_the_refusal_back(
    line: Line, suggestion: Suggestion
) -> None:
    client, path = enter(line, "rep01"), f"/rep/suggestions/{suggestion.id}"
    where = beside(line, "wang")
    send(client, f"{path}/refuse_reason", reason="not_mine")
    assert "再提醒" in send(client, f"{path}/later", where, when="tomorrow").text
    line.clock.tick(days=1)
    assert len(suggest(line)) == 2, "nobody has to decide about it"
    send(client, f"{path}/refuse_reason", where, reason="not_mine")
    with line.parts.db.transaction() as session:
        (claim,) = feedback.claims.listing(session)
        decide_claim(
            session, claim.id, ClaimState.REMOVED, by="user:1", reason="", now=line.clock()
        )
    assert "已经核实不归您联系" in send(client, f"{path}/later", where, when="tomorrow").text


@ONE_DATABASE
def test_what_a_rep_takes_beside_a_chat_is_no_part_of_the_days_list(
    line: Line, suggestion: Suggestion
) -> None:
    fresh = publish(line, "房颤患者的随访", ["af"])
    other = line.do("invent_person")["key"]
    line.do("add_contact", userid="rep01", person=other)
    line.do("edit_contact", userid="rep01", person=other, tag_ids=["et1"])
    with line.parts.db.transaction() as session:
        rep = reps.find_rep(session, "wwtestcorp", "rep01")
        assert rep is not None
        rep.daily_limit = 1
    line.clock.tick(days=1)
    where, me = beside(line, "wang"), line.person("wang").external_userid
    told = send(enter(line, "rep01"), f"/rep/sidebar/topics/{fresh.id}", where, beside=me)
    assert "已采用" in told.text
    assert len(suggest(line)) == 3, "yesterday's, the own choice, and today's"


@ONE_DATABASE
def test_a_reminder_says_where_an_older_suggestion_is_found(
    line: Line, suggestion: Suggestion
) -> None:
    line.clock.tick(days=1)
    client, where = enter(line, "rep01"), beside(line, "wang")
    path = f"/rep/suggestions/{suggestion.id}"
    assert "再提醒" in send(client, f"{path}/later", where, when="afternoon").text
    line.clock.tick(hours=2)
    line.work()
    assert texts(line)[-1] == "您稍后要处理的建议：王某某。请打开与医生聊天的侧边栏。"
    assert f'action="{path}/adopt"' in client.get(where).text
    assert f'action="{path}/adopt"' not in client.get("/rep/").text


@ONE_DATABASE
def test_the_sidebar_counts_within_the_physicians_own_pace(
    line: Line, suggestion: Suggestion
) -> None:
    client, where = enter(line, "rep01"), beside(line, "wang")
    assert "7 天内还可 2 次" in client.get(where).text
    with line.parts.db.transaction() as session:
        consent.choose(session, suggestion.identifier_id, About.PACE, 14, at=line.clock())
    assert "7 天内还可 1 次" in client.get(where).text
