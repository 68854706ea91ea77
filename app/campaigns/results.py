"""How far each physician of a campaign came, from planned to read."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import date
from enum import StrEnum
from itertools import pairwise

from sqlalchemy import exists, func, or_, select
from sqlalchemy.orm import Session, aliased

from app.campaigns.manage import get
from app.campaigns.models import CampaignWay, ScheduleRun
from app.delivery import Dispatch, Receipt, Way
from app.delivery import State as Sending
from app.delivery.moment_models import Moment, MomentViewer
from app.identity.models import Identifier
from app.links import PageView, TrackedLink
from app.recommend import State, Suggestion

TO_PHYSICIAN = (Way.GROUP_TASK, Way.MOMENT_VIEW, Way.OA_TEXT, Way.OA_TEMPLATE)
CONFIRMED = (Way.GROUP_TASK, Way.MOMENT_VIEW)  # by the rep
REP_GONE = ("代表已离职或停用", "代表与医生已不是好友")  # why a message was cancelled
CHUNK = 1000


class Step(StrEnum):
    """The steps of the funnel."""

    PLANNED = "planned"
    DELIVERED = "delivered"  # the rep got the card or task, or the platform took the message
    ADOPTED = "adopted"  # the rep said yes; the same as delivered where no rep is involved
    SENT = "sent"  # known to have reached the physician
    OPENED = "opened"
    READ = "read"


STEP_NAMES = {
    Step.PLANNED: "计划",
    Step.DELIVERED: "送达代表",
    Step.ADOPTED: "采用",
    Step.SENT: "已发送",
    Step.OPENED: "打开",
    Step.READ: "读完",
}


@dataclass(frozen=True, slots=True)
class Funnel:
    """How many physicians came how far."""

    planned: int
    delivered: int
    adopted: int
    sent: int
    opened: int
    read: int


def results(session: Session, campaign_id: int, run: ScheduleRun | None = None) -> Funnel:
    """The funnel of a campaign, or of one of its runs."""
    return Funnel(
        **{step.value: len(who) for step, who in reached(session, campaign_id, run).items()}
    )


def reached(
    session: Session, campaign_id: int, run: ScheduleRun | None = None
) -> dict[Step, list[str]]:
    """The ONE IDs of everybody who came to each step."""
    campaign = get(session, campaign_id)
    if campaign.way == CampaignWay.SUGGESTION:
        found = _suggested(session, campaign_id, run)
    else:
        found = _sent_directly(session, campaign_id, run)
    found[Step.OPENED], found[Step.READ] = _pages(session, campaign_id, run)
    for narrower, wider in pairwise(reversed(Step)):  # who opens it has got it, whoever knows of it
        found[wider] |= found[narrower]
    people = _people(session, set().union(*found.values()))
    return {step: sorted({people[row] for row in found[step] if row in people}) for step in Step}


def not_sent(session: Session, campaign_id: int, most: int = 5) -> list[tuple[str, int]]:
    """Why messages to physicians were not sent, or were taken back from reps, and how many; the
    most first."""
    number = func.count().label("number")
    rows = session.execute(
        select(Dispatch.error, number)
        .where(
            Dispatch.campaign_id == campaign_id, Dispatch.counts_as_contact, Dispatch.error != "",
            Dispatch.state.in_((Sending.CANCELLED, Sending.FAILED)),
        )
        .group_by(Dispatch.error)
        .order_by(number.desc(), Dispatch.error)
        .limit(most)
    )  # fmt: skip
    return [(row.error, row.number) for row in rows]


def lost_with_reps(session: Session, campaign_id: int) -> int:
    """How many physicians did not get it as their rep left, or is connected with them no more, and
    were not planned again since: only another run looks for who else may send it."""
    later = aliased(Dispatch)
    again = exists().where(
        later.campaign_id == campaign_id, later.identifier_id == Dispatch.identifier_id,
        later.id > Dispatch.id,
    )  # fmt: skip
    lost = select(func.count(Dispatch.identifier_id.distinct())).where(
        Dispatch.campaign_id == campaign_id, Dispatch.state == Sending.CANCELLED,
        or_(*map(Dispatch.error.contains, REP_GONE)), ~again,
    )  # fmt: skip
    return session.scalars(lost).one()


def to_come(session: Session, campaign_id: int, today: date) -> tuple[int, date, date] | None:
    """How many suggestions wait for their card, from which day to which; None when none does."""
    waiting = select(func.count(), func.min(Suggestion.day), func.max(Suggestion.day)).where(
        Suggestion.campaign_id == campaign_id, Suggestion.state == State.PLANNED,
        Suggestion.day >= today,
    )  # fmt: skip
    number, first, last = session.execute(waiting).one()
    return (number, first, last) if number else None


def _suggested(session: Session, campaign_id: int, run: ScheduleRun | None) -> dict[Step, set[int]]:
    chosen = select(Suggestion).where(Suggestion.campaign_id == campaign_id)
    if run is not None:
        chosen = chosen.where(Suggestion.plan_key.startswith(f"campaign:{campaign_id}:{run.id}:"))
    found: dict[Step, set[int]] = {step: set() for step in Step}
    for row in session.scalars(chosen):
        found[Step.PLANNED].add(row.identifier_id)
        if row.delivered_at is not None:
            found[Step.DELIVERED].add(row.identifier_id)
        if row.state == State.ADOPTED:
            found[Step.ADOPTED].add(row.identifier_id)
            if row.forwarded_at is not None:
                found[Step.SENT].add(row.identifier_id)
    return found


def _sent_directly(
    session: Session, campaign_id: int, run: ScheduleRun | None
) -> dict[Step, set[int]]:
    chosen = (
        select(
            Dispatch.identifier_id, Dispatch.way, Dispatch.state, Dispatch.receipt,
            Moment.moment_id,
        )
        .outerjoin(MomentViewer, MomentViewer.dispatch_id == Dispatch.id)
        .outerjoin(Moment, Moment.id == MomentViewer.moment_id)
        .where(Dispatch.campaign_id == campaign_id, Dispatch.way.in_(TO_PHYSICIAN))
    )  # fmt: skip
    if run is not None:
        chosen = chosen.where(Dispatch.dedupe_key.startswith(f"campaign:{run.id}:"))
    found: dict[Step, set[int]] = {step: set() for step in Step}
    for identifier_id, way, state, receipt, moment in session.execute(chosen):
        if identifier_id is None:
            continue
        found[Step.PLANNED].add(identifier_id)
        if receipt == Receipt.FORWARDED or (state == Sending.SENT and way not in CONFIRMED):
            found[Step.SENT].add(identifier_id)
        elif state == Sending.SENT and moment != "":  # a mark alone is nothing that the rep has
            found[Step.DELIVERED].add(identifier_id)
    return found


def _pages(
    session: Session, campaign_id: int, run: ScheduleRun | None
) -> tuple[set[int], set[int]]:
    chosen = (
        select(TrackedLink.identifier_id, PageView.read_at)
        .join(PageView, PageView.link_id == TrackedLink.id)
        .where(TrackedLink.campaign_id == campaign_id, TrackedLink.identifier_id.is_not(None))
    )
    if run is not None:
        mine = select(Suggestion.id).where(
            Suggestion.plan_key.startswith(f"campaign:{campaign_id}:{run.id}:")
        )
        # Links of direct messages are made in the moment of the run.
        chosen = chosen.where(
            TrackedLink.suggestion_id.in_(mine) | (TrackedLink.created_at == run.finished_at)
        )
    rows = session.execute(chosen).all()
    return {row.identifier_id for row in rows}, {r.identifier_id for r in rows if r.read_at}


def _people(session: Session, identifier_ids: Iterable[int]) -> dict[int, str]:
    wanted, found = sorted(identifier_ids), {}
    for start in range(0, len(wanted), CHUNK):
        rows = session.execute(
            select(Identifier.id, Identifier.one_id).where(
                Identifier.id.in_(wanted[start : start + CHUNK])
            )
        )
        found.update({row.id: row.one_id for row in rows})
    return found
