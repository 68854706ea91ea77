"""Evaluating an expression over the database."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app import identity, tagging
from app.identity import Physician
from app.identity.models import Identifier, Kind
from app.identity.search import WEAK
from app.infra.errors import Refused
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
    parse,
)

SAMPLE = 5


@dataclass(frozen=True, slots=True)
class Audience:
    """How many, over how many reps, and who, for example."""

    size: int
    reps: int
    sample: Sequence[Physician]


def members(session: Session, text: str, now: datetime) -> set[str]:
    """ONE IDs for whom the expression holds. Raises Unparseable, Refused for unknown tags."""
    everybody = _everybody(session)
    return _holds(session, parse(text), everybody, now)


def audience(session: Session, text: str, now: datetime) -> Audience:
    """Size and a stable random sample."""
    found = members(session, text, now)
    mixed = sorted(found, key=lambda one_id: hashlib.sha256(one_id.encode()).digest())
    people = identity.physicians_by_id(session, mixed[:SAMPLE])
    number = session.scalar(
        select(func.count(func.distinct(RepContact.rep_id)))
        .join(Identifier, Identifier.id == RepContact.identifier_id)
        .where(RepContact.state == RelationState.CONNECTED, Identifier.one_id.in_(found))
    )
    return Audience(len(found), number or 0, [people[i] for i in mixed[:SAMPLE]])


def _everybody(session: Session) -> set[str]:
    return set(
        session.scalars(
            select(Physician.one_id)
            .join(Identifier, Identifier.id == Physician.anchor_id)
            .where(Physician.live.is_(True), Identifier.kind.not_in(WEAK))
        )
    )


def _holds(session: Session, node: Node, everybody: set[str], now: datetime) -> set[str]:
    if isinstance(node, All):
        parts = [_holds(session, part, everybody, now) for part in node.parts]
        return set.intersection(*parts)
    if isinstance(node, AnyOf):
        return set().union(*(_holds(session, part, everybody, now) for part in node.parts))
    if isinstance(node, Not):
        return everybody - _holds(session, node.inner, everybody, now)
    if isinstance(node, TagIs):
        return _tagged(session, node, now) & everybody
    if isinstance(node, FieldIs):
        return _attributed(session, node) & everybody
    if isinstance(node, Opened):
        return _opened(session, node, now) & everybody
    return _reachable(session, node, everybody)


def _tagged(session: Session, node: TagIs, now: datetime) -> set[str]:
    tag = tagging.by_name(session, node.name) or tagging.by_key(session, node.name)
    if tag is None:
        raise Refused(f"没有标签“{node.name}”，请从标签库中选择。")
    return tagging.holders(session, tag.id, now, node.at_least)


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


def _opened(session: Session, node: Opened, now: datetime) -> set[str]:
    rows = (
        select(Identifier.one_id)
        .join(TrackedLink, TrackedLink.identifier_id == Identifier.id)
        .join(PageView, PageView.link_id == TrackedLink.id)
        .where(PageView.opened_at > now - timedelta(days=node.days))
        .group_by(Identifier.one_id)
        .having(func.count() >= node.times)
    )
    return set(session.scalars(rows))


def _reachable(session: Session, node: Reachable, everybody: set[str]) -> set[str]:
    if node.channel == "all":
        return set(everybody)
    if node.channel == "oa":
        rows = select(Identifier.one_id).where(Identifier.kind == Kind.OPENID)
    else:
        rows = (
            select(Identifier.one_id)
            .join(RepContact, RepContact.identifier_id == Identifier.id)
            .where(RepContact.state == RelationState.CONNECTED)
        )
    return set(session.scalars(rows)) & everybody
