"""Saved segments and lists with all who use them: a new name reaches everybody, what is used is not
deleted, and whom one spares from now on is judged again where a moment is already marked for them.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app import autotag, campaigns, delivery, feedback, segments
from app.autotag import TagRule
from app.campaigns import Campaign
from app.infra.errors import Refused
from app.segments import Segment
from app.segments.models import Suppression
from app.segments.nodes import ListIs, SegmentIs


@dataclass(frozen=True, slots=True)
class Users:
    """Who names a segment or list, and where it spares its members."""

    segments: list[Segment]
    campaigns: list[Campaign]
    rules: list[TagRule]
    spares: list[Suppression]

    def __bool__(self) -> bool:
        return bool(self.segments or self.campaigns or self.rules or self.spares)

    def text(self) -> str:
        """For people."""
        told = [f"人群“{row.name}”" for row in self.segments]
        told += [f"推送“{row.name}”" for row in self.campaigns]
        told += [f"自动标签规则“{row.name}”" for row in self.rules]
        if self.spares:
            told.append("排除规则")
        return "、".join(told)


def users_of_segment(session: Session, segment_id: int) -> Users:
    """Who needs it."""
    name = segments.saved.get(session, segment_id).name
    return _users(session, SegmentIs, name, segments.suppression.of_segment(session, segment_id))


def users_of_list(session: Session, list_id: int) -> Users:
    """Who needs it."""
    name = segments.lists.get(session, list_id).name
    return _users(session, ListIs, name, segments.suppression.of_list(session, list_id))


def change_segment(
    session: Session, segment_id: int, *, expression: str, author: str, now: datetime,
    description: str | None = None, base: int | None = None,
) -> Segment:  # fmt: skip
    """Another expression is a new version. Raises NotFound, Unparseable, and Refused also when a
    rule that gives tags would follow from itself."""
    before = segments.saved.get(session, segment_id).expression
    row = segments.saved.change(session, segment_id, expression=expression, author=author, now=now,
                                description=description, base=base)  # fmt: skip
    _means_others(session, row, before, now)
    return row


def segment_back(
    session: Session, segment_id: int, number: int, *, author: str, now: datetime
) -> Segment:
    """An older expression is the newest again. Raises as `change_segment`."""
    before = segments.saved.get(session, segment_id).expression
    row = segments.saved.back(session, segment_id, number, author=author, now=now)
    _means_others(session, row, before, now)
    return row


def rename_segment(session: Session, segment_id: int, name: str) -> None:
    """Its new name stands wherever the old one did. Raises NotFound, Refused."""
    old = segments.saved.rename(session, segment_id, name)
    campaigns.follow_rename(session, SegmentIs, old, name.strip())
    autotag.follow_rename(session, SegmentIs, old, name.strip())


def delete_segment(session: Session, segment_id: int) -> str:
    """Its name. Raises NotFound, and Refused while somebody uses it."""
    name = segments.saved.get(session, segment_id).name
    _refuse_if_used(f"人群“{name}”", users_of_segment(session, segment_id))
    if feedback.rules.of_segment(session, segment_id):
        raise Refused(f"人群“{name}”用在代表反馈的规则里（治理 → 反馈规则），不能删除。")
    segments.saved.remove(session, segment_id)
    return name


def delete_list(session: Session, list_id: int) -> str:
    """Its name. Raises NotFound, and Refused while somebody uses it."""
    name = segments.lists.get(session, list_id).name
    _refuse_if_used(f"名单“{name}”", users_of_list(session, list_id))
    segments.lists.discard(session, list_id)
    return name


def spare(
    session: Session, *, author: str, now: datetime, list_id: int | None = None,
    segment_id: int | None = None, campaign_id: int | None = None,
) -> Suppression:  # fmt: skip
    """As `segments.suppression.add`; moments that are not published yet are judged again."""
    row = segments.suppression.add(
        session, author=author, now=now, list_id=list_id, segment_id=segment_id,
        campaign_id=campaign_id,
    )  # fmt: skip
    delivery.moments.wake(session, now, campaign_id=campaign_id)
    return row


def prolong_list(
    session: Session, list_id: int, expires_at: datetime | None, now: datetime
) -> None:
    """As `segments.lists.prolong`: a list that had expired spares again."""
    segments.lists.prolong(session, list_id, expires_at, now)
    name = segments.lists.get(session, list_id).name
    within = segments.saved.that_name(session, ListIs, name)
    if segments.suppression.of_list(session, list_id) or _keep_back(session, within, now):
        delivery.moments.wake(session, now)


def _means_others(session: Session, row: Segment, before: str, now: datetime) -> None:
    """What follows when its expression is another one than before."""
    if row.expression == before:
        return
    autotag.check_segment(session, row)
    if _keep_back(session, [row], now):
        delivery.moments.wake(session, now)


def _keep_back(session: Session, rows: Sequence[Segment], now: datetime) -> bool:
    """Is anybody spared, or a content stopped for them, by one of these or by what names it?"""
    stopping = {rule.segment_id for rule in feedback.rules.in_force(session, now)}
    named = stopping | segments.suppression.segments_named(session)
    return any(not named.isdisjoint(segments.saved.around(session, row)) for row in rows)


def _users(session: Session, kind: type[Any], name: str, spares: Any) -> Users:
    return Users(
        segments.saved.that_name(session, kind, name),
        campaigns.naming(session, kind, name), autotag.naming(session, kind, name), list(spares),
    )  # fmt: skip


def _refuse_if_used(what: str, users: Users) -> None:
    if users:
        raise Refused(f"{what}还在使用：{users.text()}。请先从那里去掉，再删除。")
