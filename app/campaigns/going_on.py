"""A content has a newer version: pushes that are under way go on with it."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from app import content
from app.campaigns.manage import STOPPED, get, run_now, schedule_of
from app.campaigns.models import Campaign, Stage
from app.campaigns.schedule import add_run
from app.delivery import Dispatch
from app.delivery import State as Sending
from app.delivery.moment_models import Moment, Step

SOON = timedelta(minutes=1)
GAP = timedelta(days=7)  # between two versions; after a longer one nobody expects a push any more


def go_on(session: Session, replaced: content.ContentVersion, now: datetime) -> None:
    """Run those again that are under way and had messages or moments waiting with this version,
    which were cancelled since there is a newer one, or since it was over not long before that."""
    whys = [replaced.withdraw_reason]
    if replaced.valid_until is not None and now - replaced.valid_until <= GAP:
        whys.append(content.EXPIRED)
    stopped = exists().where(
        Dispatch.campaign_id == Campaign.id, Dispatch.content_version_id == replaced.id,
        Dispatch.state == Sending.CANCELLED, or_(*map(Dispatch.error.contains, whys)),
    )  # fmt: skip
    ended = exists().where(
        Moment.campaign_id == Campaign.id, Moment.content_version_id == replaced.id,
        Moment.step == Step.FAILED, or_(*map(Moment.error.contains, whys)),
    )  # fmt: skip
    chosen = select(Campaign.id).where(
        Campaign.content_id == replaced.content_id, Campaign.stage == Stage.ACTIVE,
        or_(stopped, ended),
    )  # fmt: skip
    for campaign_id in session.scalars(chosen).all():
        run_now(session, campaign_id, now)


def go_on_soon(
    session: Session, campaign_id: int | None, version_id: int | None, why: str, now: datetime
) -> None:
    """The same of what is taken back one by one after that, as a rep had not confirmed it yet or a
    worker had it in its hands, or is taken back for a pause (it says so in `why`) that is over
    since: one run for all of the same minute, when it is over. Nothing for anything else."""
    if campaign_id is None or version_id is None:
        return
    campaign, old = get(session, campaign_id), content.get_version(session, version_id)
    newer = content.usable_version(session, old.content_id, now)
    renewed = newer is not None and newer.id != old.id
    if (
        campaign.stage == Stage.ACTIVE
        and campaign.content_id == old.content_id
        and (renewed or why.startswith(STOPPED[Stage.PAUSED]))
    ):
        due = now.replace(second=0, microsecond=0) + SOON
        add_run(session, schedule_of(session, campaign_id).id, due, due)
