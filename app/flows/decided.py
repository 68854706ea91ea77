"""What was decided, and what came of it: what policies are judged by."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, case, func, select, update
from sqlalchemy.orm import Session

from app.identity import Identifier, Physician
from app.infra.clock import local
from app.links import PageView, TrackedLink
from app.recommend import State, Suggestion, drawing, heads
from app.recommend.drawing import Knobs
from app.recommend.ope import Logged
from app.recommend.policy_models import GIVEN, Decision

DAYS, MOST = 90, 20_000  # of the newest decisions
DEVIATIONS_DAYS = 120  # then what only gates need is removed


@dataclass(frozen=True, slots=True)
class Known:
    """One decision with what it was drawn from."""

    logged: Logged
    kind: str
    packed: bytes | None  # its deviations: as numbers, those of a gate would fill the memory

    def under(self, knobs: Knobs) -> list[float]:
        """The chances that a policy would have given these options."""
        return drawing.chances(self.logged.scores, drawing.unpack(self.packed), knobs)


def decided(session: Session, worth: Mapping[str, float], now: datetime) -> list[Known]:
    """The newest decisions that were shown and whose outcome is known. `worth` of each answer."""
    link = _links()
    rows = session.execute(
        select(
            Decision, Suggestion.state, Suggestion.answered_at, Suggestion.refusal,
            Suggestion.delivered_at, Suggestion.way, Suggestion.forwarded_at, link.c.sent_at,
            link.c.opened, link.c.read, Physician.specialty, Physician.province, Physician.city,
        )
        .join(Suggestion, Suggestion.id == Decision.suggestion_id)
        .join(Identifier, Identifier.id == Decision.identifier_id)
        .join(Physician, Physician.one_id == Identifier.one_id)
        .outerjoin(link, link.c.suggestion == Suggestion.id)
        .where(Decision.created_at > now - timedelta(days=DAYS))
        .where(Decision.created_at <= now - timedelta(days=heads.OPEN_DAYS))
        .where(Decision.kind.not_in(GIVEN))
        .order_by(Decision.id.desc())
        .limit(MOST)
    )  # fmt: skip
    return [known for row in rows if (known := _known(row, worth, now)) is not None]


def forget(session: Session, identifier_id: int, before: datetime | None = None) -> None:
    """Erase what was computed of a person's tags, or only what is older than `before`. That there
    was such a slot stays, and is counted; no policy is judged by it any more."""
    chosen = update(Decision).where(Decision.identifier_id == identifier_id)
    if before:
        chosen = chosen.where(Decision.created_at < before)
    session.execute(chosen.values(options=[], deviations=None))


def forget_deviations(session: Session, now: datetime) -> None:
    """Remove what only gates need of decisions that are too old for them."""
    session.execute(update(Decision).where(*_too_old(now)).values(deviations=None))


def has_old_deviations(session: Session, now: datetime) -> bool:
    """Whether there are any; sorted, or PostgreSQL expects to come upon one soon in the table."""
    oldest = select(Decision.id).where(*_too_old(now)).order_by(Decision.day).limit(1)
    return session.scalar(oldest) is not None


def _too_old(now: datetime) -> tuple[ColumnElement[bool], ...]:
    """Found by `ix_decision_deviations`, which holds no decision whose deviations are removed."""
    day = local(now).date() - timedelta(days=DEVIATIONS_DAYS)
    return Decision.day < day, Decision.deviations.is_not(None)


def _links() -> Any:
    return (
        select(
            TrackedLink.suggestion_id.label("suggestion"),
            func.min(TrackedLink.created_at).label("sent_at"),
            func.count(PageView.id).label("opened"),
            func.sum(case((PageView.read_at.is_not(None), 1), else_=0)).label("read"),
        )
        .outerjoin(PageView, PageView.link_id == TrackedLink.id)
        .where(TrackedLink.suggestion_id.is_not(None))
        .group_by(TrackedLink.suggestion_id)
        .subquery()
    )


def _known(row: Any, worth: Mapping[str, float], now: datetime) -> Known | None:
    """None where nothing is known yet, or what is known is not about the content."""
    one, state, answered_at, refusal, delivered_at, way, arrived_at, linked_at, *more = row
    opened, read, *where = more
    if not one.options:  # erased
        return None
    state = heads.answered(state, answered_at)
    blocked = state == State.CANCELLED  # before the rep could say anything
    labels: dict[str, bool] = {}
    if not blocked:
        if delivered_at is None:
            return None
        sent_at = heads.got_at(way, linked_at, arrived_at)
        shown = heads.Shown(state, refusal, delivered_at, sent_at, bool(opened), bool(read))
        labels = heads.labels(shown, now)
        if heads.ACCEPT not in labels or (sent_at is not None and heads.OPEN not in labels):
            return None
    contents = [int(option[0]) for option in one.options]
    logged = Logged(
        one.rep_id, contents.index(one.content_id), [option[1] for option in one.options],
        [option[2] for option in one.options], contents,
        sum(worth.get(head, 0.0) * yes for head, yes in labels.items()),
        float(state == State.REFUSED), float(blocked),
        _groups(*where),
    )  # fmt: skip
    return Known(logged, one.kind, one.deviations)


def _groups(specialty: str, province: str, city: str) -> Sequence[str]:
    named = (("specialty", specialty), ("region", province or city))
    return [f"{kind}:{name}" for kind, name in named if name]
