"""A schedule's run: a rep's plan of the day, or a campaign."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app import campaigns, reps
from app.campaigns import Stage
from app.flows.campaigns.run_campaign import run_campaign
from app.flows.planning.plan_day import plan_day
from app.infra.clock import local
from app.infra.settings import Settings
from app.infra.workdays import is_workday

LATEST_PLAN = timedelta(hours=8)  # after an outage: a morning's plan in the evening would disturb


def carry_out(session: Session, run_id: int, settings: Settings, now: datetime) -> bool:
    """Do what the run asks for, in one transaction; False when there is nothing to do."""
    begun = campaigns.begin_run(session, run_id, now)
    if begun is None:
        return False
    run, schedule = begun
    if schedule.kind == campaigns.DAILY_PLAN:
        run.state, run.finished_at = "done", now
        if now - run.due_at > LATEST_PLAN:
            run.left_out = {"too_late": 1}
            return True
        day = local(run.due_at).date()
        if not is_workday(day):  # it was due before the year's calendar was announced
            run.left_out = {"rest_day": 1}
            return True
        rep = reps.get_rep(session, schedule.ref_id)
        plan = plan_day(session, rep, day, base_url=settings.yishu_base_url, now=now)
        run.planned, run.left_out = plan.suggested, plan.left_out
        return True
    campaign = campaigns.get(session, schedule.ref_id)
    if campaign.stage != Stage.ACTIVE:  # somebody wanted that: nothing has failed
        run.state, run.error, run.finished_at = "cancelled", campaigns.NOT_RUNNING, now
        return False
    run_campaign(
        session, campaign, run, app_id=settings.oa_app_id, base_url=settings.yishu_base_url,
        template_id=settings.oa_template_id, now=now,
    )  # fmt: skip
    return True
