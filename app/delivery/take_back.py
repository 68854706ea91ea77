"""Messages that must not be sent any more, and the links that nobody has got with them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from sqlalchemy import ColumnElement, func, or_, select, tuple_, update
from sqlalchemy.orm import Session

from app import links
from app.delivery.models import Dispatch, State, Way
from app.links import TrackedLink

# Not what only tells a rep of a physician: an answer, a message, a report of harm.
TO_BE_SENT_ON = or_(Dispatch.counts_as_contact.is_(True), Dispatch.way != Way.REP_TEXT)


def cancel(session: Session, dispatch: Dispatch, reason: str) -> None:
    """Do not send, or not again; what an earlier attempt may have sent becomes unknown."""
    session.flush()
    session.refresh(dispatch, with_for_update=True)  # a worker may just have claimed it
    if dispatch.state in (State.QUEUED, State.SENDING):
        dispatch.state = State.UNKNOWN if dispatch.maybe_sent else State.CANCELLED
        dispatch.error, dispatch.lease_until = reason, None
        session.flush()


def cancel_for(
    session: Session,
    reason: str,
    *,
    identifier_ids: Iterable[int] | None = None,
    rep_id: int | None = None,
    campaign_id: int | None = None,
    content_version_id: int | None = None,
    tried: bool = False,
) -> int:
    """Cancel everything still queued for these persons, this rep, campaign or content, and take
    back the links that nobody has got with it: their contents do not count as sent. What tells a
    rep of a physician still goes out.

    What may have been sent stays in the queue and is judged when its turn comes; with `tried` it
    is not tried again either, and its outcome is unknown. Returns how many were cancelled.
    """
    which: list[ColumnElement[bool]] = [TO_BE_SENT_ON]
    if identifier_ids is not None:
        which.append(Dispatch.identifier_id.in_(list(identifier_ids)))
    if rep_id is not None:
        which.append(Dispatch.rep_id == rep_id)
    if campaign_id is not None:
        which.append(Dispatch.campaign_id == campaign_id)
    if content_version_id is not None:
        which.append(Dispatch.content_version_id == content_version_id)
    chosen = update(Dispatch).where(Dispatch.state == State.QUEUED, *which)
    if tried:
        again = chosen.where(Dispatch.maybe_sent.is_(True))
        session.execute(again.values(state=State.UNKNOWN, error=reason))
    chosen = chosen.where(Dispatch.maybe_sent.is_(False))
    done = session.execute(chosen.values(state=State.CANCELLED, error=reason))
    forget_links(session, Dispatch.state == State.CANCELLED, *which)
    return int(done.rowcount)  # type: ignore[attr-defined]


def forget_links(session: Session, *which: ColumnElement[bool]) -> None:
    """Take back the links in these messages, which nobody has got: a message and its links were
    written for one identity, at one moment, of the same suggestion or campaign. What only tells a
    rep something has none."""
    messages = select(*_written(Dispatch)).where(TO_BE_SENT_ON, *which)
    links.forget_unseen(session, tuple_(*_written(TrackedLink)).in_(messages))


def _written(table: type[Dispatch] | type[TrackedLink]) -> Sequence[ColumnElement[Any]]:
    """All but the identity is hidden from indexes: a large run has one moment for all its links,
    and PostgreSQL would walk through them for each message."""
    of = (table.suggestion_id, table.campaign_id)
    return [
        table.identifier_id.expression, func.coalesce(table.created_at, None),
        *(func.coalesce(number, 0) for number in of),
    ]  # fmt: skip
