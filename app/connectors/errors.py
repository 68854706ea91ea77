"""What an answer of a platform asks us to do, as error types. Codes mean different things on the
two platforms, so each has its own table; errors never carry secrets, tokens or bodies."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.infra.errors import Permanent, Transient


class CodeMixin:
    """Carries the platform's code and the API that answered it."""

    code: int = 0
    api: str = ""


class Busy(CodeMixin, Transient):
    """The platform is busy: try again in a moment."""


class RateLimited(CodeMixin, Transient):
    """A quota is used up: pause this API for `retry_after_s`."""


class RecordBusy(CodeMixin, Transient):
    """Somebody else changes the same record: one at a time."""


class TokenExpired(CodeMixin, Transient):
    """The access token is not valid any more: refresh it and try once again."""


class NotSent(CodeMixin, Transient):
    """The request did not leave us: trying again is safe."""


class OutcomeUnknown(CodeMixin, Transient):
    """The request may have been carried out; nobody answered."""


class WelcomeInProgress(CodeMixin, Transient):
    """Another app is sending the welcome message: retry inside its 20 seconds."""


class BadCredential(CodeMixin, Permanent):
    """Secret or id are wrong, or the app is disabled: stop and tell an administrator."""


class NotAllowed(CodeMixin, Permanent):
    """Network, permission or configuration: an administrator must act."""


class NotAFriend(CodeMixin, Permanent):
    """The rep and the contact are not connected (both ways). The only answer that may end a
    relation of ours."""


class PersonGone(CodeMixin, Permanent):
    """The member or follower does not exist, or does not follow any more."""


class OutOfReach(CodeMixin, Permanent):
    """The platform does not show or reach this person for us: scope, licence, activity, or an id
    of another account. They may well be there, so nothing may be ended or erased because of it."""


class GroupGone(CodeMixin, Permanent):
    """The customer group was dismissed, or is none of ours."""


class WelcomeOver(CodeMixin, Permanent):
    """The welcome code is used, expired, or the chat has begun."""


class CardDuplicate(CodeMixin, Permanent):
    """A card with this task id was sent before: it has arrived."""


class WindowClosed(CodeMixin, Permanent):
    """The follower has not written lately: the Official Account may not send now."""


class LoginCodeSpent(CodeMixin, Permanent):
    """The OAuth code was used, is too old or belongs to another app: log in again."""


class BadRequest(CodeMixin, Permanent):
    """Everything else: what we sent is wrong or final."""


Kinds = Mapping[int, type[Transient] | type[Permanent]]
"""What each code of a platform means; a code that is not in it is a BadRequest."""


def code_in(answer: Mapping[str, Any], api: str) -> int:
    """The errcode of an answer, 0 for success. Raises OutcomeUnknown for one that is no number."""
    try:
        return int(answer.get("errcode") or 0)
    except (TypeError, ValueError):
        raise OutcomeUnknown(f"{api}: errcode is not a number") from None


def of_code(
    kinds: Kinds, code: int, api: str, pause_s: float, words: str = ""
) -> Transient | Permanent:
    """The error for `code` of `api`; a rate limit asks to wait `pause_s`. `words`: for people."""
    kind = kinds.get(code, BadRequest)
    error = kind(f"{api}: errcode {code}" + (f"，{words}" if words else ""))
    if isinstance(error, RateLimited):
        error.retry_after_s = pause_s
    if isinstance(error, CodeMixin):
        error.code, error.api = code, api
    return error
