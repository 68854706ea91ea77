"""Evaluating an expression over the database."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app import consent, identity, tagging
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
    tag_names,
)
from app.tagging import Tag

SAMPLE = 5


@dataclass(frozen=True, slots=True)
class Audience:
    """How many, over how many reps, how many of them opted out, and who, for example."""

    size: int
    reps: int
    sample: Sequence[Physician]
    opted_out: int = 0


def members(session: Session, text: str, now: datetime) -> set[str]:
    """ONE IDs for whom the expression holds. Raises Unparseable, Refused for unknown tags."""
    everybody = _everybody(session)
    return _holds(session, parse(text), everybody, now)


def check(session: Session, text: str) -> Node:
    """The expression, when every tag in it exists. Raises Unparseable, Refused."""
    tree = parse(text)
    for name in sorted(tag_names(tree)):
        _tag(session, name)
    return tree


def audience(session: Session, text: str, now: datetime) -> Audience:
    """Size and a sample that is random but always the same for the same people."""
    found = members(session, text, now)
    mixed = sorted(found, key=lambda one_id: hashlib.sha256(one_id.encode()).digest())
    people = identity.physicians_by_id(session, mixed[:SAMPLE])
    standing = consent.standing(session, found, "any")
    opted_out = sum(1 for _, out in standing.values() if out)
    return Audience(
        len(found), _reps_of(session, found), [people[i] for i in mixed[:SAMPLE]], opted_out
    )


def _reps_of(session: Session, found: set[str]) -> int:
    rows = session.execute(
        select(RepContact.rep_id, Identifier.one_id)
        .join(Identifier, Identifier.id == RepContact.identifier_id)
        .where(RepContact.state == RelationState.CONNECTED)
    )
    return len({rep_id for rep_id, one_id in rows if one_id in found})


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
    return tagging.holders(session, _tag(session, node.name).id, now, node.at_least)


def _tag(session: Session, name: str) -> Tag:
    tag = tagging.by_name(session, name) or tagging.by_key(session, name)
    if tag is None:
        raise Refused(f"没有标签“{name}”，请从标签库中选择。")
    return tag


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
