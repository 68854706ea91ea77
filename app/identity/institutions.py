"""Physicians and the institution that their hospital, as written, means.

`hospitals.written` knows what each written name means; a physician carries a copy, so that people
of one institution are found quickly. After the table of names changed the copies follow here.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, Select, and_, func, select, update
from sqlalchemy.orm import Session

from app.hospitals import Asked, Decision, Written
from app.identity import changed
from app.identity.models import Physician

AT_ONCE = 300  # physicians of one transaction


class Waiting(NamedTuple):
    """A written name, how many physicians have it, and when one was last changed."""

    row: Written
    physicians: int
    last: datetime | None


class Behind(NamedTuple):
    """A physician, where they work as written, and what that means by now."""

    one_id: str
    hospital: str
    city: str
    province: str
    institution_id: int | None


def is_behind(session: Session) -> bool:
    """Whether somebody carries another institution than their hospital means."""
    return session.execute(_behind().limit(1)).first() is not None


def behind(session: Session) -> Sequence[Behind]:
    """Some who carry another institution than their hospital means by now."""
    rows = session.execute(_behind().order_by(Physician.one_id).limit(AT_ONCE))
    return [Behind._make(row) for row in rows]


def follow(session: Session, found: Sequence[Behind]) -> int:
    """Give them the institution, unless their hospital is another one meanwhile; how many."""
    moved = 0
    for one in found:
        as_seen = (
            Physician.one_id == one.one_id, Physician.hospital == one.hospital,
            Physician.city == one.city, Physician.province == one.province,
        )  # fmt: skip
        values = {"institution_id": one.institution_id, "link_due": True}
        done = session.execute(update(Physician).where(*as_seen).values(values))
        moved += done.rowcount  # type: ignore[attr-defined]
    changed.note_people(session, [one.one_id for one in found])
    return moved


def never_noted(session: Session) -> Sequence[Asked]:
    """Some hospitals of physicians that nobody has looked up yet."""
    rows = session.execute(
        select(Physician.hospital, Physician.city, Physician.province)
        .outerjoin(Written, _written_so())
        .where(Physician.hospital != "", Written.id.is_(None))
        .distinct()
        .limit(AT_ONCE)
    )
    return [Asked(*row) for row in rows]


def waiting(session: Session, *, limit: int, offset: int = 0) -> Sequence[Waiting]:
    """Names that mean no institution and wait for a person; those of most physicians first."""
    chosen = (
        _carried()
        .where(Written.institution_id.is_(None), Written.decision == Decision.NONE)
        .having(func.count(Physician.one_id) > 0)
        .order_by(func.count(Physician.one_id).desc(), Written.id)
    )
    return [Waiting._make(row) for row in session.execute(chosen.limit(limit).offset(offset))]


def how_many_wait(session: Session) -> int:
    """How many written names wait for a person."""
    return (
        session.scalar(
            select(func.count()).where(
                Written.institution_id.is_(None),
                Written.decision == Decision.NONE,
                select(Physician.one_id).where(_written_so(), Physician.live).exists(),
            )
        )
        or 0
    )


def decided(session: Session, *, limit: int) -> Sequence[Waiting]:
    """What people decided, newest first."""
    chosen = _carried().where(Written.decision != Decision.NONE)
    newest = chosen.order_by(Written.decided_at.desc(), Written.id.desc()).limit(limit)
    return [Waiting._make(row) for row in session.execute(newest)]


def number_of(session: Session, institution_ids: Sequence[int]) -> dict[int, int]:
    """How many physicians work at each of these institutions."""
    rows = session.execute(
        select(Physician.institution_id, func.count())
        .where(Physician.live, Physician.institution_id.in_(institution_ids))
        .group_by(Physician.institution_id)
    )
    return {institution: number for institution, number in rows if institution is not None}


def coverage(session: Session) -> tuple[int, int]:
    """(physicians whose hospital means an institution, physicians with any hospital)."""
    row = session.execute(
        select(func.count(Physician.institution_id), func.count()).where(
            Physician.live, Physician.hospital != ""
        )
    ).one()
    return row[0], row[1]


def _behind() -> Select[str, str, str, str, int | None]:
    return (
        select(
            Physician.one_id,
            Physician.hospital,
            Physician.city,
            Physician.province,
            Written.institution_id,
        )
        .join(Written, _written_so())
        .where(Physician.institution_id.is_distinct_from(Written.institution_id))
    )


def _carried() -> Select[Written, int, datetime]:
    return (
        select(Written, func.count(Physician.one_id), func.max(Physician.updated_at))
        .outerjoin(Physician, and_(_written_so(), Physician.live))
        .group_by(Written.id)
    )


def _written_so() -> ColumnElement[bool]:
    return and_(
        Physician.hospital == Written.text,
        Physician.city == Written.city,
        Physician.province == Written.province,
    )
