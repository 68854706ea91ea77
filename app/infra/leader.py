"""Who leads: one process of several, by a lease and a term in the database.

Leadership only saves work; nothing may become wrong when two processes believe that they lead.
A take-over raises the term. Whoever writes as a leader ends its transaction with `fence`: a leader
that was paused and deposed meanwhile gets Deposed, and everything it wrote is rolled back.
"""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import BigInteger, String, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.infra.db import Base, UtcDateTime, insert_once
from app.infra.errors import Transient

LEASE = timedelta(seconds=5)
RENEW_BEFORE = timedelta(seconds=3)  # of the lease's end: a write every two seconds, not each look


class Deposed(Transient):
    """Another process leads in a newer term."""


class Leader(Base):
    """The newest term of one office."""

    __tablename__ = "leader"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    term: Mapped[int] = mapped_column(BigInteger)
    holder: Mapped[str] = mapped_column(String(80))
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)


def wants_writing(session: Session, name: str, holder: str, now: datetime) -> bool:
    """True when `lead` would write: the office is free, or our lease is to be renewed."""
    row = session.get(Leader, name)
    if row is None or not _is_running(row, now):
        return True
    return row.holder == holder and row.expires_at - now < RENEW_BEFORE


def lead(session: Session, name: str, holder: str, now: datetime) -> int | None:
    """The term in which `holder` leads from now on; None while another does."""
    first = {"name": name, "term": 1, "holder": holder, "expires_at": now + LEASE}
    if insert_once(session, Leader, first, "name"):
        return 1
    row = session.get_one(Leader, name, populate_existing=True)
    mine = row.holder == holder
    if not mine and _is_running(row, now):
        return None
    term = row.term if mine else row.term + 1
    taken = session.execute(
        update(Leader)
        .where(Leader.name == name, Leader.term == row.term, Leader.holder == row.holder)
        .values(term=term, holder=holder, expires_at=now + LEASE)
        .execution_options(synchronize_session=False)
    )
    return term if taken.rowcount else None  # type: ignore[attr-defined]


def term_of(session: Session, name: str, holder: str, now: datetime) -> int | None:
    """The running term of `holder`; None when it does not lead."""
    row = session.get(Leader, name)
    return row.term if row and row.holder == holder and _is_running(row, now) else None


def fence(session: Session, name: str, term: int) -> None:
    """Last statement of a leader's transaction: holds the term until commit. Raises Deposed."""
    held = session.execute(
        update(Leader)
        .where(Leader.name == name, Leader.term == term)
        .values(term=term)
        .execution_options(synchronize_session=False)
    )
    if not held.rowcount:  # type: ignore[attr-defined]
        raise Deposed(f"{name}: term {term} is over")


def resign(session: Session, name: str, holder: str, now: datetime) -> None:
    """Leave the office to whoever asks next."""
    session.execute(
        update(Leader)
        .where(Leader.name == name, Leader.holder == holder)
        .values(expires_at=now)
        .execution_options(synchronize_session=False)
    )


def _is_running(row: Leader, now: datetime) -> bool:
    """A lease that ends later than any lease can was written before the clock was set back."""
    return now < row.expires_at <= now + LEASE + RENEW_BEFORE
