"""The facts of physicians, read from the tables where they are true."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import Select, func, or_, select
from sqlalchemy.orm import Session

from app import consent, tagging
from app.hospitals.models import Institution
from app.identity import WEAK, Identifier, Kind, Physician
from app.infra import crypto
from app.infra.clock import local
from app.journey import Happened, Touchpoint
from app.links import PageView, TrackedLink
from app.reps import RelationState, RepContact
from app.segments.facts import FIELDS, LONGEST_WINDOW, STEPS, Facts
from app.segments.models import ListState, SegmentList, SegmentListMember

AT_ONCE = 500
CHANNELS = ("wecom", "oa")
TOUCHES = {Happened.MESSAGE_RECEIVED: "msg", Happened.CONTENT_SENT: "recv"}


@dataclass(slots=True)
class Seen:
    """What happened with one physician, by day in China, and of which campaigns."""

    counts: dict[str, dict[date, int]] = field(default_factory=dict)
    got: set[int] = field(default_factory=set)
    opened: set[int] = field(default_factory=set)

    def count(self, what: str, at: datetime, since: datetime) -> None:
        """Once more, unless no window reaches back so far."""
        if at > since:
            days, day = self.counts.setdefault(what, {}), local(at).date()
            days[day] = days.get(day, 0) + 1


def gather(session: Session, one_ids: Sequence[str], now: datetime) -> Iterator[Facts]:
    """What is true of each of these now, in order. Who never existed has no facts."""
    shape = tagging.shape(session) if one_ids else None
    for start in range(0, len(one_ids), AT_ONCE):
        piece = one_ids[start : start + AT_ONCE]
        shown = _shown(session, piece)
        lines = tagging.lines_of(session, piece)
        reps, lists = _reps(session, piece), _lists(session, piece)
        seen = _seen(session, piece, now)
        follow = _follow(session, piece)
        said = consent.standing_on(session, piece, (*CHANNELS, consent.ANY))
        for one_id in piece:
            if one_id not in shown:
                yield Facts(one_id)
                continue
            assert shape is not None
            held = tagging.held(lines[one_id], shape, now, STEPS)
            mine, allows = seen[one_id], said[one_id]
            yield Facts(
                one_id, True, held.strengths, shown[one_id], frozenset(reps[one_id]),
                one_id in follow, mine.counts, allows[consent.ANY][1],
                frozenset(channel for channel in CHANNELS if allows[channel][0]),
                frozenset(lists[one_id]), frozenset(mine.got), frozenset(mine.opened),
                held.changes_at,
            )  # fmt: skip


def _shown(session: Session, one_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Attributes of those who may be in an audience."""
    rows = session.execute(
        select(Physician.one_id, *(getattr(Physician, name) for name in FIELDS), Institution.level)
        .join(Identifier, Identifier.id == Physician.anchor_id)
        .outerjoin(Institution, Institution.id == Physician.institution_id)
        .where(
            Physician.one_id.in_(one_ids), Physician.live.is_(True), Identifier.kind.not_in(WEAK)
        )
    )
    names = (*FIELDS, "level")
    return {one_id: dict(zip(names, texts, strict=True)) for one_id, *texts in rows}


def _reps(session: Session, one_ids: Sequence[str]) -> dict[str, set[int]]:
    rows = session.execute(
        select(Identifier.one_id, RepContact.rep_id)
        .join(RepContact, RepContact.identifier_id == Identifier.id)
        .where(Identifier.one_id.in_(one_ids), RepContact.state == RelationState.CONNECTED)
    )
    found: dict[str, set[int]] = defaultdict(set)
    for one_id, rep_id in rows:
        found[one_id].add(rep_id)
    return found


def _follow(session: Session, one_ids: Sequence[str]) -> set[str]:
    """Who has an openid. A forgotten one is a tombstone: a sealed "" is as long as every other."""
    nothing = len(crypto.ring().encrypt(b"", ""))
    chosen = select(Identifier.one_id).where(
        Identifier.one_id.in_(one_ids), Identifier.kind == Kind.OPENID,
        func.length(Identifier.value) > nothing,
    )  # fmt: skip
    return set(session.scalars(chosen))


def _lists(session: Session, one_ids: Sequence[str]) -> dict[str, set[int]]:
    rows = session.execute(
        select(Identifier.one_id, SegmentListMember.list_id)
        .join(SegmentListMember, SegmentListMember.identifier_id == Identifier.id)
        .join(SegmentList, SegmentList.id == SegmentListMember.list_id)
        .where(Identifier.one_id.in_(one_ids), SegmentList.state == ListState.READY)
    )
    found: dict[str, set[int]] = defaultdict(set)
    for one_id, list_id in rows:
        found[one_id].add(list_id)
    return found


def _seen(session: Session, one_ids: Sequence[str], now: datetime) -> dict[str, Seen]:
    """As far back as a window may reach; of campaigns everything."""
    since = now - timedelta(days=LONGEST_WINDOW + 1)
    found: dict[str, Seen] = defaultdict(Seen)
    for one_id, campaign, opened_at, read_at in session.execute(_pages(one_ids, since)):
        mine = found[one_id]
        mine.count("open", opened_at, since)
        if read_at is not None:
            mine.count("read", read_at, since)
        if campaign is not None:
            mine.got.add(campaign)
            mine.opened.add(campaign)
    for one_id, campaign, kind, at in session.execute(_touches(one_ids, since)):
        found[one_id].count(TOUCHES[Happened(kind)], at, since)
        if campaign is not None and kind == Happened.CONTENT_SENT:
            found[one_id].got.add(campaign)
    return found


def _pages(
    one_ids: Sequence[str], since: datetime
) -> Select[str, int | None, datetime, datetime | None]:
    return (
        select(Identifier.one_id, TrackedLink.campaign_id, PageView.opened_at, PageView.read_at)
        .join(TrackedLink, TrackedLink.identifier_id == Identifier.id)
        .join(PageView, PageView.link_id == TrackedLink.id)
        .where(
            Identifier.one_id.in_(one_ids),
            or_(
                PageView.opened_at > since, PageView.read_at > since,
                TrackedLink.campaign_id.is_not(None),
            ),
        )
    )  # fmt: skip


def _touches(one_ids: Sequence[str], since: datetime) -> Select[str, int | None, str, datetime]:
    return (
        select(Identifier.one_id, Touchpoint.campaign_id, Touchpoint.kind, Touchpoint.at)
        .join(Touchpoint, Touchpoint.identifier_id == Identifier.id)
        .where(
            Identifier.one_id.in_(one_ids), Touchpoint.kind.in_(TOUCHES),
            or_(Touchpoint.at > since, Touchpoint.campaign_id.is_not(None)),
        )
    )  # fmt: skip
