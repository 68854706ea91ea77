"""What an answer means for each question that is learned. Pure.

`accept`: would the rep pass it on? `open`: does the physician open what was passed on? `read`: is
it read, once opened? None: no answer to this question, neither yes nor no.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from types import MappingProxyType

from app.recommend.day.way import By
from app.recommend.models import State

ACCEPT, OPEN, READ = "accept", "open", "read"
WORTH: Mapping[str, float] = MappingProxyType({ACCEPT: 0.4, OPEN: 0.4, READ: 0.2})
ANSWER_DAYS = 3  # an unanswered card has been passed over after so long
OPEN_DAYS = 7  # what is not opened by then hardly ever is
READ_DAYS = 1  # what was opened and not read by then hardly ever is
NOT_THE_CONTENT = frozenset({"timing", "discussed", "not_mine"})


@dataclass(frozen=True, slots=True)
class Shown:
    """A suggestion that a rep has seen, and what came of it."""

    state: str
    refusal: str | None
    shown_at: datetime
    sent_at: datetime | None  # when the physician got a link
    opened: bool
    read: bool
    opened_at: datetime | None = None


def got_at(way: str, linked_at: datetime | None, arrived_at: datetime | None) -> datetime | None:
    """When the physician got a link: that of a task that no rep has confirmed, or of a message that
    has not left, has reached nobody. Of what a rep forwards by hand nobody hears."""
    return arrived_at if way in (By.TASK, By.ACCOUNT) and linked_at else linked_at


def answered(state: str, answered_at: datetime | None) -> str:
    """What the rep has said: also of what was passed on and has not got through after all."""
    return State.ADOPTED if state == State.CANCELLED and answered_at is not None else state


def labels(one: Shown, now: datetime) -> dict[str, bool]:
    """Yes or no by question; what is not known yet, or is about something else, is missing.

    A yes counts no earlier than a no could: else what is new would seem to please everybody.
    Snoozed says nothing yet. A wrong moment, something discussed already and “not my physician” say
    nothing about the content.
    """
    found = {}
    accepted = _accepted(one, now)
    if accepted is not None:
        found[ACCEPT] = accepted
    if one.sent_at is not None and now - one.sent_at >= timedelta(days=OPEN_DAYS):
        found[OPEN] = one.opened
        if one.opened and (
            one.opened_at is None or now - one.opened_at >= timedelta(days=READ_DAYS)
        ):
            found[READ] = one.read
    return found


def _accepted(one: Shown, now: datetime) -> bool | None:
    if now - one.shown_at < timedelta(days=ANSWER_DAYS):
        return None
    if one.state == State.ADOPTED:
        return True
    if one.state == State.REFUSED:
        return None if one.refusal in NOT_THE_CONTENT else False
    waits = one.state in (State.DELIVERED, State.EXPIRED)
    return False if waits else None
