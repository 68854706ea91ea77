"""When a schedule is due. Pure; cron times are wall time in China, which has no daylight saving."""

from __future__ import annotations

from datetime import datetime, timedelta

from apscheduler.triggers.cron import CronTrigger

from app.infra.clock import SHANGHAI
from app.infra.errors import Refused

MAX_CATCH_UP = 50
LATE = timedelta(minutes=10)  # with "skip", a run later than this is not made up for


def check_cron(cron: str) -> None:
    """Raises Refused with a sentence when `cron` (five fields) cannot be read."""
    try:
        CronTrigger.from_crontab(cron, timezone=SHANGHAI)
    except ValueError:
        raise Refused(
            "看不懂定时写法。例如每周一 10:05 写 5 10 * * mon，每天 9:20 写 20 9 * * *。"
        ) from None


def due_times(
    cron: str, at: datetime | None, catch_up: str, after: datetime, until: datetime
) -> list[datetime]:
    """Due times in (after, until] that should run now; `catch_up` is skip, last or all."""
    if at is not None:
        found = [at] if after < at <= until else []
    else:
        found = _cron_times(cron, after, until) if cron else []
    if catch_up == "all":
        return found
    if catch_up == "skip":
        return [moment for moment in found if until - moment <= LATE][-1:]
    return found[-1:]


def next_due(cron: str, at: datetime | None, now: datetime) -> datetime | None:
    """When it is due next; None when never again."""
    if at is not None:
        return at if at > now else None
    if not cron:
        return None
    trigger = CronTrigger.from_crontab(cron, timezone=SHANGHAI)
    following: datetime | None = trigger.get_next_fire_time(None, now + timedelta(seconds=1))
    return following.astimezone(now.tzinfo) if following else None


def _cron_times(cron: str, after: datetime, until: datetime) -> list[datetime]:
    trigger = CronTrigger.from_crontab(cron, timezone=SHANGHAI)
    found: list[datetime] = []
    moment = after
    while True:
        following = trigger.get_next_fire_time(None, moment + timedelta(seconds=1))
        if following is None or following > until:
            return found
        moment = following.astimezone(after.tzinfo)
        found.append(moment)
        del found[:-MAX_CATCH_UP]
