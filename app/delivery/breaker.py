"""When an API of the platform may be called. Pure; `gates.py` keeps one for each account and API.

    45009            stopped for a minute; again right after it: for an hour; again: until tomorrow
                     (the platform's own blocks last as long as the quota's window)
    -1, 5xx, silence 5 within 30 s, less one for each answer since, stop it for 30 s
    secret, address or permission refused: stopped for 5 minutes, an administrator must act

A platform that fails now and then is not in trouble, however many calls a second there are: each
answer takes one failure back, so five come together only where a good share of the calls fails.
Not so where a message that hangs is one more for a person to decide about: there five are enough.

When the time is over one call may try; nobody else for 30 s. If the platform takes it, the API is
open again. What was permitted before it was stopped says nothing about it any more, though its
call may have begun after.

What tries is a message, since only the API itself can tell that it works again. For cards, texts
to reps, updates, welcomes and templates that is harmless: if nobody answers, the same bytes are
sent again and arrive once. A group task or a customer-service text has no such key, and each one
that hangs is one more for a person to decide about. So before one of these tries, a call that
changes nothing and counts nothing (`get_api_domain_ip`) asks whether the platform answers at all;
if it does not, the message has not left us and waits on. If it does, exactly one message goes, and
should that one hang nevertheless, the next tries after five minutes instead of half a minute.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from enum import StrEnum

from app.connectors import errors
from app.delivery.buckets import next_day
from app.delivery.channels import Delivered
from app.infra.errors import Permanent, Transient

FAILURES, WITHIN, PROBE = 5, timedelta(seconds=30), timedelta(seconds=30)
COSTLY_PROBE = timedelta(minutes=5)  # after a try that a person must decide about
MINUTE, HOUR, REFUSED_FOR = timedelta(minutes=1), timedelta(hours=1), timedelta(minutes=5)
USED_UP, A_MINUTE, SUSPICIOUS = 45009, 45011, 45036
SKEW = timedelta(minutes=1)  # hosts differ a little; more means that a clock was set back


class Permit(StrEnum):
    """May a call be made?"""

    GO = "go"
    PROBE = "probe"  # this one only
    WAIT = "wait"


class Why(StrEnum):
    """What stopped an API."""

    OPEN = ""
    QUOTA = "quota"
    TROUBLE = "trouble"
    REFUSED = "refused"


@dataclass(frozen=True, slots=True)
class Breaker:
    """`until` is empty while calls may be made."""

    failures: tuple[datetime, ...] = ()  # that no answer has taken back, oldest first
    why: Why = Why.OPEN
    strikes: int = 0  # used-up quotas in a row
    since: datetime | None = None
    until: datetime | None = None


def permit(breaker: Breaker, now: datetime) -> Permit:
    """May a call be made now?"""
    if breaker.until is None or breaker.since is None:
        return Permit.GO
    set_back = breaker.since > now + SKEW
    return Permit.PROBE if set_back or now >= breaker.until else Permit.WAIT


def probing(breaker: Breaker, now: datetime) -> Breaker:
    """One call tries now; nobody else for a while, also if nothing is heard of it again."""
    if breaker.since is None:
        return breaker
    earlier = now - timedelta(milliseconds=1)  # the probe itself begins after it
    return replace(breaker, since=min(breaker.since, earlier), until=now + PROBE)


def after(
    breaker: Breaker,
    answer: Delivered | Exception,
    began: datetime,
    now: datetime,
    *,
    costly: bool = False,
) -> Breaker:
    """What the answer to a call that was permitted at `began` makes of the breaker.

    `costly`: messages of this API cannot be repeated.
    """
    if breaker.since is not None and began <= breaker.since <= now:
        return breaker
    code = getattr(answer, "code", 0)
    if isinstance(answer, errors.RateLimited):
        return _limited(breaker, code, now)
    if isinstance(answer, errors.BadCredential | errors.NotAllowed):
        return replace(breaker, why=Why.REFUSED, since=now, until=now + REFUSED_FOR)
    if isinstance(answer, errors.Busy | errors.NotSent | errors.OutcomeUnknown):
        unclear = costly and isinstance(answer, errors.OutcomeUnknown)
        return _failed(breaker, now, COSTLY_PROBE if unclear else PROBE)
    if isinstance(answer, errors.TokenExpired):
        return breaker
    if isinstance(answer, Delivered | Transient | Permanent):
        return _answered(breaker, now, forgives=not costly)
    return breaker  # a bug of ours says nothing about the platform


def _limited(breaker: Breaker, code: int, now: datetime) -> Breaker:
    if code == USED_UP:
        strikes = breaker.strikes + 1
        until = {1: now + MINUTE, 2: now + HOUR}.get(strikes, next_day(now))
        return Breaker((), Why.QUOTA, strikes, now, until)
    pause = {A_MINUTE: MINUTE, SUSPICIOUS: REFUSED_FOR}.get(code)
    if pause is None:  # too many at once, or too often to one person: not this API's fault
        return breaker
    return replace(breaker, why=Why.QUOTA, since=now, until=now + pause)


def _answered(breaker: Breaker, now: datetime, *, forgives: bool) -> Breaker:
    if breaker.until is not None:
        return Breaker()
    recent = _recent(breaker, now)
    return replace(breaker, failures=recent[1:] if forgives else recent)


def _recent(breaker: Breaker, now: datetime) -> tuple[datetime, ...]:
    return tuple(at for at in breaker.failures if now - WITHIN < at <= now)


def _failed(breaker: Breaker, now: datetime, wait: timedelta) -> Breaker:
    if breaker.until is not None:
        return replace(breaker, since=now, until=max(now + wait, breaker.until))
    failures = (*_recent(breaker, now), now)
    if len(failures) < FAILURES:
        return replace(breaker, failures=failures)
    return Breaker((), Why.TROUBLE, breaker.strikes, now, now + PROBE)
