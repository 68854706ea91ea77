"""Whether the platform takes another call now: breakers, buckets and places, kept in tables.

A claim opens the gate of each account it needs, which locks the account's row until the claim is
committed: so limits are exact however many workers there are, and no history is counted.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import UTC, datetime, timedelta

from prometheus_client import Counter
from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from app.delivery import breaker as rules
from app.delivery.breaker import Breaker, Permit, Why
from app.delivery.buckets import API_MINUTE, DAILY, MEMBER, NAMES, OF_API, Bucket, app_day
from app.delivery.channels import Delivered
from app.delivery.closed import Wait, closed_by
from app.delivery.models import ApiBreaker, Dispatch, SendBucket, SendPace, State, Way
from app.delivery.outcome import UNREPEATABLE
from app.delivery.pace import Pace, halved, slots
from app.delivery.ways import API_OF, TO_MEMBER
from app.infra.db import insert_once
from app.infra.direct import Direct
from app.reps import Rep, RepContact
from app.tagging import MarkSide

TOO_MANY_AT_ONCE = 45033
FOR_WELCOMES = 2  # places that only they may take: they have 20 seconds
FRONT = 64  # more than are ever written at once
FORGOTTEN_AFTER = timedelta(minutes=1)  # after its time is over and nothing has tried it

_waits = Counter("yishu_bucket_waits_total", "Messages that had to wait for a limit", ["bucket"])
for _name in NAMES:
    _waits.labels(_name)  # 0 is told, too: what is absent alarms nobody


@dataclass(frozen=True, slots=True)
class Limits:
    """What a company may choose. `accounts` 0: as many as there are active reps."""

    concurrency: int = 5
    accounts: int = 0


class Gate:
    """The way to one account's platform, held by one claim until its transaction ends."""

    def __init__(self, session: Session, account: str, now: datetime, limits: Limits) -> None:
        self._session, self._account, self._now, self._limits = session, account, now, limits
        self._pace = _locked_pace(session, account)
        breakers = session.scalars(_BREAKERS, {"account": account})
        self._breakers = {row.api: row for row in breakers}
        self._free = slots(_pace_of(self._pace), limits.concurrency, now) - _flying(
            session, account, now
        )
        self._levels: dict[tuple[str, str], SendBucket] = {}

    def is_open(self, way: Way) -> bool:
        """Could a message of this way go now, as far as the API and its places are concerned?"""
        places = self._free + (FOR_WELCOMES if way is Way.WELCOME else 0)
        return places > 0 and self._permit(API_OF[way]) is not Permit.WAIT

    def needs_knock(self, way: Way) -> bool:
        """Would a message of this way try a stopped API, and could it not be repeated?"""
        return way in UNREPEATABLE and self._permit(API_OF[way]) is Permit.PROBE

    def enter(self, way: Way, rep_id: int | None) -> Wait | None:
        """Take a place and what the limits count, or say what is used up."""
        buckets = self._buckets(way, rep_id)
        after = []
        for bucket, subject in buckets:
            row = self._level(bucket, bucket.subject(subject, self._now))
            level = bucket.taken(row.level, self._now)
            if level is None:
                row.level = bucket.settled(row.level, self._now)
                row.ready_at = bucket.ready_at(row.level, self._now)
                _waits.labels(bucket.name).inc()
                return Wait(bucket.words, closed_by(row))
            after.append((row, level))
        for row, level in after:
            row.level, row.ready_at = level, 0.0  # the next one that asks finds out
        self._free -= 1
        api = API_OF[way]
        if self._permit(api) is Permit.PROBE:
            _keep(self._breakers[api], rules.probing(_breaker_of(self._breakers[api]), self._now))
        return None

    def leave(self, way: Way, rep_id: int | None) -> None:
        """Give back what was taken in this transaction for what is not sent after all."""
        for bucket, subject in self._buckets(way, rep_id):
            row = self._level(bucket, bucket.subject(subject, self._now))
            row.level = bucket.given_back(row.level)
        self._free += 1

    def enter_call(self, api: str) -> bool:
        """The same for a call that is no message: whether it may be made now. It holds its place
        by what the caller leases for it in this transaction."""
        if self._free <= 0 or self._permit(api) is Permit.WAIT:
            return False
        row = self._level(API_MINUTE, API_MINUTE.subject(api, self._now))
        level = API_MINUTE.taken(row.level, self._now)
        if level is None:
            return False
        row.level, row.ready_at = level, 0.0
        if self._permit(api) is Permit.PROBE:
            _keep(self._breakers[api], rules.probing(_breaker_of(self._breakers[api]), self._now))
        return True

    def _permit(self, api: str) -> Permit:
        row = self._breakers.get(api)
        return rules.permit(_breaker_of(row), self._now) if row is not None else Permit.GO

    def _buckets(self, way: Way, rep_id: int | None) -> list[tuple[Bucket, str]]:
        api = API_OF[way]
        found: list[tuple[Bucket, str]] = []
        if way in TO_MEMBER:
            if rep_id is not None:
                found += [(bucket, str(rep_id)) for bucket in MEMBER]
            found.append((app_day(self._accounts()), "app"))
        found.append((API_MINUTE, api))
        if api in OF_API:
            found.append((OF_API[api], api))
        if api in DAILY:
            found.append((DAILY[api], api))
        return found

    def _accounts(self) -> int:
        if self._limits.accounts:
            return self._limits.accounts
        if "accounts" not in self._session.info:  # once for each transaction's session
            active = select(func.count()).select_from(Rep).where(Rep.active.is_(True))
            self._session.info["accounts"] = self._session.scalar(active)
        return int(self._session.info["accounts"] or 0)

    def _level(self, bucket: Bucket, subject: str) -> SendBucket:
        key = (bucket.name, subject)
        if key not in self._levels:
            names = {"bucket": bucket.name, "account": self._account, "subject": subject}
            row = self._session.get(SendBucket, names, populate_existing=True)
            if row is None:
                row = SendBucket(**names, level=0.0, ready_at=0.0)
                self._session.add(row)
            self._levels[key] = row
        return self._levels[key]


def note_answer(
    session: Session,
    account: str,
    way: Way,
    answer: Delivered | Exception,
    *,
    began: datetime,
    now: datetime,
    limits: Limits,
) -> datetime | None:
    """What an answer says about the account's platform; until when the API is stopped, if it is.

    Costs one read as long as nothing is wrong.
    """
    return note_call(
        session, account, API_OF[way], answer, began=began, now=now, limits=limits,
        costly=way in UNREPEATABLE,
    )  # fmt: skip


def note_call(
    session: Session,
    account: str,
    api: str,
    answer: Delivered | Exception,
    *,
    began: datetime,
    now: datetime,
    limits: Limits,
    costly: bool = False,
) -> datetime | None:
    """The same for a call of any API."""
    if isinstance(answer, Exception):
        _locked_pace(session, account)
        insert_once(
            session, ApiBreaker,
            {"account": account, "api": api, "failures": [], "why": "", "strikes": 0},
            "account", "api",
        )  # fmt: skip
        session.info.pop("no breaker", None)
        if getattr(answer, "code", 0) == TOO_MANY_AT_ONCE:
            row = session.get_one(SendPace, account)
            pace = halved(_pace_of(row), limits.concurrency, began, now)
            row.slots, row.lowered_at = pace.slots, pace.lowered_at
    found = _breaker(session, account, api)
    if found is None or (isinstance(answer, Delivered) and _is_calm(found, costly)):
        return None
    _locked_pace(session, account)
    session.refresh(found)
    _keep(found, rules.after(_breaker_of(found), answer, began, now, costly=costly))
    session.flush()
    return found.until


def _is_calm(row: ApiBreaker, costly: bool) -> bool:
    """True when a message that was taken changes nothing."""
    return row.until is None and (costly or not row.failures)


def _breaker(session: Session, account: str, api: str) -> ApiBreaker | None:
    """The API's breaker, looked for once a transaction: hardly any API was ever in trouble."""
    without: set[tuple[str, str]] = session.info.setdefault("no breaker", set())
    if (account, api) in without:
        return None
    found = session.get(ApiBreaker, (account, api))
    if found is None:
        without.add((account, api))
    return found


def stopped(session: Session, now: datetime) -> list[ApiBreaker]:
    """The APIs that may not be called freely now, for people and alarms.

    Where a message waits, a call tries as soon as the time is over. Where none does, nobody finds
    out whether the API works again, and nobody needs to be told.
    """
    rows = session.scalars(
        select(ApiBreaker)
        .where(ApiBreaker.until > now - FORGOTTEN_AFTER)
        .order_by(ApiBreaker.account, ApiBreaker.api)
    )
    return [row for row in rows if row.since is None or row.since <= now + rules.SKEW]


def known_breakers(session: Session) -> list[ApiBreaker]:
    """Every API that was ever in trouble."""
    return list(session.scalars(select(ApiBreaker).order_by(ApiBreaker.account, ApiBreaker.api)))


_PACE = (
    select(SendPace)
    .where(SendPace.account == bindparam("account"))
    .with_for_update()
    .execution_options(populate_existing=True)
)
_BREAKERS = (
    select(ApiBreaker)
    .where(ApiBreaker.account == bindparam("account"))
    .execution_options(populate_existing=True)  # not as before the lock
)
# Marks are written in the order in which they are due, so those that are being written lie in
# front, and a long queue behind them costs nothing.
_FRONT = (
    select(MarkSide.contact_id, MarkSide.lease_until)
    .where(MarkSide.due_at <= bindparam("now"))
    .order_by(MarkSide.due_at, MarkSide.contact_id)
    .limit(FRONT)
    .subquery()
)
_MARKING = (
    select(func.count())
    .select_from(_FRONT)
    .join(RepContact, RepContact.id == _FRONT.c.contact_id)
    .join(Rep, Rep.id == RepContact.rep_id)
    .where(_FRONT.c.lease_until > bindparam("now"), Rep.corp_id == bindparam("account"))
)
_SENDING = select(func.count()).where(
    Dispatch.state == State.SENDING, Dispatch.app_key == bindparam("account"),
    Dispatch.lease_until > bindparam("now"),
)  # fmt: skip
_FLYING = Direct(select(_SENDING.scalar_subquery() + _MARKING.scalar_subquery()), int)


def _locked_pace(session: Session, account: str) -> SendPace:
    """The account's row, nobody else's until the transaction ends."""
    found = session.scalar(_PACE, {"account": account})
    if found is None:
        insert_once(session, SendPace, {"account": account}, "account")
        found = session.scalars(_PACE, {"account": account}).one()
    return found


def _flying(session: Session, account: str, now: datetime) -> int:
    """Calls that are being made: messages, and marks on contacts."""
    return _FLYING.first(session, {"account": account, "now": now}) or 0


def _pace_of(row: SendPace) -> Pace:
    return Pace(row.slots, row.lowered_at)


def _breaker_of(row: ApiBreaker) -> Breaker:
    return Breaker(
        tuple(datetime.fromtimestamp(at, UTC) for at in row.failures), Why(row.why),
        row.strikes, row.since, row.until,
    )  # fmt: skip


def _keep(row: ApiBreaker, breaker: Breaker) -> None:
    row.failures = [at.timestamp() for at in breaker.failures]
    row.why, row.strikes = breaker.why, breaker.strikes
    row.since, row.until = breaker.since, breaker.until
