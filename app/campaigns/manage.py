"""Making, changing, starting and pausing campaigns."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import autotag, content, delivery, segments
from app.campaigns.audience import follow_rename
from app.campaigns.due import (
    USUAL_CATCH_UP,
    CatchUp,
    check_catch_up,
    check_cron,
    next_due,
    next_times,
)
from app.campaigns.lifecycle import check_move
from app.campaigns.models import Campaign, CampaignWay, Schedule, ScheduleRun, Stage
from app.campaigns.schedule import CAMPAIGN, RUN, add_run, rest, wake
from app.delivery import Dispatch
from app.delivery import State as Sending
from app.infra.clock import local
from app.infra.db import ring_after_commit
from app.infra.errors import NotFound, Refused
from app.recommend import State, Suggestion
from app.segments.nodes import CampaignIs

STOPPED = {Stage.PAUSED: "推送已暂停", Stage.FINISHED: "推送已结束"}  # why a message was cancelled
NOT_RUNNING = "推送未在进行中"  # why a run was not carried out


def create(
    session: Session,
    *,
    name: str,
    content_id: int,
    expression: str,
    way: str,
    at: datetime | None,
    cron: str,
    author: str,
    now: datetime,
    catch_up: str = CatchUp.LAST,
    max_catch_up: int = USUAL_CATCH_UP,
) -> Campaign:
    """A draft; without `at` and `cron` it runs by hand. Raises Refused, Unparseable."""
    campaign = Campaign(created_by=author, created_at=now)
    schedule = Schedule(kind=CAMPAIGN, active=False, since=now, watermark=now)
    catching_up(schedule, catch_up, max_catch_up)
    _fill(session, campaign, schedule, name, content_id, expression, way, at, cron, now)
    session.add(campaign)
    session.flush()
    schedule.ref_id = campaign.id
    session.add(schedule)
    session.flush()
    return campaign


def edit(
    session: Session,
    campaign_id: int,
    *,
    name: str,
    content_id: int,
    expression: str,
    way: str,
    at: datetime | None,
    cron: str,
    now: datetime,
) -> Campaign:
    """Change a draft or a paused campaign; what has been sent stays. Raises Refused."""
    campaign = get(session, campaign_id)
    if campaign.stage not in (Stage.DRAFT, Stage.PAUSED):
        raise Refused("请先暂停，再修改推送。")
    schedule = schedule_of(session, campaign_id)
    _fill(session, campaign, schedule, name, content_id, expression, way, at, cron, now)
    session.flush()
    return campaign


def activate(session: Session, campaign_id: int, now: datetime) -> Campaign:
    """Start or resume. The content must be usable at the first run.

    What is due already runs at once, and so does what the last pause has stopped; times of a `cron`
    that fell into a pause are not made up for.
    """
    campaign = get(session, campaign_id)
    resumed = campaign.stage == Stage.PAUSED
    check_move(Stage(campaign.stage), Stage.ACTIVE)
    schedule = schedule_of(session, campaign_id)
    at = schedule.at
    passed = at is not None and at <= now
    waits = passed and not any(run.due_at >= at for run in runs_of(session, campaign_id))  # type: ignore[operator]
    at_once = waits or (resumed and _was_stopped(session, schedule))
    first = None if at_once else next_due(schedule.cron, schedule.at, now)
    _check_content(session, campaign, now, first or now)
    campaign.stage = Stage.ACTIVE
    if at_once:
        _run(session, schedule, now)
    wake(schedule, now)
    session.flush()
    return campaign


def halt(session: Session, campaign_id: int, stage: Stage) -> None:
    """Pause or end: it runs no more; for what it has queued see `flows/campaigns/stop_campaign`.
    Raises Refused."""
    campaign = get(session, campaign_id)
    check_move(Stage(campaign.stage), stage)
    campaign.stage = stage
    rest(schedule_of(session, campaign_id))


def run_now(session: Session, campaign_id: int, now: datetime) -> int:
    """A run outside the schedule; returns its id. Drafts are started first."""
    campaign = get(session, campaign_id)
    if campaign.stage == Stage.DRAFT:
        _check_content(session, campaign, now, now)
        activate(session, campaign_id, now)
    elif campaign.stage != Stage.ACTIVE:
        raise Refused("推送已暂停或结束，请先恢复。")
    return _run(session, schedule_of(session, campaign_id), now)


def get(session: Session, campaign_id: int) -> Campaign:
    """The campaign. Raises NotFound."""
    campaign = session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFound("没有这个推送。")
    return campaign


def why_stopped(session: Session, campaign_id: int | None) -> str:
    """Why a campaign does not go on; empty for a running one and for none."""
    campaign = None if campaign_id is None else session.get(Campaign, campaign_id)
    return "" if campaign is None else STOPPED.get(Stage(campaign.stage), "")


def schedule_of(session: Session, campaign_id: int) -> Schedule:
    """Its schedule."""
    return session.scalars(
        select(Schedule).where(Schedule.kind == CAMPAIGN, Schedule.ref_id == campaign_id)
    ).one()


def catching_up(schedule: Schedule, catch_up: str, max_catch_up: int) -> None:
    """Say what happens to times that are missed. Raises Refused."""
    check_catch_up(catch_up, max_catch_up)
    schedule.catch_up, schedule.max_catch_up = CatchUp(catch_up), max_catch_up


def coming(schedule: Schedule, now: datetime, number: int = 3) -> list[datetime]:
    """The next times of a schedule, also of one that rests."""
    return next_times(schedule.cron, schedule.at, now, number)


def runs_of(session: Session, campaign_id: int) -> Sequence[ScheduleRun]:
    """Its runs, newest first."""
    return session.scalars(
        select(ScheduleRun)
        .where(ScheduleRun.schedule_id == schedule_of(session, campaign_id).id)
        .order_by(ScheduleRun.id.desc())
    ).all()


def listing(session: Session) -> Sequence[Campaign]:
    """All campaigns, newest first."""
    return session.scalars(select(Campaign).order_by(Campaign.id.desc())).all()


def _fill(
    session: Session,
    campaign: Campaign,
    schedule: Schedule,
    name: str,
    content_id: int,
    expression: str,
    way: str,
    at: datetime | None,
    cron: str,
    now: datetime,
) -> None:
    if not name.strip():
        raise Refused("请给推送取一个名字。")
    if way not in {known.value for known in CampaignWay}:
        raise Refused("请选择推送方式。")
    segments.check(session, expression, now)  # unknown names and bad grammar are told now
    if session.get(content.Content, content_id) is None:
        raise Refused("请选择内容。")
    if cron.strip() and at is not None:
        raise Refused("“一次”和“定时重复”只能选一个。")
    if cron.strip():
        check_cron(cron)
    if campaign.id and campaign.name != name.strip():
        _follow_name(session, campaign, name.strip())
    campaign.name, campaign.content_id = name.strip(), content_id
    campaign.expression, campaign.way = expression.strip(), CampaignWay(way)
    schedule.cron, schedule.at = cron.strip(), at
    # A time that is set anew is due anew.
    schedule.watermark = min(schedule.watermark, now)


def _follow_name(session: Session, campaign: Campaign, new: str) -> None:
    """Expressions that speak of this campaign alone go on to do so."""
    others = select(Campaign.id).where(Campaign.name == campaign.name, Campaign.id != campaign.id)
    if session.scalar(others.limit(1)) is None:
        segments.saved.follow_rename(session, CampaignIs, campaign.name, new)
        follow_rename(session, CampaignIs, campaign.name, new)
        autotag.follow_rename(session, CampaignIs, campaign.name, new)


def _check_content(session: Session, campaign: Campaign, now: datetime, first: datetime) -> None:
    """Raises Refused when a run at `first` would find nothing to send."""
    if content.usable_version(session, campaign.content_id, first) is not None:
        return
    if first > now:
        at = f"{local(first):%Y-%m-%d %H:%M}"
        raise Refused(f"到 {at} 第一次执行时，所选内容不在有效期内，不能开始推送。")
    raise Refused("所选内容还没有批准，或不在有效期内，不能开始推送。")


def _run(session: Session, schedule: Schedule, now: datetime) -> int:
    add_run(session, schedule.id, now, now)
    run = session.scalars(
        select(ScheduleRun).where(ScheduleRun.schedule_id == schedule.id, ScheduleRun.due_at == now)
    ).one()
    ring_after_commit(session, RUN, run.id)
    return run.id


def _was_stopped(session: Session, schedule: Schedule) -> bool:
    """Has the pause that is over now stopped messages, suggestions, a moment, or a run before it
    began, whatever else stood against them? What earlier pauses have stopped had its turn when
    `schedule` was woken after them."""
    why, campaign_id, since = STOPPED[Stage.PAUSED], schedule.ref_id, schedule.since
    message = select(Dispatch.id).where(
        Dispatch.campaign_id == campaign_id, Dispatch.error.startswith(why),
        Dispatch.state == Sending.CANCELLED, Dispatch.created_at >= since,
    )  # fmt: skip
    suggested = select(Suggestion.id).where(
        Suggestion.campaign_id == campaign_id, Suggestion.state == State.CANCELLED,
        Suggestion.verdict["refused"].as_string().startswith(why), Suggestion.created_at >= since,
    )  # fmt: skip
    run = select(ScheduleRun.id).where(
        ScheduleRun.schedule_id == schedule.id, ScheduleRun.error == NOT_RUNNING,
        ScheduleRun.created_at >= since,
    )  # fmt: skip
    return any(
        session.scalar(found.limit(1)) is not None for found in (message, suggested, run)
    ) or delivery.moments.ended_by(session, why, campaign_id, since)
