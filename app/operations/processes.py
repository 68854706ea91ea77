"""Who has shown life lately. The rows are few: one for each process of the last day."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import delete, func, select, text, update
from sqlalchemy.orm import Session

from app.infra.clock import Clock
from app.infra.db import insert_once
from app.operations.models import Kind, ProcessBeat

ALIVE_WITHIN = timedelta(seconds=20)  # three beats and a slow commit
REMEMBERED = timedelta(days=1)


@dataclass(frozen=True, slots=True)
class Me:
    """A process as it introduces itself."""

    kind: Kind
    host: str
    pid: int
    version: str
    started_at: datetime

    @property
    def name(self) -> str:
        """`worker@host:4711`."""
        return f"{self.kind}@{self.host}:{self.pid}"[:120]


def database_time(session: Session, clock: Clock) -> datetime:
    """Now, by the one clock that all hosts share. SQLite has the clock of its host."""
    if session.get_bind().dialect.name != "postgresql":
        return clock()
    now: datetime = session.scalars(select(func.clock_timestamp())).one()
    return now


def beat(session: Session, me: Me, now: datetime, skew_s: float = 0.0) -> None:
    """Show life. `now` by the database's clock."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("SET LOCAL synchronous_commit = off"))  # the next beat says it again
    values = {
        "kind": me.kind.value, "host": me.host[:80], "pid": me.pid, "version": me.version[:40],
        "started_at": me.started_at, "beat_at": now, "skew_s": skew_s,
    }  # fmt: skip
    done = session.execute(
        update(ProcessBeat)
        .where(ProcessBeat.name == me.name)
        .values(values)
        .execution_options(synchronize_session=False)
    )
    if not done.rowcount:  # type: ignore[attr-defined]
        insert_once(session, ProcessBeat, values | {"name": me.name}, "name")
        session.execute(delete(ProcessBeat).where(ProcessBeat.beat_at < now - REMEMBERED))


def leave(session: Session, me: Me) -> None:
    """The process ends in good order: nobody shall miss it."""
    session.execute(delete(ProcessBeat).where(ProcessBeat.name == me.name))


def processes(session: Session) -> Sequence[ProcessBeat]:
    """Everybody who showed life within a day and did not say goodbye."""
    return session.scalars(
        select(ProcessBeat).order_by(ProcessBeat.kind, ProcessBeat.host, ProcessBeat.started_at)
    ).all()


def is_alive(process: ProcessBeat, now: datetime) -> bool:
    """It has shown life within `ALIVE_WITHIN`."""
    return now - process.beat_at <= ALIVE_WITHIN


def alive_by_kind(rows: Iterable[ProcessBeat], now: datetime) -> dict[str, int]:
    """How many live; every kind is named."""
    found = dict.fromkeys((kind.value for kind in Kind), 0)
    for row in rows:
        if is_alive(row, now):
            found[row.kind] = found.get(row.kind, 0) + 1
    return found
