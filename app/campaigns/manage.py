"""Making, starting, pausing and measuring campaigns."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import distinct, func, select
from sqlalchemy.orm import Session

from app import content, delivery, segments
from app.campaigns.due import check_cron
from app.campaigns.lifecycle import check_move
from app.campaigns.models import Campaign, CampaignWay, Schedule, ScheduleRun, Stage
from app.campaigns.schedule import CAMPAIGN, RUN, add_run
from app.delivery import Dispatch, Way
from app.delivery import State as Sending
from app.infra.db import ring_after_commit
from app.infra.errors import NotFound, Refused
from app.links import PageView, TrackedLink
from app.recommend import State, Suggestion

DIRECT = {CampaignWay.GROUP_TASK: Way.GROUP_TASK, CampaignWay.OA_MESSAGE: Way.OA_TEXT}


@dataclass(frozen=True, slots=True)
class Funnel:
    """How many physicians came how far."""

    planned: int
    delivered: int  # the rep got the card, or the platform took the message
    adopted: int
    sent: int
    opened: int
    read: int


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
) -> Campaign:
    """A draft. Raises Refused, Unparseable."""
    if not name.strip():
        raise Refused("请给推送取一个名字。")
    segments.members(session, expression, now)  # unknown tags and bad grammar are told now
    if session.get(content.Content, content_id) is None:
        raise Refused("请选择内容。")
    if cron:
        check_cron(cron)
    campaign = Campaign(
        name=name.strip(), content_id=content_id, expression=expression.strip(),
        way=CampaignWay(way), created_by=author, created_at=now,
    )  # fmt: skip
    session.add(campaign)
    session.flush()
    session.add(
        Schedule(
            kind=CAMPAIGN, ref_id=campaign.id, cron=cron.strip(), at=None if cron else at,
            catch_up="last", active=False, watermark=now,
        )
    )  # fmt: skip
    session.flush()
    return campaign


def activate(session: Session, campaign_id: int, now: datetime) -> Campaign:
    """Start or resume. The content must be usable now."""
    campaign = get(session, campaign_id)
    check_move(Stage(campaign.stage), Stage.ACTIVE)
    if content.usable_version(session, campaign.content_id, now) is None:
        raise Refused("所选内容还没有批准，或不在有效期内，不能开始推送。")
    schedule = schedule_of(session, campaign_id)
    campaign.stage, schedule.active = Stage.ACTIVE, True
    schedule.watermark = max(schedule.watermark, now) if schedule.cron else schedule.watermark
    session.flush()
    return campaign


def pause(session: Session, campaign_id: int) -> int:
    """Stop; what is queued is cancelled. Returns how many messages were stopped."""
    campaign = get(session, campaign_id)
    check_move(Stage(campaign.stage), Stage.PAUSED)
    campaign.stage = Stage.PAUSED
    schedule_of(session, campaign_id).active = False
    return delivery.cancel_for(session, "推送已暂停", campaign_id=campaign_id)


def finish(session: Session, campaign_id: int) -> None:
    """End for good."""
    campaign = get(session, campaign_id)
    check_move(Stage(campaign.stage), Stage.FINISHED)
    campaign.stage = Stage.FINISHED
    schedule_of(session, campaign_id).active = False
    delivery.cancel_for(session, "推送已结束", campaign_id=campaign_id)


def run_now(session: Session, campaign_id: int, now: datetime) -> int:
    """A run outside the schedule; returns its id. Drafts are started first."""
    campaign = get(session, campaign_id)
    if campaign.stage == Stage.DRAFT:
        activate(session, campaign_id, now)
    elif campaign.stage != Stage.ACTIVE:
        raise Refused("推送已暂停或结束，请先恢复。")
    schedule = schedule_of(session, campaign_id)
    add_run(session, schedule.id, now, now)
    run = session.scalars(
        select(ScheduleRun).where(ScheduleRun.schedule_id == schedule.id, ScheduleRun.due_at == now)
    ).one()
    ring_after_commit(session, RUN, run.id)
    return run.id


def get(session: Session, campaign_id: int) -> Campaign:
    """The campaign. Raises NotFound."""
    campaign = session.get(Campaign, campaign_id)
    if campaign is None:
        raise NotFound("没有这个推送。")
    return campaign


def schedule_of(session: Session, campaign_id: int) -> Schedule:
    """Its schedule."""
    return session.scalars(
        select(Schedule).where(Schedule.kind == CAMPAIGN, Schedule.ref_id == campaign_id)
    ).one()


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


def results(session: Session, campaign_id: int) -> Funnel:
    """The funnel of a campaign."""
    campaign = get(session, campaign_id)
    opened, read = _pages(session, campaign_id)
    if campaign.way == CampaignWay.SUGGESTION:
        rows = session.scalars(
            select(Suggestion).where(Suggestion.campaign_id == campaign_id)
        ).all()
        delivered = [r for r in rows if r.delivered_at is not None]
        adopted = [r for r in rows if r.state == State.ADOPTED]
        sent = [r for r in adopted if r.forwarded_at is not None]
        return Funnel(len(rows), len(delivered), len(adopted), len(sent), opened, read)
    messages = session.scalars(
        select(Dispatch).where(
            Dispatch.campaign_id == campaign_id,
            Dispatch.way == DIRECT[CampaignWay(campaign.way)],
        )
    ).all()
    took = [row for row in messages if row.state == Sending.SENT]
    confirmed = (
        took
        if campaign.way == CampaignWay.OA_MESSAGE
        else [row for row in took if row.errcode == 1]
    )
    return Funnel(len(messages), len(took), len(confirmed), len(confirmed), opened, read)


def _pages(session: Session, campaign_id: int) -> tuple[int, int]:
    row = session.execute(
        select(
            func.count(distinct(TrackedLink.identifier_id)).label("opened"),
            func.count(distinct(TrackedLink.identifier_id))
            .filter(PageView.read_at.is_not(None))
            .label("read"),
        )
        .join(PageView, PageView.link_id == TrackedLink.id)
        .where(TrackedLink.campaign_id == campaign_id)
    ).one()
    return row.opened, row.read
