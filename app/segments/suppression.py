"""Whom nobody writes to: lists and segments that are taken out of one campaign, or of everything.

It is asked when an audience is made and again when a message is sent. What cannot be evaluated
holds everybody back: `held_back` raises then, and whoever asks takes that for a no.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, delete, or_, select
from sqlalchemy.orm import Session

from app.identity import changed
from app.infra.direct import Direct
from app.infra.errors import NotFound, Refused
from app.segments import lists, saved
from app.segments.asking import which
from app.segments.models import ListState, Segment, SegmentList, SegmentListMember, Suppression
from app.segments.nodes import ListIs, SegmentIs


class Rule(NamedTuple):
    """A list (or a segment) whose members are spared: in a campaign, or (None) everywhere."""

    id: int
    list_id: int | None
    segment_id: int | None
    campaign_id: int | None
    list_name: str | None
    list_expires_at: datetime | None
    segment_name: str | None

    @property
    def name(self) -> str:
        """The list's or segment's."""
        return self.list_name or self.segment_name or ""


def held_back(
    session: Session, people: Collection[str], now: datetime, campaign_id: int | None = None
) -> dict[str, tuple[str, ...]]:
    """Those of these ONE IDs who are spared, with the names of what spares them.

    A list that has expired spares nobody any more. Raises Refused, Unparseable when that of a rule
    cannot be said.
    """
    valid = [
        rule for rule in rules(session, campaign_id)
        if rule.list_expires_at is None or rule.list_expires_at > now
    ]  # fmt: skip
    by_list = lists.among(session, [r.list_id for r in valid if r.list_id is not None], people)
    segments = [rule for rule in valid if rule.segment_name is not None]
    nodes = [SegmentIs(rule.name) for rule in segments]
    by_rule = dict(zip([r.id for r in segments], which(session, nodes, people, now), strict=True))
    found: dict[str, list[str]] = defaultdict(list)
    for rule in valid:
        whom = by_rule[rule.id] if rule.id in by_rule else by_list.get(rule.list_id, ())
        for one_id in whom:
            found[one_id].append(rule.name)
    return {one_id: tuple(of) for one_id, of in found.items()}


def rules(session: Session, campaign_id: int | None = None) -> Sequence[Rule]:
    """Those for everything, and those of this campaign."""
    return _RULES.all(session, {"campaign": campaign_id})


def add(
    session: Session, *, author: str, now: datetime, list_id: int | None = None,
    segment_id: int | None = None, campaign_id: int | None = None,
) -> Suppression:  # fmt: skip
    """Spare those of a list or of a segment from now on. Raises NotFound, Refused."""
    if (list_id is None) == (segment_id is None):
        raise Refused("请选择一个名单或一个人群。")
    if list_id is not None:
        row = session.get(SegmentList, list_id)
        if row is None or row.state != ListState.READY:
            raise NotFound("没有这个名单，或者还没有确认。")
    elif session.get(Segment, segment_id) is None:
        raise NotFound("没有这个人群。")
    same = (
        Suppression.list_id.is_not_distinct_from(list_id),
        Suppression.segment_id.is_not_distinct_from(segment_id),
        Suppression.campaign_id.is_not_distinct_from(campaign_id),
    )
    known = session.scalar(select(Suppression).where(*same))
    if known is None:
        known = Suppression(list_id=list_id, segment_id=segment_id, campaign_id=campaign_id,
                            created_by=author, created_at=now)  # fmt: skip
        session.add(known)
        session.flush()
    return known


def remove(session: Session, rule_id: int) -> Suppression:
    """Spare them no longer. Raises NotFound."""
    row = session.get(Suppression, rule_id)
    if row is None:
        raise NotFound("没有这条排除规则。")
    session.delete(row)
    session.flush()
    return row


def of_list(session: Session, list_id: int) -> Sequence[Suppression]:
    """Where a list spares its members."""
    return session.scalars(select(Suppression).where(Suppression.list_id == list_id)).all()


def of_segment(session: Session, segment_id: int) -> Sequence[Suppression]:
    """Where a segment spares its members."""
    return session.scalars(select(Suppression).where(Suppression.segment_id == segment_id)).all()


def segments_named(session: Session) -> set[int]:
    """The segments that spare their members, anywhere, by their own name."""
    named = session.scalars(select(Suppression.segment_id).distinct())
    return {one for one in named if one is not None}


def forget(session: Session, identifier_id: int, before: datetime | None = None) -> None:
    """An identifier leaves all lists (made before that moment) but those that spare: that somebody
    is not to be written to outlives the deletion of everything else."""
    lists_ = select(SegmentList.id).where(SegmentList.id.not_in(_sparing_lists(session)))
    if before is not None:
        lists_ = lists_.where(SegmentList.created_at < before)
    mine = (SegmentListMember.identifier_id == identifier_id, SegmentListMember.list_id.in_(lists_))
    session.execute(delete(SegmentListMember).where(*mine))
    changed.note(session, identifier_id)


def _sparing_lists(session: Session) -> set[int]:
    """Lists that a rule names, and those in the segments of rules."""
    named = set(
        session.scalars(select(Suppression.list_id).where(Suppression.list_id.is_not(None)))
    )
    spare = select(Suppression.segment_id).where(Suppression.segment_id.is_not(None))
    texts = {r.expression for r in session.scalars(select(Segment).where(Segment.id.in_(spare)))}
    texts |= {row.expression for text in texts for row in saved.within(session, text)}
    for row in session.scalars(select(SegmentList)) if texts else ():
        if any(saved.names_it(text, ListIs, row.name) for text in texts):
            named.add(row.id)
    return {one for one in named if one is not None}


def by_tags(session: Session, tag_ids: Collection[int]) -> list[str]:
    """The segments that spare their members and ask for one of these tags, by name."""
    spare = select(Suppression.segment_id).where(Suppression.segment_id.is_not(None))
    rows = session.scalars(select(Segment).where(Segment.id.in_(spare)).order_by(Segment.name))
    return [r.name for r in rows if not saved.tags_in(session, r.expression).isdisjoint(tag_ids)]


_RULES = Direct(
    select(
        Suppression.id, Suppression.list_id, Suppression.segment_id, Suppression.campaign_id,
        SegmentList.name.label("list_name"), SegmentList.expires_at.label("list_expires_at"),
        Segment.name.label("segment_name"),
    )
    .outerjoin(SegmentList, SegmentList.id == Suppression.list_id)
    .outerjoin(Segment, Segment.id == Suppression.segment_id)
    .where(or_(Suppression.campaign_id.is_(None), Suppression.campaign_id == bindparam("campaign")))
    .order_by(Suppression.id),
    Rule,
)  # fmt: skip
