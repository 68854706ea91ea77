"""Who saw a moment: it has one link for all, so its viewers are counted by what was sent for each.

A moment that the rep did not publish, or that somebody was not shown, counts as no contact.
"""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy import Select, func, select, true

from app.delivery import Dispatch, Way
from app.delivery.moment_models import Moment, MomentViewer
from app.delivery.moments import MARKED
from app.recommend.day.way import By

CHANNEL = By.MOMENT.value


def viewed(after: datetime, *columns: Any, until: datetime | None = None) -> Select[Any]:
    """Columns of `Moment` and `MomentViewer`, one row for each viewer of each moment since then."""
    at = func.coalesce(Dispatch.sent_at, Dispatch.first_attempt_at)
    return (
        select(*columns)
        .select_from(MomentViewer)
        .join(Moment, Moment.id == MomentViewer.moment_id)
        .join(Dispatch, Dispatch.id == MomentViewer.dispatch_id)
        .where(
            Dispatch.way == Way.MOMENT_VIEW, Dispatch.state.in_(MARKED),
            Dispatch.counts_as_contact.is_(True),
            at > after, true() if until is None else at <= until,
        )
    )  # fmt: skip
