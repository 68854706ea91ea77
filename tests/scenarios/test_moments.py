"""A moment that does not go straight on: who may not see it any more, ends, refusals, late words."""

from __future__ import annotations

from collections import Counter
from datetime import timedelta
from typing import Any

import pytest
from sqlalchemy import select

from app import campaigns, consent, content, delivery, identity, links, segments
from app.connectors.errors import BadCredential, BadRequest, Busy, NotAllowed, OutcomeUnknown
from app.connectors.wecom.moments import MomentJob, Moments
from app.content import Content
from app.delivery import Dispatch, Receipt, Way
from app.delivery.moment_models import Moment, Step
from app.flows.answers import refusal
from app.flows.campaigns.carry_out import carry_out
from app.flows.campaigns.stop_campaign import stop_campaign
from app.flows.campaigns.withdraw_content import withdraw_content
from app.flows.insight import contents
from app.flows.pages.stop_or_resume import stop_or_resume
from app.flows.planning import attention
from app.flows.sending import moments
from app.flows.sending.moment_asked import STUCK, ask
from app.identity import Id, Identifier, Kind
from app.infra.errors import Refused
from app.links import TrackedLink
from app.recommend import State, Suggestion
from tests.scenarios.conftest import Line, renewed, spare
from tests.scenarios.test_rep_page import enter, send
from tests.scenarios.test_suggestion_line import dispatches, texts
from tests.scenarios.test_ways import moment_campaign, moment_of, rows_of, run, two
from tests.segments.test_index import ONE_DATABASE
from workers.moments import keep_moments

__all__ = ["two"]


def stop(line: Line, person: str) -> None:
    with line.parts.db.transaction() as session:
        row = identity.find(
            session,
            Id(Kind.WECOM_EXTERNAL_USERID, "wwtestcorp", line.person(person).external_userid),
        )
        assert row is not None
        stop_or_resume(
            session, row, True, source="keyword", evidence="退订", ref="stop", channel="oa",
            at=line.clock(), now=line.clock(),
        )  # fmt: skip


def settled(line: Line) -> Moment:
    """It waits for the rep, and the next look is half an hour away."""
    run(line)
    line.clock.tick(hours=3)
    return run(line, 1)


def marked(line: Line) -> list[str]:
    return [s.external_userid for s in line.world.relations if len(s.tag_ids) > 1]


def test_who_opts_out_after_being_marked_loses_the_mark_and_the_others_see_the_moment(
    line: Line, two: list[Suggestion]
) -> None:
    client = enter(line, "rep01")
    form = {"suggestion": [str(row.id) for row in two], "by": "moment"}
    send(client, f"/rep/together/{two[0].content_version_id}", **form)  # type: ignore[arg-type]
    assert settled(line).step == Step.CONFIRMING
    assert len(marked(line)) == 2
    with line.parts.db.transaction() as session:
        consent.policy_row(session, line.clock()).cap_contacts = 1
    stop(line, "wang")
    assert run(line, 1).step == Step.CONFIRMING, "of all reasons the cap takes no mark"
    wang, li = line.person("wang").external_userid, line.person("li").external_userid
    assert marked(line) == [li]
    line.do("publish_moment", moment_id=moment_of(line)["id"], userid="rep01")
    assert run(line, 60).step == Step.PUBLISHED
    receipts = {
        d.payload["external_userid"]: (d.receipt, d.counts_as_contact)
        for d in dispatches(line, Way.MOMENT_VIEW)
    }
    assert receipts == {wang: (Receipt.NOT_SEEN, False), li: (Receipt.FORWARDED, True)}
    states = {row.identifier_id: row.state for row in rows_of(line)}
    assert sorted(states.values()) == [State.ADOPTED, State.CANCELLED]


def test_a_moment_that_nobody_may_see_any_more_is_taken_back(line: Line) -> None:
    moment_campaign(line)
    assert settled(line).step == Step.CONFIRMING
    spare(line, dispatches(line, Way.MOMENT_VIEW)[0].identifier_id or 0, "投诉过我司的医生")
    assert run(line, 1).step == Step.FAILED
    assert (moment_of(line)["cancelled"], marked(line)) == (True, [])


def test_who_opts_out_while_others_are_marked_is_not_asked_for(line: Line) -> None:
    moment_campaign(line)
    line.clock.tick(seconds=10)
    keep_moments(line.parts)
    line.work()
    assert marked(line)
    stop(line, "wang")
    assert run(line).step == Step.FAILED
    assert (line.world.moments, marked(line)) == ({}, [])


def test_a_paused_campaign_makes_no_moment_and_resuming_makes_it(line: Line) -> None:
    campaign_id = moment_campaign(line)
    with line.parts.db.transaction() as session:
        stop_campaign(session, campaign_id, campaigns.Stage.PAUSED, line.clock())
    assert (run(line).step, line.world.moments) == (Step.FAILED, {})
    with line.parts.db.transaction() as session:
        campaigns.activate(session, campaign_id, line.clock())
        (waiting,) = campaigns.unfinished(session, line.clock())
        carry_out(session, waiting.id, line.parts.settings, line.clock())
        session.delete(session.scalars(select(Moment)).first())  # `run` looks at the only one
    assert run(line).step == Step.CONFIRMING


@ONE_DATABASE
def test_a_moment_that_a_new_version_ended_is_made_with_that_one(line: Line) -> None:
    campaign_id = moment_campaign(line)
    moment = settled(line)
    assert moment.step == Step.CONFIRMING
    renewed(line, moment.content_version_id)
    assert settled(line).step == Step.FAILED
    with line.parts.db.reading() as session:
        again, _first = campaigns.runs_of(session, campaign_id)
        assert again.state == "due"


def test_a_moment_that_outlives_a_short_pause_is_made_again_after_a_longer_one(line: Line) -> None:
    campaign_id = moment_campaign(line)
    assert settled(line).step == Step.CONFIRMING
    with line.parts.db.transaction() as session:
        for _ in range(2):  # nobody has looked at it in between
            stop_campaign(session, campaign_id, campaigns.Stage.PAUSED, line.clock.tick(seconds=1))
            campaigns.activate(session, campaign_id, line.clock.tick(seconds=1))
        assert not campaigns.unfinished(session, line.clock())
        stop_campaign(session, campaign_id, campaigns.Stage.PAUSED, line.clock.tick(hours=1))
    assert run(line, 1).step == Step.FAILED
    with line.parts.db.transaction() as session:
        campaigns.activate(session, campaign_id, line.clock.tick(hours=1))
        assert len(campaigns.unfinished(session, line.clock())) == 1


def test_a_finished_campaign_takes_its_moment_back_unless_it_is_published(line: Line) -> None:
    campaign_id = moment_campaign(line)
    assert settled(line).step == Step.CONFIRMING
    with line.parts.db.transaction() as session:
        stop_campaign(session, campaign_id, campaigns.Stage.FINISHED, line.clock())
    assert run(line, 1).step == Step.FAILED
    assert (moment_of(line)["cancelled"], marked(line)) == (True, [])


def test_what_was_published_before_its_content_ended_was_seen(line: Line) -> None:
    moment_campaign(line)
    assert settled(line).step == Step.CONFIRMING
    line.do("publish_moment", moment_id=moment_of(line)["id"], userid="rep01")
    with line.parts.db.transaction() as session:
        (row,) = session.scalars(select(Moment))
        withdraw_content(session, row.content_version_id, reason="召回", now=line.clock())
    assert run(line, 1).step == Step.PUBLISHED
    (view,) = dispatches(line, Way.MOMENT_VIEW)
    assert (view.receipt, view.counts_as_contact) == (Receipt.FORWARDED, True)


def test_a_tag_that_is_refused_ends_the_moment_at_once_and_one_that_is_late_after_a_day(
    line: Line,
) -> None:
    platform = line.parts.outside.wecom["wwtestcorp"].moments
    problem: Exception = Busy("busy")

    def own_tag(_name: str) -> str:
        raise problem

    platform.own_tag = own_tag  # type: ignore[method-assign]
    moment_campaign(line)
    assert run(line, 1).step == Step.NEW
    line.clock.tick(hours=25)
    assert (run(line, 1).step, run(line, 1).error) == (Step.FAILED, "一天内没有准备好")
    with line.parts.db.transaction() as session:
        (row,) = session.scalars(select(Moment))
        row.step, row.created_at, row.check_at = Step.NEW, line.clock(), line.clock()
        row_id = row.id
    problem = BadRequest("externalcontact/add_corp_tag: errcode 40068")
    keep_moments(line.parts)
    with line.parts.db.reading() as session:
        assert session.get_one(Moment, row_id).step == Step.FAILED
    assert not any("40068" in text for text in texts(line)), "reps read words"


def test_a_moment_counts_when_it_is_seen_and_not_when_nobody_saw_it(line: Line) -> None:
    moment_campaign(line)
    assert run(line).step == Step.CONFIRMING
    line.clock.tick(days=6)
    line.do("publish_moment", moment_id=moment_of(line)["id"], userid="rep01")
    assert run(line, 2).step == Step.PUBLISHED
    (view,) = dispatches(line, Way.MOMENT_VIEW)
    assert view.identifier_id
    assert view.sent_at is not None
    assert line.clock() - view.sent_at < timedelta(minutes=2), "the cap's days run from here"
    with line.parts.db.transaction() as session:
        seen = delivery.moments_this_month(session, [view.identifier_id], line.clock())
        session.get_one(Dispatch, view.id).receipt = Receipt.NOT_SEEN
    with line.parts.db.reading() as session:
        unseen = delivery.moments_this_month(session, [view.identifier_id], line.clock())
    assert (seen, unseen) == ({view.identifier_id: 1}, {view.identifier_id: 0})


def test_a_campaigns_suggestion_in_a_moment_stays_the_campaigns(
    line: Line, two: list[Suggestion]
) -> None:
    with line.parts.db.transaction() as session:
        campaign = campaigns.create(
            session, name="房颤月", content_id=two[0].content_id, expression="标签:房颤",
            way="suggestion", at=None, cron="", author="user:1", now=line.clock(),
        )  # fmt: skip
        campaigns.activate(session, campaign.id, line.clock())
        session.get_one(Suggestion, two[0].id).campaign_id = campaign.id
    client = enter(line, "rep01")
    form = {"suggestion": [str(row.id) for row in two], "by": "moment"}
    send(client, f"/rep/together/{two[0].content_version_id}", **form)  # type: ignore[arg-type]
    assert settled(line).step == Step.CONFIRMING
    views = {d.suggestion_id: d.campaign_id for d in dispatches(line, Way.MOMENT_VIEW)}
    assert views == {two[0].id: campaign.id, two[1].id: None}
    with line.parts.db.transaction() as session:
        stop_campaign(session, campaign.id, campaigns.Stage.PAUSED, line.clock())
    assert run(line, 1).step == Step.CONFIRMING
    assert len(marked(line)) == 1, "who sees it for the campaign does so no longer"
    with line.parts.db.transaction() as session:
        other = session.get_one(Suggestion, two[1].id)
        refusal.follow(session, other, "not_mine", "", line.clock())
    assert run(line, 1).step == Step.FAILED
    assert marked(line) == [], "nor the physician that the rep does not know"


def test_a_job_that_the_platform_forgot_is_looked_for_by_its_link(line: Line) -> None:
    moments = line.parts.outside.wecom["wwtestcorp"].moments

    def forgotten(_job_id: str) -> MomentJob:
        raise BadRequest("errcode 40058")

    moments.job = forgotten  # type: ignore[method-assign]
    moment_campaign(line)
    assert run(line).step == Step.CONFIRMING


def test_a_moment_without_a_tag_is_never_asked_for() -> None:
    class Silent:
        def post(self, _path: str, _body: dict[str, Any]) -> dict[str, Any]:
            return {}

    with pytest.raises(OutcomeUnknown):
        Moments(Silent()).own_tag("moment-1")  # type: ignore[arg-type]


def test_a_tag_goes_in_the_end_whatever_the_platform_says_at_first(line: Line) -> None:
    moments = line.parts.outside.wecom["wwtestcorp"].moments
    moment_campaign(line)
    row = run(line)
    assert row.step == Step.CONFIRMING
    original = moments.drop_tag

    def gone(_moment_id: str) -> None:
        raise BadRequest("errcode 40058")

    def busy(_tag_id: str) -> None:
        raise Busy("busy")

    moments.cancel, moments.drop_tag = gone, busy  # type: ignore[method-assign]
    line.clock.tick(days=15)
    assert run(line, 1).step == Step.FAILED
    assert marked(line)
    moments.drop_tag = original  # type: ignore[method-assign]
    line.clock.tick(hours=1)
    run(line, 1)
    assert marked(line) == []


def together(line: Line, two: list[Suggestion]) -> None:
    client = enter(line, "rep01")
    form = {"suggestion": [str(row.id) for row in two], "by": "moment"}
    send(client, f"/rep/together/{two[0].content_version_id}", **form)  # type: ignore[arg-type]


def the_moment(line: Line) -> Moment:
    with line.parts.db.reading() as session:
        return session.scalars(select(Moment)).one()


def test_who_opts_out_while_the_task_is_being_made_loses_the_mark_before_anybody_can_publish(
    line: Line, two: list[Suggestion]
) -> None:
    together(line, two)
    while the_moment(line).step != Step.ASKING:
        line.clock.tick(seconds=6)
        keep_moments(line.parts)
        line.work() if the_moment(line).step != Step.ASKING else None
    line.clock.tick(hours=3)
    stop(line, "wang")
    while the_moment(line).step != Step.CONFIRMING:
        keep_moments(line.parts)
        line.work()
        line.clock.tick(seconds=6)
    keep_moments(line.parts)
    assert marked(line) == [line.person("li").external_userid]
    row = the_moment(line)
    for relation in line.world.relations:  # somebody gives the mark back by hand
        relation.tag_ids = sorted({*relation.tag_ids, row.tag_id})
    line.do("publish_moment", moment_id=row.moment_id, userid="rep01")
    line.clock.tick(hours=1)
    assert run(line, 1).step == Step.PUBLISHED
    views = dispatches(line, Way.MOMENT_VIEW)
    assert [(v.receipt, v.counts_as_contact) for v in views] == 2 * [(Receipt.FORWARDED, True)]


def test_an_opt_out_while_publication_is_noted_takes_it_from_nobody_else(
    line: Line, two: list[Suggestion]
) -> None:
    together(line, two)
    row = settled(line)
    line.do("publish_moment", moment_id=moment_of(line)["id"], userid="rep01")
    line.clock.tick(hours=2)
    with line.parts.db.transaction() as session:
        question = moments.look(session, row.id, line.clock())
    assert question is not None
    answer = ask(question, line.parts.outside.wecom)
    assert answer.published
    stop(line, "wang")
    with line.parts.db.transaction() as session:
        moments.note(session, question, answer, line.clock())
    keep_moments(line.parts)
    assert len(marked(line)) == 2, "published is published; the tag lives a week"


@ONE_DATABASE
def test_a_mark_that_the_platform_does_not_take_back_ends_the_moment_for_everybody(
    line: Line, two: list[Suggestion], monkeypatch: pytest.MonkeyPatch
) -> None:
    together(line, two)
    assert run(line).step == Step.CONFIRMING
    line.do("delete_contact", userid="rep01", person="wang", by="rep")
    assert run(line, 2).step == Step.CONFIRMING, "who is no friend any more sees it no more"

    problem: Exception = BadCredential("40001")

    def refused(*_given: object) -> None:
        raise problem

    monkeypatch.setattr(line.parts.outside.wecom["wwtestcorp"], "mark_tag", refused)
    stop(line, "li")
    assert run(line, 2).step == Step.CONFIRMING, "an administrator's to mend"
    problem = BadRequest("errcode 40068")
    row = run(line, 5)
    assert (row.step, row.error) == (Step.FAILED, STUCK)
    assert (moment_of(line)["cancelled"], marked(line)) == (True, [])


@ONE_DATABASE
def test_a_moment_is_looked_at_when_its_content_ends(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    def unknown(*_given: object) -> None:
        raise Refused("没有这个人群。")

    moment_campaign(line)
    row = run(line)
    line.clock.tick(hours=7)
    with line.parts.db.transaction() as session:
        version = content.get_version(session, row.content_version_id)
        version.valid_until = line.clock() + timedelta(minutes=10)
    monkeypatch.setattr(segments.suppression, "held_back", unknown)
    assert run(line, 5).step == Step.CONFIRMING, "lists that cannot be evaluated take no mark"
    monkeypatch.undo()  # without its end the next look is in an hour
    assert run(line, 6).step == Step.FAILED


def test_a_pause_is_remembered_though_the_platform_is_busy(
    line: Line, monkeypatch: pytest.MonkeyPatch
) -> None:
    campaign_id = moment_campaign(line)
    settled(line)

    def busy(*_given: object) -> None:
        raise Busy("busy")

    with line.parts.db.transaction() as session:
        stop_campaign(session, campaign_id, campaigns.Stage.PAUSED, line.clock())
    with monkeypatch.context() as patch:
        patch.setattr(line.parts.outside.wecom["wwtestcorp"].moments, "drop_tag", busy)
        assert run(line, 3).step == Step.FAILED
    with line.parts.db.transaction() as session:
        campaigns.activate(session, campaign_id, line.clock())
        assert len(campaigns.unfinished(session, line.clock())) == 1


@pytest.mark.parametrize("problem", [BadCredential("40001"), NotAllowed("60020")])
@pytest.mark.parametrize("published", [True, False])
def test_what_an_administrator_must_mend_ends_no_moment(
    line: Line, monkeypatch: pytest.MonkeyPatch, problem: Exception, published: bool
) -> None:
    platform = line.parts.outside.wecom["wwtestcorp"].moments

    def bad(*_given: object) -> None:
        raise problem

    with monkeypatch.context() as patch:
        patch.setattr(platform, "own_tag", bad)
        moment_campaign(line)
        assert run(line, 1).step == Step.NEW
    row = settled(line)
    assert row.step == Step.CONFIRMING
    if published:
        line.do("publish_moment", moment_id=row.moment_id, userid="rep01")
    with monkeypatch.context() as patch:
        for name in ("is_published", "cancel", "drop_tag"):
            patch.setattr(platform, name, bad)
        with line.parts.db.transaction() as session:
            withdraw_content(session, row.content_version_id, reason="召回", now=line.clock())
        assert run(line, 20).step == Step.CONFIRMING
    line.clock.tick(hours=2)
    assert run(line, 2).step == (Step.PUBLISHED if published else Step.FAILED)
    (view,) = dispatches(line, Way.MOMENT_VIEW)
    assert view.counts_as_contact == published
    assert published or (moment_of(line)["cancelled"] and not marked(line))


def test_a_seen_moment_counts_for_its_brand_and_its_opening_for_no_specialty(line: Line) -> None:
    moment_campaign(line)
    row = settled(line)
    line.do("publish_moment", moment_id=row.moment_id, userid="rep01")
    assert run(line, 60).step == Step.PUBLISHED
    (view,) = dispatches(line, Way.MOMENT_VIEW)
    version_id = row.content_version_id
    with line.parts.db.transaction() as session:
        link = session.scalars(select(TrackedLink).where(TrackedLink.channel == "moment")).one()
        links.open_page(session, link.id, "visit-0001", agent="wechat", now=line.clock())
        one_id = session.get_one(Identifier, view.identifier_id).one_id
        piece = session.get_one(Content, content.get_version(session, version_id).content_id)
        piece.brand_id = content.add_brand(session, "loud", "示例", "心血管").id
        session.flush()
        assert attention.had_of_brands(session, [one_id], line.clock()) == {
            one_id: Counter({piece.brand_id: 1})
        }
        by, ways = contents.split(session, version_id, line.clock(), 28)
        assert [(f.sent, f.opened) for f in by.values()] == [(1, 0)]
        assert [(f.sent, f.opened) for f in ways.values()] == [(1, 1)]
