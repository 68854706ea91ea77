"""Evaluating an expression over the tables themselves, whole tables at a time.

Slow and simple: it answers until the sets are built for the first time, and says what they must
say. `tests/segments` compares.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, time, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app import tagging
from app.identity import Physician
from app.identity.models import Identifier, Kind
from app.identity.search import WEAK
from app.infra import crypto
from app.infra.clock import SHANGHAI
from app.links import PageView, TrackedLink
from app.reps import RelationState, Rep, RepContact
from app.segments.expression import (
    All,
    AnyOf,
    FieldIs,
    Node,
    Not,
    Opened,
    Reachable,
    TagIs,
)
from app.segments.facts import Meant, first_day


def members(session: Session, tree: Node, meant: Meant, now: datetime) -> set[str]:
    """ONE IDs for whom the expression holds."""
    return _holds(session, tree, _everybody(session), meant, now)


def reps_of(session: Session, found: Collection[str]) -> set[int]:
    """The reps who are connected with any of these."""
    rows = session.execute(
        select(RepContact.rep_id, Identifier.one_id)
        .join(Identifier, Identifier.id == RepContact.identifier_id)
        .where(RepContact.state == RelationState.CONNECTED)
    )
    return {rep_id for rep_id, one_id in rows if one_id in found}


def _everybody(session: Session) -> set[str]:
    return set(
        session.scalars(
            select(Physician.one_id)
            .join(Identifier, Identifier.id == Physician.anchor_id)
            .where(Physician.live.is_(True), Identifier.kind.not_in(WEAK))
        )
    )


def _holds(
    session: Session, node: Node, everybody: set[str], meant: Meant, now: datetime
) -> set[str]:
    if isinstance(node, All):
        parts = [_holds(session, part, everybody, meant, now) for part in node.parts]
        return set.intersection(*parts)
    if isinstance(node, AnyOf):
        return set().union(*(_holds(session, part, everybody, meant, now) for part in node.parts))
    if isinstance(node, Not):
        return everybody - _holds(session, node.inner, everybody, meant, now)
    if isinstance(node, TagIs):
        return _tagged(session, node, meant, now) & everybody
    if isinstance(node, FieldIs):
        return _attributed(session, node) & everybody
    if isinstance(node, Opened):
        return everybody - _seldom(session, node, meant, everybody)
    return _reachable(session, node, everybody)


def _tagged(session: Session, node: TagIs, meant: Meant, now: datetime) -> set[str]:
    return tagging.holders(session, meant.tags[node.name], now, node.at_least)


def _attributed(session: Session, node: FieldIs) -> set[str]:
    if node.field == "rep":
        rows = (
            select(Identifier.one_id)
            .join(RepContact, RepContact.identifier_id == Identifier.id)
            .join(Rep, Rep.id == RepContact.rep_id)
            .where(
                RepContact.state == RelationState.CONNECTED,
                or_(Rep.userid == node.value.lower(), Rep.name == node.value),
            )
        )
        return set(session.scalars(rows))
    column = getattr(Physician, node.field)
    return set(session.scalars(select(Physician.one_id).where(column == node.value)))


def _seldom(session: Session, node: Opened, meant: Meant, everybody: set[str]) -> set[str]:
    """Who opened less often in these days, as they are in China."""
    begins, ends = (
        datetime.combine(day, time(), SHANGHAI)
        for day in (first_day(node, meant.today), meant.today + timedelta(days=1))
    )
    rows = session.execute(
        select(Identifier.one_id, func.count())
        .join(TrackedLink, TrackedLink.identifier_id == Identifier.id)
        .join(PageView, PageView.link_id == TrackedLink.id)
        .where(PageView.opened_at >= begins, PageView.opened_at < ends)
        .group_by(Identifier.one_id)
    )
    often = dict(rows.all())
    return {one_id for one_id in everybody if often.get(one_id, 0) < node.times}


def _reachable(session: Session, node: Reachable, everybody: set[str]) -> set[str]:
    if node.channel == "all":
        return set(everybody)
    if node.channel == "oa":
        nothing = len(crypto.ring().encrypt(b"", ""))  # a tombstone: sealed, nothing has a length
        rows = select(Identifier.one_id).where(
            Identifier.kind == Kind.OPENID, func.length(Identifier.value) > nothing
        )
    else:
        rows = (
            select(Identifier.one_id)
            .join(RepContact, RepContact.identifier_id == Identifier.id)
            .where(RepContact.state == RelationState.CONNECTED)
        )
    return set(session.scalars(rows)) & everybody
