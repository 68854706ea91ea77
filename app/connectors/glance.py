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


UNREADABLE = Glance("unreadable", "unreadable")
