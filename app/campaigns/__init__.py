"""Scheduled pushes of content to a segment, and the schedules that wake them and the day plan."""

from app.campaigns.due import check_cron, due_times, next_due
from app.campaigns.lifecycle import NAMES as STAGE_NAMES
from app.campaigns.manage import (
    activate,
    create,
    edit,
    finish,
    get,
    listing,
    pause,
    run_now,
    runs_of,
    schedule_of,
)
from app.campaigns.models import Campaign, CampaignWay, Schedule, ScheduleRun, Stage
from app.campaigns.results import STEP_NAMES, Funnel, Step, reached, results
from app.campaigns.schedule import (
    CAMPAIGN,
    DAILY_PLAN,
    begin_run,
    fail_run,
    keep_daily_plans,
    tick,
    unfinished,
)

__all__ = [
    "CAMPAIGN",
    "DAILY_PLAN",
    "STAGE_NAMES",
    "STEP_NAMES",
    "Campaign",
    "CampaignWay",
    "Funnel",
    "Schedule",
    "ScheduleRun",
    "Stage",
    "Step",
    "activate",
    "begin_run",
    "check_cron",
    "create",
    "due_times",
    "edit",
    "fail_run",
    "finish",
    "get",
    "keep_daily_plans",
    "listing",
    "next_due",
    "pause",
    "reached",
    "results",
    "run_now",
    "runs_of",
    "schedule_of",
    "tick",
    "unfinished",
]
