"""What waits, how much and since when.

Every question is answered from an index and looks at no more than `CEILING` of its entries, so
that a page or a metric costs milliseconds however many events there have been.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, String, cast, func, literal, select
from sqlalchemy.orm import Session

from app import completeness, delivery, inbox, tagging
from app.campaigns import Schedule, ScheduleRun
from app.delivery import Dispatch
from app.inbox import InboxEvent
from app.infra.clock import midnight
from app.operations.models import ProcessBeat
from app.operations.processes import processes

CEILING = 100_000  # more of one kind are not counted: "at least" is all anybody needs to know

EVENTS = (inbox.State.PENDING, inbox.State.DEAD, inbox.State.UNKNOWN)
WAITING = (delivery.State.QUEUED, delivery.State.SENDING, delivery.State.UNKNOWN)
ENDED = (delivery.State.SENT, delivery.State.FAILED, delivery.State.CANCELLED)
RUNS = ("due", "done", "failed")


@dataclass(frozen=True, slots=True)
class Stopped:
    """An API that is left alone for a while."""

    account: str
    api: str
    why: str  # quota, trouble, refused


@dataclass(frozen=True, slots=True)
class Figures:
    """The state of the product at a moment. Counts stop at `CEILING`."""

    at: datetime
    events: dict[str, int] = field(default_factory=dict)  # pending, dead, unknown
    oldest_event: datetime | None = None  # when the oldest event that waits arrived
    event_error: str = ""  # why it was not handled when it was tried
    messages: dict[str, int] = field(default_factory=dict)  # queued, sending, unknown
    ended_today: dict[str, int] = field(default_factory=dict)  # sent, failed, cancelled
    oldest_message: datetime | None = None  # since when the oldest queued message is due
    runs: dict[str, int] = field(default_factory=dict)  # today's: due, done, failed
    oldest_run: datetime | None = None  # since when the oldest of them waits
    processes: Sequence[ProcessBeat] = ()
    oldest_limited: datetime | None = None  # since when the oldest message waits for a limit
    stopped: Sequence[Stopped] = ()  # APIs of the platforms that are left alone
    mirror_troubled: int = 0  # tags and contacts in WeCom that a person must look at
    gap: float = 0.0  # share of contacts and followers whose callbacks were lost, last 24 hours

    @property
    def event_age_s(self) -> float:
        """Age of the oldest event that waits, in seconds; 0 without one."""
        return _age(self.at, self.oldest_event)

    @property
    def message_age_s(self) -> float:
        """How long the oldest due message waits, in seconds; 0 without one."""
        return _age(self.at, self.oldest_message)

    @property
    def limited_age_s(self) -> float:
        """How long the oldest message waits for a limit of the platform; 0 without one."""
        return _age(self.at, self.oldest_limited)

    @property
    def run_age_s(self) -> float:
        """How long the oldest due run of today waits, in seconds; 0 without one."""
        return _age(self.at, self.oldest_run)


def figures(session: Session, now: datetime) -> Figures:
    """The state of the product now."""
    today = midnight(now)
    of_today = ScheduleRun.due_at >= today
    return Figures(
        at=now,
        events={state.value: _count(session, InboxEvent.state == state) for state in EVENTS},
        oldest_event=inbox.oldest_pending(session),
        event_error=inbox.oldest_error(session),
        messages={state.value: _count(session, Dispatch.state == state) for state in WAITING},
        ended_today={
            state.value: _count(session, Dispatch.state == state, Dispatch.not_before >= today)
            for state in ENDED
        },
        oldest_message=session.scalar(
            select(func.min(Dispatch.not_before)).where(
                Dispatch.state == delivery.State.QUEUED, Dispatch.not_before <= now
            )
        ),
        runs={state: _count(session, ScheduleRun.state == state, of_today) for state in RUNS},
        oldest_run=session.scalar(
            select(func.min(ScheduleRun.due_at)).where(of_today, ScheduleRun.state == "due")
        ),
        processes=processes(session),
        oldest_limited=session.scalar(
            select(func.min(Dispatch.not_before)).where(
                Dispatch.state == delivery.State.QUEUED, Dispatch.not_before <= now,
                Dispatch.error.startswith(delivery.WAITS_FOR_LIMIT),
            )
        ),
        stopped=[
            Stopped(row.account, row.api, row.why) for row in delivery.stopped(session, now)
        ],
        gap=completeness.figures(session, now).gap,
        mirror_troubled=_mirror_troubled(session),
    )  # fmt: skip


def per_minute(session: Session, now: datetime, minutes: int = 60) -> list[int]:
    """Events received in each of the last `minutes` minutes, the running one last."""
    this = now.astimezone(UTC).replace(second=0, microsecond=0)
    first = this - timedelta(minutes=minutes - 1)
    # Both databases write a time as `2026-11-24 04:00…`, PostgreSQL because sessions run in UTC.
    minute = func.substr(cast(InboxEvent.received_at, String), 1, 16)
    rows = session.execute(
        select(minute.label("minute"), func.count().label("number"))
        .where(InboxEvent.received_at >= first)
        .group_by(minute)
    )
    found = {row.minute: row.number for row in rows}
    starts = (first + timedelta(minutes=number) for number in range(minutes))
    return [found.get(f"{start:%Y-%m-%d %H:%M}", 0) for start in starts]


def todays_runs(
    session: Session, now: datetime, limit: int = 20
) -> Sequence[tuple[ScheduleRun, Schedule]]:
    """Today's runs that failed, wait or were missed, failed ones first, then the newest."""
    rows = session.execute(
        select(ScheduleRun, Schedule)
        .join(Schedule, Schedule.id == ScheduleRun.schedule_id)
        .where(ScheduleRun.due_at >= midnight(now))
        .where(ScheduleRun.state.not_in(("done", "cancelled")))
        .order_by((ScheduleRun.state == "failed").desc(), ScheduleRun.due_at.desc())
        .limit(limit)
    )
    return [(run, schedule) for run, schedule in rows]


def _mirror_troubled(session: Session) -> int:
    found = tagging.mirror_standing(session)
    return found.troubled + found.sides_failing + found.marks.failed


def _count(session: Session, *conditions: ColumnElement[bool]) -> int:
    some: Any = select(literal(1).label("one")).where(*conditions).limit(CEILING).subquery()
    return session.scalars(select(func.count()).select_from(some)).one()


def _age(now: datetime, since: datetime | None) -> float:
    return max(0.0, (now - since).total_seconds()) if since else 0.0
