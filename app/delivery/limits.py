"""How often a person was reached, over all reps and ways."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import and_, case, func, or_, select
from sqlalchemy.orm import Session

from app.delivery.models import Dispatch, Receipt, State, Way
from app.identity.models import Identifier, Physician
from app.infra.clock import local

GONE_OUT = (State.SENDING, State.SENT, State.UNKNOWN)
CHUNK = 1000
CONFIRMED = case((Dispatch.receipt == Receipt.FORWARDED, Dispatch.receipt_at))  # days later


def lock_person(session: Session, identifier_id: int) -> None:
    """Let nobody else claim a message to this physician until the transaction ends."""
    anchor = select(Identifier.one_id).where(Identifier.id == identifier_id).scalar_subquery()
    session.execute(
        select(Physician.one_id).where(Physician.one_id == anchor).with_for_update(key_share=True)
    )


def contacted_at(
    session: Session, one_ids: Iterable[str], since: datetime, *, before: Dispatch | None = None,
    until: datetime | None = None,
) -> dict[str, list[datetime]]:  # fmt: skip
    """When physicians were contacted, or are promised to be, over all reps and ways, `until` then.

    `before`: only what goes before this message: what has gone out, and older promises. So of
    several promises that are one too many, it is always the newest that gives way.
    """
    wanted = list(dict.fromkeys(one_ids))
    found: dict[str, list[datetime]] = {one_id: [] for one_id in wanted}
    moment = func.coalesce(
        CONFIRMED, Dispatch.sent_at, Dispatch.first_attempt_at, Dispatch.not_before
    )
    waiting = Dispatch.state == State.QUEUED
    if before is not None:
        waiting = and_(waiting, or_(Dispatch.id < before.id, Dispatch.maybe_sent.is_(True)))
    chosen = (
        select(Identifier.one_id, moment.label("at"))
        .join(Identifier, Identifier.id == Dispatch.identifier_id)
        .where(
            Dispatch.counts_as_contact.is_(True),
            or_(Dispatch.state.in_(GONE_OUT), waiting),
            or_(Dispatch.sent_at > since, Dispatch.receipt_at > since, Dispatch.sent_at.is_(None)),
        )
    )
    if before is not None:
        chosen = chosen.where(Dispatch.id != before.id)
    if until is not None:
        chosen = chosen.where(moment <= until)
    for start in range(0, len(wanted), CHUNK):
        part = chosen.where(Identifier.one_id.in_(wanted[start : start + CHUNK]))
        for row in session.execute(part):
            found[row.one_id].append(row.at)
    return found


def group_tasks_this_month(
    session: Session, identifier_ids: Iterable[int], now: datetime
) -> dict[int, int]:
    """How many mass messages each contact got this month; the platform counts them as well."""
    here = local(now).replace(day=1, hour=0, minute=0, second=0, microsecond=0)
    wanted = list(identifier_ids)
    found = dict.fromkeys(wanted, 0)
    for start in range(0, len(wanted), CHUNK):
        rows = session.execute(
            select(Dispatch.identifier_id, func.count().label("number"))
            .where(
                Dispatch.identifier_id.in_(wanted[start : start + CHUNK]),
                Dispatch.way == Way.GROUP_TASK,
                Dispatch.state.in_(GONE_OUT),
                func.coalesce(CONFIRMED, Dispatch.first_attempt_at) >= here.astimezone(now.tzinfo),
                func.coalesce(Dispatch.receipt, Receipt.FORWARDED) == Receipt.FORWARDED,
            )
            .group_by(Dispatch.identifier_id)
        )
        found.update({row.identifier_id: row.number for row in rows})
    return found
