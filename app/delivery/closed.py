"""What need not be looked at now: messages that wait for a stopped API or for a limit that is used
up, as a condition of claims and as words beside each of them."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import ColumnElement, and_, bindparam, or_, select, update
from sqlalchemy.orm import Session

from app.delivery import breaker as rules
from app.delivery.breaker import Breaker, Permit
from app.delivery.buckets import API_MINUTE, MEMBER, Bucket, Flow, app_day
from app.delivery.models import ApiBreaker, Dispatch, SendBucket, State, Way
from app.delivery.ways import TO_MEMBER, ways_of
from app.infra.direct import Direct

WAITS_FOR_LIMIT = "等待发送频率"  # begins the reason of a message that a limit holds back
LONGEST_S = {bucket.name: bucket.longest_wait_s for bucket in (*MEMBER, API_MINUTE)}
DAY_S = 86_400.0


@dataclass(frozen=True, slots=True)
class Closed:
    """Messages that need not be looked at now."""

    account: str
    ways: frozenset[Way]
    rep_id: int | None = None


@dataclass(frozen=True, slots=True)
class Wait:
    """What is used up, and for whom."""

    words: str
    closed: Closed


def closed(session: Session, now: datetime) -> list[Closed]:
    """What waits for a stopped API or for an empty bucket."""
    found = []
    for row in _STOPPED.all(session, {"now": now}):
        if rules.permit(Breaker(since=row.since, until=row.until), now) is Permit.WAIT:
            found.append(Closed(row.account, ways_of(row.api)))
    at = now.timestamp()
    for empty in _EMPTY.all(session, {"at": at}):
        # One that lies too far ahead was written before the clock was set back.
        if empty.ready_at - at <= LONGEST_S.get(empty.bucket, DAY_S) and _is_of(empty, now):
            found.append(closed_by(empty))
    return found


def say_why(session: Session, wait: Wait, now: datetime) -> None:
    """Write the reason beside every message that waits for the same thing."""
    words = f"{WAITS_FOR_LIMIT}：{wait.words}"
    condition = not_closed([wait.closed])
    assert condition is not None
    # Those that another worker is about to claim are left out: it waits for our gate.
    alike = select(Dispatch.id).where(
        Dispatch.state == State.QUEUED, Dispatch.not_before <= now,
        Dispatch.error != words, ~condition,
    ).with_for_update(skip_locked=True)  # fmt: skip
    session.execute(
        update(Dispatch)
        .where(Dispatch.id.in_(alike))
        .values(error=words)
        .execution_options(synchronize_session=False)
    )


def not_closed(found: Iterable[Closed]) -> ColumnElement[bool] | None:
    """The condition on messages that none of these holds back; None when there are none."""
    by_ways: dict[tuple[str, frozenset[Way]], set[int]] = defaultdict(set)
    conditions: list[ColumnElement[bool]] = []
    for one in found:
        if one.rep_id is not None:
            by_ways[one.account, one.ways].add(one.rep_id)
        else:
            conditions.append(and_(Dispatch.app_key == one.account, Dispatch.way.in_(one.ways)))
    for (account, ways), rep_ids in by_ways.items():
        conditions.append(
            and_(
                Dispatch.app_key == account, Dispatch.way.in_(ways),
                Dispatch.rep_id.is_not(None), Dispatch.rep_id.in_(rep_ids),
            )
        )  # fmt: skip
    return ~or_(*conditions) if conditions else None


def closed_by(row: SendBucket | _Empty) -> Closed:
    """What a bucket that is used up holds back."""
    if row.bucket in ("member_minute", "member_hour"):
        return Closed(row.account, TO_MEMBER, int(row.subject))
    if row.bucket == "app_day":
        return Closed(row.account, TO_MEMBER)
    return Closed(row.account, ways_of(row.subject.split(":", 1)[0]))


class _Stopped(NamedTuple):
    account: str
    api: str
    since: datetime | None
    until: datetime | None


class _Empty(NamedTuple):
    bucket: str
    account: str
    subject: str
    ready_at: float


_STOPPED = Direct(
    select(*(getattr(ApiBreaker, name) for name in _Stopped._fields)).where(
        ApiBreaker.until > bindparam("now")
    ),
    _Stopped,
)
_EMPTY = Direct(
    select(*(getattr(SendBucket, name) for name in _Empty._fields)).where(
        SendBucket.ready_at > bindparam("at")
    ),
    _Empty,
)


def _is_of(row: _Empty, now: datetime) -> bool:
    """A day's quota says nothing about another day."""
    buckets: dict[str, Bucket] = {bucket.name: bucket for bucket in (*MEMBER, API_MINUTE)}
    if isinstance(buckets.get(row.bucket), Flow):
        return True
    subject = row.subject.rsplit(":", 1)[0]
    return row.subject == app_day(1).subject(subject, now)
