"""What was decided, and what came of it: what policies are judged by."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import ColumnElement, Select, case, exists, func, select, update
from sqlalchemy.orm import Session

from app.identity import Identifier, Physician
from app.infra.clock import local
from app.links import PageView, TrackedLink
from app.recommend import DailyPlan, State, Suggestion, heads
from app.recommend.policy import drawing
from app.recommend.policy.drawing import Knobs
from app.recommend.policy.ope import Logged
from app.recommend.policy.policy_models import GIVEN, Decision, Policy

DAYS, MOST, CHUNK = 90, 20_000, 1000
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
    """Decisions that were shown and whose outcome is known, newest first; see `_lists`. `worth` of
    each answer."""
    first, last = (local(now).date() - timedelta(days=n) for n in (DAYS, heads.OPEN_DAYS))
    numbers: list[int | None] = []  # of their suggestions; none: held out
    for day, rep_ids in sorted(_lists(session, first, last).items()):
        here = select(Decision.suggestion_id).where(Decision.suggestion_id.is_not(None))
        mine = Decision.rep_id.in_(rep_ids), Decision.kind.not_in(GIVEN)
        numbers += session.scalars(here.where(Decision.day == day, *mine))
    rows: list[Any] = []
    for start in range(0, len(numbers), CHUNK):
        rows += session.execute(_told(numbers[start : start + CHUNK], now)).all()
    rows.sort(key=lambda row: -row.Decision.id)
    return [known for row in rows if (known := _known(row, worth, now)) is not None]


def _lists(session: Session, first: date, last: date) -> dict[date, list[int]]:
    """Day → reps whose lists of that day are looked at: those on which contents were drawn, then
    the others, as far as MOST goes; of more an even part, since of the newest alone all may be of
    one day."""
    explores = exists().where(
        Policy.version == DailyPlan.policy_version, (Policy.alpha > 0) | (Policy.floor > 0)
    )
    made = session.execute(
        select(DailyPlan.day, DailyPlan.rep_id, DailyPlan.suggested, explores.label("drawn"))
        .where(DailyPlan.day.between(first, last), DailyPlan.suggested > 0)
        .order_by(DailyPlan.day, DailyPlan.rep_id)
    ).all()
    found: dict[date, list[int]] = defaultdict(list)
    room = MOST
    for drawn in (True, False):
        lists = [one for one in made if bool(one.drawn) is drawn]
        share = room / max(1, room, sum(one.suggested for one in lists))
        for one in lists:
            if drawing.unit(f"{one.day}:{one.rep_id}") < share:
                found[one.day].append(one.rep_id)
                room -= one.suggested
        room = max(0, room)
    return found


def _told(numbers: Sequence[int | None], now: datetime) -> Select[Any]:
    """Decisions with what came of them, by their suggestions."""
    link = (
        select(
            TrackedLink.suggestion_id.label("suggestion"),
            func.min(TrackedLink.created_at).label("sent_at"),
            func.count(PageView.id).label("opened"),
            func.sum(case((PageView.read_at.is_not(None), 1), else_=0)).label("read"),
        )
        .outerjoin(PageView, PageView.link_id == TrackedLink.id)
        .where(TrackedLink.suggestion_id.in_(numbers))
        .group_by(TrackedLink.suggestion_id)
        .subquery()
    )
    return (
        select(
            Decision, Suggestion.state, Suggestion.answered_at, Suggestion.refusal,
            Suggestion.delivered_at, Suggestion.way, Suggestion.forwarded_at, link.c.sent_at,
            link.c.opened, link.c.read, Physician.specialty, Physician.province, Physician.city,
        )
        .join(Suggestion, Suggestion.id == Decision.suggestion_id)
        .join(Identifier, Identifier.id == Decision.identifier_id)
        .join(Physician, Physician.one_id == Identifier.one_id)
        .outerjoin(link, link.c.suggestion == Suggestion.id)
        .where(Decision.suggestion_id.in_(numbers))
        .where(Decision.created_at <= now - timedelta(days=heads.OPEN_DAYS))
    )  # fmt: skip


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
