"""Working out everybody's best contents, a shard of physicians at a time, on any number of workers.

A night is begun when what everybody's scores go by has changed: the day, the library, what was
learned. Its shards are rows; one that is claimed is worked on outside of any transaction and
written in one, in which its turn is asked again. What it gives depends on the tables alone, so it
does not matter who works on it, when, or how often.

What changes meanwhile: whoever follows changes leaves night 0 on the row of whoever has changed
(`touch`). A shard takes such rows away when it is claimed, before it reads anything, and when it
writes it leaves those that have come since. So no row says what was true before a change.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import (
    ColumnElement,
    bindparam,
    case,
    delete,
    func,
    literal_column,
    or_,
    select,
    text,
    update,
)
from sqlalchemy.orm import Session

from app.flows.fitting.basis import Basis, basis
from app.flows.fitting.fits import current_night, night_name
from app.flows.fitting.fits_many import bodies
from app.identity import Physician
from app.infra.clock import local
from app.infra.db import Database, UtcDateTime, insert_all, insert_once
from app.infra.direct import Direct
from app.infra.many import Many, insert_lists, insert_many
from app.recommend.fit.fit_models import FitNight, FitShard, PhysicianFit

SHARD = 4000  # physicians: less than a second, so that what a killed worker held is little
LOCK = 0x46_49_54_53  # any constant
LEASE = timedelta(minutes=4)
RETRY = timedelta(seconds=10)  # after a first failure
KEPT_NIGHTS = 7
TOUCHED = 0  # a night that never was
NEVER: ColumnElement[int] = literal_column("0")  # the same, as its partial index wants it
_UNSYNCHRONISED = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Claim:
    """A shard that this process works on now; `turn` proves it."""

    id: int
    night_id: int
    turn: int
    first: str
    last: str


@dataclass(frozen=True, slots=True)
class Progress:
    """How far the newest night is. `current`: it goes by what holds now."""

    night: FitNight | None
    current: bool
    done: int = 0
    people: int = 0
    finished_at: datetime | None = None
    failing: int = 0
    changed: int = 0  # physicians who have changed since and are scored when they are asked for

    @property
    def finished(self) -> bool:
        """All shards are done."""
        return self.night is not None and self.done == self.night.shards


def wanted(session: Session, now: datetime) -> Basis | None:
    """What a new night would go by; None while the newest holds, or nobody follows changes."""
    here = basis(session, now)
    return here if here.followed and current_night(session, here) is None else None


def begin(session: Session, here: Basis, now: datetime) -> FitNight | None:
    """A new night with its shards; None when somebody else was faster. Older work ends."""
    number = (session.scalar(select(func.max(FitNight.id))) or 0) + 1
    values = {
        "id": number, "day": local(now).date(), "basis": night_name(here), "people": 0,
        "shards": 0, "begun_at": now,
    }  # fmt: skip
    if not insert_once(session, FitNight, values, "id"):
        return None
    ends = _ends(session)
    starts = ["", *ends[:-1]]
    insert_all(session, FitShard, [
        {"night_id": number, "number": n, "first": first, "last": last}
        for n, (first, last) in enumerate(zip(starts, ends, strict=True), 1)
    ], "night_id", "number")  # fmt: skip
    session.execute(delete(FitNight).where(FitNight.id <= number - KEPT_NIGHTS))
    night = session.get_one(FitNight, number)
    night.shards = len(ends)
    night.people = session.scalar(_LIVING) or 0
    session.flush()
    return night


def is_due(session: Session, now: datetime) -> bool:
    """A shard of the newest night waits."""
    return _OPEN.first(session, {"now": now}) is not None


def claim(session: Session, now: datetime) -> Claim | None:
    """Take the next shard, for as long as a lease."""
    found = _OPEN.first(session, {"now": now})
    while found is not None:
        shard_id, turn = found
        mine = (FitShard.id == shard_id, FitShard.turn == turn, FitShard.done_at.is_(None))
        row = session.execute(
            update(FitShard).where(*mine)
            .values(turn=turn + 1, lease_until=now + LEASE)
            .returning(FitShard.id, FitShard.night_id, FitShard.turn, FitShard.first, FitShard.last)
        ).first()  # fmt: skip
        if row is not None:
            made = Claim(*row)
            _stand_back(session)
            session.execute(
                delete(PhysicianFit)
                .where(*_within(made), PhysicianFit.night_id == NEVER)
                .execution_options(**_UNSYNCHRONISED)
            )
            return made
        found = _OPEN.first(session, {"now": now})
    return None


def work(db: Database, mine: Claim, now: datetime) -> bool:
    """Score a shard and write its rows; False when it is no longer ours or its night's basis has
    passed."""
    with db.reading() as session:
        here = basis(session, now)
        if current_night(session, here) != mine.night_id:
            return False
        people = _PEOPLE.all(session, {"first": mine.first, "last": mine.last})
        made = bodies(session, people, here)
    with db.transaction() as session:
        return _finish(session, mine, made, now)


def fail(session: Session, mine: Claim, error: str, now: datetime) -> None:
    """It is tried again soon, each time after twice the wait, at last as seldom as a lease ends."""
    wait = min(LEASE, RETRY * 2 ** min(mine.turn - 1, 10))
    session.execute(
        update(FitShard).where(FitShard.id == mine.id, FitShard.turn == mine.turn)
        .values(error=error[:200], lease_until=now + wait)
    )  # fmt: skip


def touch(session: Session, one_ids: Iterable[str]) -> None:
    """Something about these has changed; belongs to the transaction that follows it."""
    rows = [{"one_id": one_id, "night_id": TOUCHED, "body": b""} for one_id in sorted(set(one_ids))]
    if rows and session.scalar(select(FitNight.id).limit(1)) is not None:
        _stand_back(session, everybody=True)
        _TOUCH.run(session, rows)


def progress(session: Session, now: datetime) -> Progress:
    """Of the newest night."""
    night = session.scalar(select(FitNight).order_by(FitNight.id.desc()).limit(1))
    if night is None:
        return Progress(None, False)
    done, people, last, failing = session.execute(
        select(
            func.count(FitShard.done_at), func.coalesce(func.sum(FitShard.people), 0),
            func.max(FitShard.done_at),
            func.coalesce(func.sum(case((FitShard.done_at.is_(None) & (FitShard.error != ""), 1),
                                        else_=0)), 0),
        ).where(FitShard.night_id == night.id)
    ).one()  # fmt: skip
    changed = session.scalar(
        select(func.count()).select_from(PhysicianFit).where(PhysicianFit.night_id == NEVER)
    )
    is_current = current_night(session, basis(session, now)) == night.id
    whole = done == night.shards
    return Progress(night, is_current, done, int(people), last if whole else None, int(failing),
                    changed or 0)  # fmt: skip


def _ends(session: Session) -> Sequence[str]:
    """The last ONE ID of each shard."""
    place = func.row_number().over(order_by=Physician.one_id)
    ranked = (
        select(Physician.one_id, place.label("place")).where(Physician.live.is_(True)).subquery()
    )
    ends = session.scalars(
        select(ranked.c.one_id).where(ranked.c.place % SHARD == 0).order_by(ranked.c.one_id)
    ).all()
    last = session.scalar(select(func.max(Physician.one_id)).where(Physician.live.is_(True)))
    return [*ends, last] if last is not None and (not ends or ends[-1] < last) else ends


def _finish(
    session: Session, mine: Claim, made: Sequence[tuple[str, bytes]], now: datetime
) -> bool:
    done = session.execute(
        update(FitShard)
        .where(FitShard.id == mine.id, FitShard.turn == mine.turn, FitShard.done_at.is_(None))
        .values(done_at=now, lease_until=None, people=len(made), error="")
        .returning(FitShard.id)
    ).first()
    if done is None:
        return False  # its lease was over, and somebody else has taken it
    _stand_back(session)
    session.execute(
        delete(PhysicianFit)
        .where(*_within(mine), PhysicianFit.night_id != TOUCHED)
        .execution_options(**_UNSYNCHRONISED)
    )
    _WRITE.run(session, [
        {"one_id": one_id, "night_id": mine.night_id, "body": body} for one_id, body in made
    ])  # fmt: skip
    return True


def _stand_back(session: Session, *, everybody: bool = False) -> None:
    """Whoever touches rows waits for shards that are being written, and they for it: they take rows
    in different orders, and would wait in a circle. SQLite has one writer."""
    if session.get_bind().dialect.name == "postgresql":
        kind = "" if everybody else "_shared"
        session.execute(text(f"select pg_advisory_xact_lock{kind}(:key)"), {"key": LOCK})


def _within(mine: Claim) -> tuple[ColumnElement[bool], ...]:
    return PhysicianFit.one_id > mine.first, PhysicianFit.one_id <= mine.last


def _pair(shard_id: int, turn: int) -> tuple[int, int]:
    return shard_id, turn


_NEWEST = select(func.max(FitNight.id)).scalar_subquery()
_OPEN = Direct(
    select(FitShard.id, FitShard.turn)
    .where(
        FitShard.night_id == _NEWEST, FitShard.done_at.is_(None),
        or_(
            FitShard.lease_until.is_(None),
            FitShard.lease_until < bindparam("now", type_=UtcDateTime),
        ),
    )
    .order_by(FitShard.number)
    .limit(1),
    _pair,
)  # fmt: skip
_PEOPLE = Direct(
    select(Physician.one_id)
    .where(Physician.one_id > bindparam("first"), Physician.one_id <= bindparam("last"))
    .where(Physician.live.is_(True))
    .order_by(Physician.one_id),
    str,
    large=True,
)
_LIVING = select(func.count()).select_from(Physician).where(Physician.live.is_(True))
_WRITE = insert_lists(PhysicianFit, "one_id", "night_id", "body", once_by=["one_id"])
_TOUCH: Many[None] = insert_many(
    PhysicianFit, "one_id", "night_id", "body", once_by=["one_id"],
    change=lambda given: {"night_id": given.night_id, "body": given.body},
)  # fmt: skip
