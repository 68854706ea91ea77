"""The newest of what was learned, kept in the process until there is a newer one."""

from __future__ import annotations

from datetime import date, datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.infra.clock import local
from app.infra.stamp import Stamped
from app.recommend.fit import response
from app.recommend.fit.response import DAY_0, Response
from app.recommend.models import LearnedResponse

KEPT_ROWS = 30  # to look back at


def current(session: Session) -> Response:
    """What the scorer goes by now; day 0 before anything was learned."""
    return _NEWEST.of(session)


def learned_on(session: Session, day: date) -> bool:
    """Whether this day's learning is done."""
    return session.scalar(select(LearnedResponse.id).where(LearnedResponse.day == day)) is not None


def keep(session: Session, learned: Response, now: datetime) -> None:
    """From now on the scorer goes by this; the same day's is replaced, old ones are removed."""
    day = local(now).date()
    session.execute(delete(LearnedResponse).where(LearnedResponse.day == day))
    session.add(
        LearnedResponse(
            day=day, answers=learned.rows, figures=dict(learned.figures),
            body=response.dumps(learned), created_at=now,
        )
    )  # fmt: skip
    session.flush()
    days = select(LearnedResponse.day).order_by(LearnedResponse.id.desc()).offset(KEPT_ROWS)
    old = session.scalars(days.limit(KEPT_ROWS)).all()
    if old:
        session.execute(delete(LearnedResponse).where(LearnedResponse.day.in_(old)))
    _NEWEST.changed(session)


def _read(session: Session) -> Response:
    newest = select(LearnedResponse.body).order_by(LearnedResponse.id.desc()).limit(1)
    body = session.scalar(newest)
    return response.loads(body) if body else DAY_0


_NEWEST = Stamped("learned response", _read)
