"""What the front door needs to know of an event before anybody translates it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime


@dataclass(frozen=True, slots=True)
class Glance:
    """`partition` names what must be processed in order; `urgent`: a welcome code is running."""

    event_type: str
    partition: str
    at: datetime | None = None
    urgent: bool = False
    reads_only: bool = False
    """The event says no more than "look again": the state is read from the platform."""


UNREADABLE = Glance("unreadable", "unreadable")
