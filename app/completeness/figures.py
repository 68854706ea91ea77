"""How complete we are, for the console and for /metrics."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.completeness.models import Kind, PullRun, PullSubject, RunState, Source, Stage

ALARM_ABOVE = 0.001
WINDOW = timedelta(hours=24)
LISTS = (Source.CONTACTS, Source.FOLLOWERS)
EVERY = {
    Source.CONTACTS: ("added", "removed", "edited"),
    Source.FOLLOWERS: ("followed", "unfollowed"),
    Source.TAGS: ("new", "renamed", "gone"),
}


@dataclass(frozen=True, slots=True)
class Figures:
    """The state of completeness. `gap` is a share 0–1: what callbacks lost in 24 h."""

    there: int
    lost: int
    gap: float
    last_full_at: datetime | None
    last_at: datetime | None
    running: bool
    failing: int  # subjects that could not be compared
    found: dict[tuple[Source, str], int]  # ever

    @property
    def alarm(self) -> bool:
        """Somebody should look at the callbacks' address and log."""
        return self.gap > ALARM_ABOVE


@dataclass(frozen=True, slots=True)
class Standing:
    """One list: a rep's contacts, an account's followers, or a corp's tags."""

    source: Source
    account: str
    name: str
    there: int
    known: int
    found: dict[str, int]
    found_at: datetime | None
    looked_at: datetime | None
    busy: bool
    error: str

    @property
    def completeness(self) -> float | None:
        """Known before the last pull, as a share of what is there; None: never looked."""
        if self.looked_at is None:
            return None
        return self.known / self.there if self.there else 1.0


def figures(session: Session, now: datetime) -> Figures:
    """The figures as of `now`."""
    lost = session.scalar(
        select(func.sum(PullRun.lost)).where(PullRun.created_at > now - WINDOW)
    ) or 0  # fmt: skip
    there = session.scalar(
        select(func.sum(PullSubject.there)).where(PullSubject.source.in_(LISTS))
    ) or 0  # fmt: skip
    done = select(func.max(PullRun.finished_at)).where(PullRun.state == RunState.DONE)
    failing = select(func.count()).where(PullSubject.error != "", PullSubject.stage == Stage.IDLE)
    under_way = select(PullRun.id).where(PullRun.state == RunState.OPEN)
    return Figures(
        there=there,
        lost=lost,
        gap=min(1.0, lost / there) if there else float(lost > 0),
        last_full_at=session.scalar(done.where(PullRun.kind == Kind.FULL)),
        last_at=session.scalar(done),
        running=session.scalar(under_way.limit(1)) is not None,
        failing=session.scalar(failing) or 0,
        found=_found(session),
    )


def standings(session: Session) -> list[Standing]:
    """Every list that is compared, worst first."""
    rows = session.scalars(select(PullSubject).where(PullSubject.source != Source.REPS))
    found = [
        Standing(
            Source(row.source), row.account, row.name, row.there, row.known, row.found,
            row.found_at, row.looked_at, row.stage != Stage.IDLE, row.error,
        )
        for row in rows
    ]  # fmt: skip
    return sorted(found, key=lambda one: (one.completeness or 0.0, one.source, one.name))


def recent_runs(session: Session, limit: int = 10) -> Sequence[PullRun]:
    """The newest runs."""
    return session.scalars(select(PullRun).order_by(PullRun.id.desc()).limit(limit)).all()


def _found(session: Session) -> dict[tuple[Source, str], int]:
    total = {(source, what): 0 for source, names in EVERY.items() for what in names}
    for source, numbers in session.execute(select(PullSubject.source, PullSubject.found_total)):
        for what, number in numbers.items():
            key = (Source(source), what)
            total[key] = total.get(key, 0) + number
    return total
