"""What a person will most likely decide about a message of unknown outcome. Pure.

In doubt the advice is "it has arrived": one message less is better than one too many.
"""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from app.delivery.models import Way

SERVER_ERROR = ": HTTP 5"  # as our client words an answer without effect, mostly


@dataclass(frozen=True, slots=True)
class Likely:
    """`decision` is sent, failed or resend; `because` is a key of REASONS."""

    decision: str
    because: str


NOBODY = "没有代表可以转告，请同事处理，处理后选“已送达”"  # the error of what is left to staff
REASONS = (
    "code_over", "server_error", "server_error_late", "look_at_task", "no_answer", "nobody",
)  # fmt: skip


def likely(way: Way, error: str, not_after: datetime | None, now: datetime) -> Likely:
    """The likely decision, from how the last attempt ended."""
    if error == NOBODY:
        return Likely("resend", "nobody")
    if way is Way.WELCOME:
        return Likely("failed", "code_over")
    if SERVER_ERROR in error:
        too_late = not_after is not None and now > not_after
        return (
            Likely("failed", "server_error_late") if too_late else Likely("resend", "server_error")
        )
    return Likely("sent", "look_at_task" if way in (Way.GROUP_TASK, Way.MOMENT) else "no_answer")
