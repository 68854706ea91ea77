"""Who is reached, of each group of physicians, beside the group's share of all who are connected.

A physician is connected through a rep's mutual contact; considered, when such a rep's day was
planned; planned, when a suggestion was made; contacted, when a content was sent, by whomever and
however; opened, when one was opened. All of it within the last days, each physician once.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import Any

from sqlalchemy import ColumnElement, CompoundSelect, Select, case, func, select, union
from sqlalchemy.orm import Session

from app import content, segments, tagging
from app.autotag.spoken import ABOUT
from app.content import Brand, Content, ContentVersion
from app.delivery.moment_models import Moment, MomentViewer
from app.flows.insight.contents import NOT_CANCELLED, first_day, within
from app.flows.insight.viewers import CHANNEL, viewed
from app.hospitals.models import Institution
from app.identity import Identifier, Physician
from app.infra.errors import Refused
from app.links import PageView, TrackedLink
from app.recommend import DailyPlan, Suggestion
from app.recommend.policy.shares import Rate, Short, short_of
from app.reps import RelationState, Rep, RepContact
from app.segments import Unparseable
from app.segments.expression import All, AnyOf, Reachable, TagIs


class By(StrEnum):
    """What physicians are grouped by."""

    SPECIALTY = "specialty"
    PROVINCE = "province"
    CITY = "city"
    LEVEL = "level"
    REP = "rep"


STEPS = ("considered", "planned", "contacted", "opened")
WATCHED = ("planned", "contacted")  # what we decide; opening is theirs


@dataclass(frozen=True, slots=True)
class Group:
    """One group; `key` is its value, or a rep's id; "": not known."""

    key: str
    connected: int
    considered: int
    planned: int
    contacted: int
    opened: int

    def rate(self, step: str) -> Rate:
        """How many of the group came to a step."""
        return Rate(getattr(self, step), self.connected)


@dataclass(frozen=True, slots=True)
class Alarm:
    """A group that surely gets much less than the others, at the first step where it does."""

    group: Group
    step: str
    short: Short


@dataclass(frozen=True, slots=True)
class Coverage:
    """Groups, the largest first; `alarms`: those whom we treat worse than others."""

    by: By
    groups: Sequence[Group]
    total: Group
    alarms: Sequence[Alarm]


@dataclass(frozen=True, slots=True)
class BrandShare:
    """What a brand got of all contacts, beside its share of demand.

    `wanted`: reachable physicians whose tags its contents speak to; None: cannot be counted.
    """

    brand: Brand
    contacts: int
    opened: int
    wanted: int | None


def coverage(session: Session, by: By, now: datetime, days: int) -> Coverage:
    """The groups of one kind over the last `days` days."""
    rows = _by_rep(session, now, days) if by is By.REP else _by_value(session, by, now, days)
    groups = sorted(rows, key=lambda group: (-group.connected, group.key))
    total = Group("", *(sum(getattr(g, n) for g in groups) for n in ("connected", *STEPS)))
    return Coverage(by, groups, total, alarms(groups))


def alarms(groups: Sequence[Group]) -> list[Alarm]:
    """Whom we surely treat worse. Pure. Who is not known to be anything is in no group."""
    found: dict[str, Alarm] = {}
    known = {group.key: group for group in groups if group.key}
    for step in WATCHED:
        pairs = {key: (getattr(g, step), g.connected) for key, g in known.items()}
        for key, short in short_of(pairs).items():
            found.setdefault(key, Alarm(known[key], step, short))
    return sorted(found.values(), key=lambda one: -one.group.connected)


def who(by: By, key: str, step: str, now: datetime, days: int) -> Select[str]:
    """ONE IDs behind a figure; `step` "connected", one of STEPS, or "missed": not contacted."""
    if by is By.REP:
        rep_id = int(key) if key.isdecimal() else 0
        chosen, sets, column = _of_rep(rep_id), _sets(now, days, rep_id), Identifier.one_id
    else:
        chosen = (
            select(Physician.one_id)
            .outerjoin(Institution, Institution.id == Physician.institution_id)
            .where(Physician.one_id.in_(_connected()), _value(by) == key)
        )
        sets, column = _sets(now, days), Physician.one_id
    if step == "missed":
        had = sets["contacted"].subquery()
        return chosen.where(~select(had.c.one_id).where(had.c.one_id == column).exists())
    return chosen.where(column.in_(sets[step])) if step in sets else chosen


def brand_shares(session: Session, now: datetime, days: int) -> list[BrandShare]:
    """All brands with content that is usable or was sent, the most contacts first."""
    after = now - timedelta(days=days)
    seen = select(PageView.link_id).where(PageView.opened_at > after).distinct().subquery()
    rows = session.execute(
        select(
            Content.brand_id,
            func.sum(case((TrackedLink.channel != CHANNEL, 1), else_=0)).label("contacts"),
            func.count(seen.c.link_id).label("opened"),
        )
        .select_from(TrackedLink)
        .outerjoin(seen, seen.c.link_id == TrackedLink.id)
        .join(ContentVersion, ContentVersion.id == TrackedLink.content_version_id)
        .join(Content, Content.id == ContentVersion.content_id)
        .where(TrackedLink.created_at > after, Content.brand_id.is_not(None))
        .group_by(Content.brand_id)
    )  # fmt: skip
    had = {row.brand_id: (row.contacts, row.opened) for row in rows}
    for brand_id, number in session.execute(_viewers_of_brands(after)):
        contacts, opened_ones = had.get(brand_id, (0, 0))
        had[brand_id] = contacts + number, opened_ones
    demand = _demand(session, now)
    found = [
        BrandShare(brand, *had.get(brand.id, (0, 0)), demand.get(brand.id))
        for brand in content.brands(session)
        if brand.id in had or brand.id in demand
    ]
    return sorted(found, key=lambda one: (-one.contacts, one.brand.id))


def _viewers_of_brands(after: datetime) -> Select[int, int]:
    """Brand and how often somebody saw one of its moments, each of which has one link for all."""
    return (
        viewed(after, Content.brand_id, func.count())
        .join(ContentVersion, ContentVersion.id == Moment.content_version_id)
        .join(Content, Content.id == ContentVersion.content_id)
        .where(Content.brand_id.is_not(None))
        .group_by(Content.brand_id)
    )


def _demand(session: Session, now: datetime) -> dict[int, int | None]:
    """Brand → reachable physicians who have one of the tags that its usable contents are about."""
    known = {tag.id: tag for tag in tagging.tags(session)}
    tags: dict[int, set[int]] = {}
    for usable in content.usable(session, now):
        if usable.brand_id is not None:
            tags.setdefault(usable.brand_id, set()).update(usable.tags)
    found: dict[int, int | None] = {}
    for brand_id, ids in tags.items():
        about = [known[t] for t in sorted(ids) if t in known and known[t].category_key in ABOUT]
        wants = AnyOf(tuple(TagIs(tag.name) for tag in about))
        try:
            found[brand_id] = (
                segments.size(session, All((Reachable("wecom"), wants)), now) if about else 0
            )
        except (Unparseable, Refused, segments.Behind):
            found[brand_id] = None
    return found


def _by_value(session: Session, by: By, now: datetime, days: int) -> list[Group]:
    """A statement for each set, or in a large company it takes longer than one may. A set is asked
    for by IN in WHERE: PostgreSQL's processes share that work, and not the making of a distinct
    set. Asking so among the columns would go through the set once for each physician."""
    value = _value(by)
    connected = (
        select(value, func.count())
        .select_from(Physician)
        .outerjoin(Institution, Institution.id == Physician.institution_id)
        .where(Physician.one_id.in_(_connected()))
        .group_by(value)
    )
    counts = {"connected": _pairs(session, connected)}
    for step, one in _sets(now, days).items():
        counts[step] = _pairs(session, connected.where(Physician.one_id.in_(one)))
    return [
        Group(key, number, *(counts[step].get(key, 0) for step in STEPS))
        for key, number in counts["connected"].items()
    ]


def _pairs(session: Session, counted: Select[Any, Any]) -> dict[Any, int]:
    return {row[0]: row[1] for row in session.execute(counted)}


def _by_rep(session: Session, now: datetime, days: int) -> list[Group]:
    """A physician of two reps counts for both, and for each what this rep did."""
    since, after = first_day(now, days), now - timedelta(days=days)
    person = func.count(Identifier.one_id.distinct())
    links = select(TrackedLink.rep_id, Identifier.one_id).join(
        Identifier, Identifier.id == TrackedLink.identifier_id
    )
    seen = viewed(after, Moment.rep_id, Identifier.one_id)
    seen = seen.join(Identifier, Identifier.id == MomentViewer.identifier_id)
    made = select(Suggestion.rep_id, Identifier.one_id).join(
        Identifier, Identifier.id == Suggestion.identifier_id
    )
    opened = links.join(PageView, PageView.link_id == TrackedLink.id)
    connected = (
        select(RepContact.rep_id, person.label("number"))
        .join(Identifier, Identifier.id == RepContact.identifier_id)
        .where(RepContact.state == RelationState.CONNECTED)
    )
    by_step = {
        "connected": connected,
        "considered": connected.where(RepContact.rep_id.in_(_planned_reps(since))),
        "planned": _of_friends(connected, made.where(within(since, now), NOT_CANCELLED)),
        "contacted": _of_friends(
            connected, union(links.where(TrackedLink.created_at > after), seen)
        ),
        "opened": _of_friends(connected, opened.where(PageView.opened_at > after)),
    }
    counts = {
        step: _pairs(session, one.group_by(RepContact.rep_id)) for step, one in by_step.items()
    }
    return [
        Group(str(rep_id), number, *(counts[step].get(rep_id, 0) for step in STEPS))
        for rep_id, number in counts["connected"].items()
    ]


def _of_friends(
    connected: Select[int, int], done: Select[Any, Any] | CompoundSelect[Any, Any]
) -> Select[int, int]:
    """Those with whom the rep has `done` something, through whichever of their identifiers."""
    pairs = done.subquery()
    rep_id, one_id = pairs.c
    return connected.join(pairs, (rep_id == RepContact.rep_id) & (one_id == Identifier.one_id))


def _of_rep(rep_id: int) -> Select[str]:
    return (
        select(Identifier.one_id)
        .join(RepContact, RepContact.identifier_id == Identifier.id)
        .where(RepContact.rep_id == rep_id, RepContact.state == RelationState.CONNECTED)
    )


def _connected() -> Select[str]:
    return (
        select(Identifier.one_id)
        .join(RepContact, RepContact.identifier_id == Identifier.id)
        .where(RepContact.state == RelationState.CONNECTED)
    )


def _planned_reps(since: date) -> Select[int]:
    return select(DailyPlan.rep_id).where(DailyPlan.day >= since)


def _sets(now: datetime, days: int, rep_id: int | None = None) -> dict[str, Select[str]]:
    """Step → ONE IDs, through whomever, or through one rep."""
    since, after = first_day(now, days), now - timedelta(days=days)
    linked, planned = select(TrackedLink.identifier_id), select(Suggestion.identifier_id)
    considered = _connected().where(RepContact.rep_id.in_(_planned_reps(since)))
    seen = viewed(after, MomentViewer.identifier_id)
    if rep_id is not None:
        linked = linked.where(TrackedLink.rep_id == rep_id)
        planned = planned.where(Suggestion.rep_id == rep_id)
        considered = considered.where(RepContact.rep_id == rep_id)
        seen = seen.where(Moment.rep_id == rep_id)
    opened = linked.join(PageView, PageView.link_id == TrackedLink.id)
    return {
        "considered": considered,
        "planned": _people(planned.where(within(since, now), NOT_CANCELLED)),
        "contacted": _people(union(linked.where(TrackedLink.created_at > after), seen)),
        "opened": _people(opened.where(PageView.opened_at > after)),
    }


def _people(identifiers: Select[Any] | CompoundSelect[Any]) -> Select[str]:
    """Whose identifiers these are."""
    ids = identifiers.subquery()
    (one,) = ids.c
    return select(Identifier.one_id).join(ids, one == Identifier.id)


def _value(by: By) -> ColumnElement[str]:
    columns = {
        By.SPECIALTY: Physician.specialty, By.PROVINCE: Physician.province,
        By.CITY: Physician.city, By.LEVEL: Institution.level,
    }  # fmt: skip
    return func.coalesce(columns[by], "")


def rep_names(session: Session, groups: Sequence[Group]) -> dict[str, Rep]:
    """The reps behind groups by rep."""
    ids = [int(group.key) for group in groups if group.key.isdecimal()]
    return {str(rep.id): rep for rep in session.scalars(select(Rep).where(Rep.id.in_(ids)))}
