"""When a schedule is due. Pure; cron times are wall time in China, which has no daylight saving."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from enum import StrEnum
from functools import lru_cache

from apscheduler.triggers.cron import CronTrigger

from app.infra.clock import SHANGHAI, midnight
from app.infra.errors import Refused
from app.infra.workdays import is_workday

WORKDAY = "workday"  # as a day of the week: holidays rest, made-up weekends work
MOST_REST_DAYS = 400  # a date that is never worked is not looked for for ever
MOST_CATCH_UP = 50
USUAL_CATCH_UP = 5
KEPT_MISSED = 20  # missed times that are written down after one outage, the newest ones
LATE = timedelta(minutes=10)  # a run later than this is a run made up for
NEAR = timedelta(hours=1)


class CatchUp(StrEnum):
    """What happens to times that passed while nobody looked."""

    SKIP = "skip"  # nothing
    LAST = "last"  # the newest one runs
    ALL = "all"  # each one runs, up to the schedule's own limit


@dataclass(frozen=True, slots=True)
class Found:
    """What a look finds: times that run now, and the newest of those that never will."""

    due: Sequence[datetime] = ()
    missed: Sequence[datetime] = ()
    more_missed: bool = False  # there were older ones, too


def check_cron(cron: str) -> None:
    """Raises Refused with a sentence when `cron` (five fields) cannot be read or never comes."""
    try:
        comes = _first_fire(cron, datetime.now(SHANGHAI)) is not None
    except ValueError:
        raise Refused(
            "看不懂定时写法。例如每周一 10:05 写 5 10 * * mon，每天 9:20 写 20 9 * * *，"
            "每个工作日 9:20 写 20 9 * * workday。"
        ) from None
    if not comes:
        raise Refused("这个定时永远不会到来，请检查日期。")


def check_catch_up(catch_up: str, most: int) -> None:
    """Raises Refused for an unknown policy or a limit that is none."""
    if catch_up not in {known.value for known in CatchUp}:
        raise Refused("请选择错过执行时间后怎么办。")
    if not 1 <= most <= MOST_CATCH_UP:
        raise Refused(f"最多补执行的次数请填 1 到 {MOST_CATCH_UP}。")


def look(
    cron: str, at: datetime | None, catch_up: str, most: int, after: datetime, until: datetime
) -> Found:
    """What became due in (after, until], by policy; `most`: how many runs "all" makes up for."""
    allowed = most if catch_up == CatchUp.ALL else 1
    found = _newest(cron, at, after, until, allowed + KEPT_MISSED + 1)
    due = [moment for moment in found if catch_up != CatchUp.SKIP or until - moment <= LATE]
    due = due[-allowed:]
    missed = [moment for moment in found if moment not in due]
    return Found(due, missed[-KEPT_MISSED:], len(missed) > KEPT_MISSED)


def next_due(cron: str, at: datetime | None, after: datetime) -> datetime | None:
    """The first due time later than `after`. Raises ValueError for a cron that is none."""
    if cron:
        # A whole second later: the trigger counts its own second in.
        following = _first_fire(cron, after + timedelta(seconds=1))
        return following.astimezone(UTC) if following else None
    return at if at is not None and at > after else None


def next_times(cron: str, at: datetime | None, after: datetime, number: int) -> list[datetime]:
    """The next `number` due times, or fewer when there are no more."""
    found: list[datetime] = []
    moment = next_due(cron, at, after)
    while moment is not None and len(found) < number:
        found.append(moment)
        moment = next_due(cron, at, moment)
    return found


def _newest(
    cron: str, at: datetime | None, after: datetime, until: datetime, most: int
) -> list[datetime]:
    """The last `most` due times in (after, until]: looks back only as far as it must."""
    span = NEAR
    while True:
        start = max(after, until - span)
        found = _between(cron, at, start, until)
        if start == after or len(found) >= most:
            return found[-most:]
        span *= 4


def _between(cron: str, at: datetime | None, after: datetime, until: datetime) -> list[datetime]:
    found: list[datetime] = []
    moment = next_due(cron, at, after)
    while moment is not None and moment <= until:
        found.append(moment)
        moment = next_due(cron, at, moment)
    return found


@lru_cache(maxsize=1000)
def _trigger(cron: str) -> CronTrigger:
    return CronTrigger.from_crontab(cron, timezone=SHANGHAI)


def _first_fire(cron: str, since: datetime) -> datetime | None:
    """The first time at or after `since`; `workday` as the day of the week: China's calendar."""
    fields = cron.split()
    by_workdays = len(fields) == 5 and fields[4].lower() == WORKDAY
    trigger = _trigger(" ".join([*fields[:4], "*"]) if by_workdays else cron)
    fires: datetime | None = trigger.get_next_fire_time(None, since)
    for _day in range(MOST_REST_DAYS if by_workdays else 0):
        if fires is None or is_workday(fires.date()):
            return fires
        fires = trigger.get_next_fire_time(None, midnight(fires) + timedelta(days=1))
    return fires if not by_workdays else None
