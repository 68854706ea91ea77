"""Evaluating an expression over the tables themselves, whole tables at a time.

Slow and simple: it answers until the sets are built for the first time, and says what they must
say. `tests/segments` compares.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime, time, timedelta
from typing import Any

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app import consent, tagging
from app.hospitals.models import Institution
from app.identity import Physician
from app.identity.models import Identifier, Kind
from app.identity.search import WEAK
from app.infra import crypto
from app.infra.clock import SHANGHAI
from app.journey import Happened, Touchpoint
from app.links import PageView, TrackedLink
from app.reps import RelationState, Rep, RepContact
from app.segments.facts import Meant, first_day
from app.segments.models import SegmentListMember
from app.segments.nodes import (
    All,
    AnyOf,
    CampaignIs,
    Counted,
    FieldIs,
    ListIs,
    Node,
    Not,
    Reachable,
    SegmentIs,
    TagIs,
)

HAPPENED = {"msg": Happened.MESSAGE_RECEIVED, "recv": Happened.CONTENT_SENT}


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
    if isinstance(node, Counted):
        return _counted(session, node, meant, everybody)
    if isinstance(node, SegmentIs):
        return _holds(session, meant.segments[node.name], everybody, meant, now)
    return _said(session, node, everybody, meant) & everybody


def _said(
    session: Session,
    node: FieldIs | Reachable | CampaignIs | ListIs,
    everybody: set[str],
    meant: Meant,
) -> set[str]:
    if isinstance(node, FieldIs):
        return _attributed(session, node)
    if isinstance(node, Reachable):
        return _reachable(session, node, everybody)
    if isinstance(node, CampaignIs):
        return _campaign(session, node, meant)
    return set(
        session.scalars(
            select(Identifier.one_id)
            .join(SegmentListMember, SegmentListMember.identifier_id == Identifier.id)
            .where(SegmentListMember.list_id == meant.lists[node.name])
        )
    )


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
    if node.field == "level":
        working = select(Physician.one_id).join(
            Institution, Institution.id == Physician.institution_id
        )
        return set(session.scalars(working.where(Institution.level == node.value)))
    column = getattr(Physician, node.field)
    return set(session.scalars(select(Physician.one_id).where(column == node.value)))


def _counted(session: Session, node: Counted, meant: Meant, everybody: set[str]) -> set[str]:
    """Of whom it happened so often in these days, as they are in China."""
    begins, ends = (
        datetime.combine(day, time(), SHANGHAI)
        for day in (first_day(node, meant.today), meant.today + timedelta(days=1))
    )
    if node.what in HAPPENED:
        at: Any = Touchpoint.at
        rows = (
            select(Identifier.one_id, func.count())
            .join(Touchpoint, Touchpoint.identifier_id == Identifier.id)
            .where(Touchpoint.kind == HAPPENED[node.what])
        )
    else:
        at = PageView.opened_at if node.what == "open" else PageView.read_at
        rows = (
            select(Identifier.one_id, func.count())
            .join(TrackedLink, TrackedLink.identifier_id == Identifier.id)
            .join(PageView, PageView.link_id == TrackedLink.id)
        )
    inside = rows.where(at >= begins, at < ends).group_by(Identifier.one_id)
    often = dict(session.execute(inside).all())
    most = node.most if node.most is not None else max(often.values(), default=0) + node.least
    return {one_id for one_id in everybody if node.least <= often.get(one_id, 0) <= most}


def _campaign(session: Session, node: CampaignIs, meant: Meant) -> set[str]:
    numbers = meant.campaigns[node.name]
    pages = (
        select(Identifier.one_id)
        .join(TrackedLink, TrackedLink.identifier_id == Identifier.id)
        .join(PageView, PageView.link_id == TrackedLink.id)
        .where(TrackedLink.campaign_id.in_(numbers))
    )
    sent = (
        select(Identifier.one_id)
        .join(Touchpoint, Touchpoint.identifier_id == Identifier.id)
        .where(Touchpoint.campaign_id.in_(numbers), Touchpoint.kind == Happened.CONTENT_SENT)
    )
    opened = set(session.scalars(pages))
    if node.step == "opened":
        return opened
    got = set(session.scalars(sent)) | opened
    return got - opened if node.step == "unopened" else got


def _reachable(session: Session, node: Reachable, everybody: set[str]) -> set[str]:
    if node.channel == "all":
        return set(everybody)
    if node.channel in ("out", "may_wecom", "may_oa"):
        on = consent.ANY if node.channel == "out" else node.channel.removeprefix("may_")
        said = consent.standing(session, everybody, on)
        return {one for one, (may, out) in said.items() if (out if on == consent.ANY else may)}
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
