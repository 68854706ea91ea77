"""What an answer of the platform makes of a message. Pure.

    taken                      → sent
    certainly not taken        → queued again, with growing waits; given up after MAX_ATTEMPTS
    refused for good           → failed; unknown when an earlier attempt may have got through
    the API is stopped, too many calls at once
                               → queued again; waiting is not an attempt
    nobody knows (time-out …)  → queued again where sending twice is harmless, else unknown

Sending again is harmless for cards (the platform refuses a task_id it has seen), for card updates
and welcomes (their codes work once), for templates (client_msg_id), for who sees a moment (a mark
that is set twice), and for texts inside the platform's duplicate check.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from app.connectors import errors
from app.delivery.channels import Delivered
from app.delivery.channels.rep import DUPLICATE_CHECK_S
from app.delivery.models import State, Way
from app.infra.errors import Permanent, Transient

MAX_ATTEMPTS = 8
BACKOFF_S = (2, 10, 30, 120, 300, 600, 1800)
TEXT_RESEND = 0.7 * timedelta(seconds=DUPLICATE_CHECK_S)
REPEATABLE = frozenset(
    {Way.REP_CARD, Way.CARD_UPDATE, Way.WELCOME, Way.OA_TEMPLATE, Way.MOMENT_VIEW}
)
UNREPEATABLE = frozenset(
    {Way.GROUP_TASK, Way.OA_TEXT, Way.MOMENT}
)  # unknown: only a person may decide
CODE_USED = 60140  # the response code of a card has been used
OF_THE_API = frozenset({45009, 45011, 45033, 45036})  # limits that are not one message's fault
SOON_S = (1.0, 5.0)  # then it asks again, if its API may be called
WORDS: dict[type[Exception], str] = {
    errors.WindowClosed: "医生近期没有与公众号互动，平台不允许主动发送",
    errors.NotAFriend: "代表与医生不是双向好友",
    errors.PersonGone: "平台上已没有这位收件人，或其已取消关注",
    errors.WelcomeOver: "欢迎语已过期或对话已经开始",
    errors.BadCredential: "平台拒绝了应用的凭证，请管理员检查",
    errors.NotAllowed: "平台拒绝：应用的权限或网络设置不符，请管理员检查",
}


@dataclass(frozen=True, slots=True)
class Tried:
    """What is known about a message that was just tried."""

    way: Way
    attempts: int
    maybe_sent: bool  # an earlier attempt may have got through
    first_attempt_at: datetime
    not_after: datetime | None
    spread: float = 0.5  # 0 to 1, another one for each attempt: so that not all come back at once


@dataclass(frozen=True, slots=True)
class Outcome:
    """The message's next state; `again_at` when it is queued again."""

    state: State
    error: str = ""
    errcode: int | None = None
    again_at: datetime | None = None
    maybe_sent: bool = False
    provider_id: str = ""
    response_code: str = ""
    counted: bool = True  # this attempt counts towards MAX_ATTEMPTS


def outcome_of(tried: Tried, answer: Delivered | Exception, now: datetime) -> Outcome:
    """What becomes of the message."""
    if isinstance(answer, Delivered):
        if answer.refused:
            return Outcome(State.FAILED, "平台没有接收这位收件人")
        return Outcome(
            State.SENT, provider_id=answer.provider_id, response_code=answer.response_code
        )
    code = getattr(answer, "code", None) or None
    if tried.maybe_sent and _was_done_before(tried.way, answer, code):
        return Outcome(State.SENT)
    if isinstance(answer, errors.OutcomeUnknown) or not isinstance(answer, Transient | Permanent):
        return unknown(tried, _told(answer, code), now, code)
    if _is_of_the_api(answer, code):
        return _again_soon(tried, _told(answer, code), now, code)
    if isinstance(answer, Permanent):
        # A repeat that is refused says nothing of the attempt that nobody answered.
        state = State.UNKNOWN if tried.maybe_sent else State.FAILED
        return Outcome(state, _told(answer, code), code, maybe_sent=tried.maybe_sent)
    return _retry(tried, _told(answer, code), now, code, answer.retry_after_s)


def unknown(tried: Tried, error: str, now: datetime, code: int | None = None) -> Outcome:
    """Nobody knows whether it got through: again where that is harmless."""
    again_at = now + _wait(tried.attempts, None)
    late = tried.not_after is not None and again_at > tried.not_after
    if late or tried.attempts >= MAX_ATTEMPTS or not _harmless(tried, again_at):
        return Outcome(State.UNKNOWN, error, code, maybe_sent=True)
    return Outcome(State.QUEUED, error, code, again_at, maybe_sent=True)


def may_repeat(tried: Tried, now: datetime) -> bool:
    """May a message that was tried before be tried now? False: only a person may decide."""
    return not tried.maybe_sent or _harmless(tried, now)


def _is_of_the_api(answer: Exception, code: int | None) -> bool:
    """Nothing of this account gets through: the message waits, whatever is wrong."""
    if isinstance(answer, errors.BadCredential | errors.NotAllowed):
        return True
    return isinstance(answer, errors.RateLimited) and code in OF_THE_API


def _again_soon(tried: Tried, error: str, now: datetime, code: int | None) -> Outcome:
    shortest, longest = SOON_S
    wait = timedelta(seconds=shortest + tried.spread * (longest - shortest))
    if tried.not_after is not None and now + wait > tried.not_after:
        state = State.UNKNOWN if tried.maybe_sent else State.CANCELLED
        return Outcome(state, error, code, maybe_sent=tried.maybe_sent)
    return Outcome(
        State.QUEUED, error, code, now + wait, maybe_sent=tried.maybe_sent, counted=False
    )


def _retry(
    tried: Tried, error: str, now: datetime, code: int | None, wait_s: float | None
) -> Outcome:
    again_at = now + _wait(tried.attempts, wait_s)
    if tried.maybe_sent and not _harmless(tried, again_at):
        return Outcome(State.UNKNOWN, error, code, maybe_sent=True)
    late = tried.not_after is not None and again_at > tried.not_after
    if late or tried.attempts >= MAX_ATTEMPTS:
        if tried.maybe_sent:
            return Outcome(State.UNKNOWN, error, code, maybe_sent=True)
        return Outcome(State.CANCELLED if late else State.FAILED, error, code)
    return Outcome(State.QUEUED, error, code, again_at, maybe_sent=tried.maybe_sent)


def _harmless(tried: Tried, at: datetime) -> bool:
    if tried.way is Way.REP_TEXT:
        return at - tried.first_attempt_at < TEXT_RESEND
    return tried.way in REPEATABLE


def _was_done_before(way: Way, answer: Exception, code: int | None) -> bool:
    if way is Way.WELCOME:
        return isinstance(answer, errors.WelcomeOver)
    return way is Way.CARD_UPDATE and code == CODE_USED


def _wait(attempts: int, wait_s: float | None) -> timedelta:
    step = BACKOFF_S[min(max(attempts, 1), len(BACKOFF_S)) - 1]
    return timedelta(seconds=step if wait_s is None else max(wait_s, 1))


def _told(answer: Exception, code: int | None) -> str:
    words = WORDS.get(type(answer))
    if words:
        return f"{words}（{code}）" if code else words
    return str(answer) if isinstance(answer, Transient | Permanent) else type(answer).__name__
