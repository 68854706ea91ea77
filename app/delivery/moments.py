"""Moments that are to be published: written down once, taken by one worker at a time."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from app.delivery.models import Dispatch, State
from app.delivery.moment_models import Moment, MomentViewer, Step
from app.infra.db import insert_new, insert_once

HOLD = timedelta(seconds=60)  # a worker that died in the middle leaves it to others after this
GATHER = timedelta(minutes=5)  # whoever adds people says `begin`; if that dies, it begins then
BEGUN = (Step.SHOWING, Step.ASKING, Step.MAKING, Step.CONFIRMING)  # somebody may be marked
PENDING = (Step.NEW, *BEGUN)
MARKED = (State.SENT, State.UNKNOWN)  # a viewer's message: may carry the mark
BETWEEN = ":rep:"  # of what it belongs to, and of whom


def plan_moment(
    session: Session,
    *,
    belongs_to: str,
    rep_id: int,
    content_version_id: int,
    url: str,
    now: datetime,
    campaign_id: int | None = None,
) -> Moment:
    """The moment of this rep for what `belongs_to` names, begun a little later or by `begin`."""
    key = f"{belongs_to}{BETWEEN}{rep_id}"
    values = {
        "key": key, "rep_id": rep_id, "content_version_id": content_version_id, "url": url,
        "campaign_id": campaign_id, "step": Step.NEW, "tag_id": "", "moment_id": "", "error": "",
        "created_at": now, "check_at": now + GATHER,
    }  # fmt: skip
    insert_new(session, Moment, values, "key")
    return session.scalars(select(Moment).where(Moment.key == key)).one()


def find_moment(session: Session, belongs_to: str, rep_id: int) -> Moment | None:
    """The moment of this rep, if there is one, locked."""
    key = f"{belongs_to}{BETWEEN}{rep_id}"
    return session.scalar(select(Moment).where(Moment.key == key).with_for_update())


def show_to(
    session: Session, moment: Moment, identifier_id: int, suggestion_id: int | None = None
) -> None:
    """One more is meant to see it."""
    values = {
        "moment_id": moment.id, "identifier_id": identifier_id, "suggestion_id": suggestion_id,
    }  # fmt: skip
    insert_once(session, MomentViewer, values, "moment_id", "identifier_id")


def takes_more(moment: Moment | None) -> bool:
    """May somebody else still be shown it?"""
    return moment is None or moment.step in (Step.NEW, Step.SHOWING)


def begin(moment: Moment, now: datetime) -> None:
    """Nobody else will be added."""
    if moment.step == Step.NEW:
        moment.check_at = now


def wake(
    session: Session,
    now: datetime,
    *,
    identifier_ids: Collection[int] | None = None,
    rep_id: int | None = None,
    campaign_id: int | None = None,
    content_version_ids: Collection[int] | None = None,
    gathering: bool = False,
) -> None:
    """Look at those that are not published yet and have to do with all of these as soon as at what
    is due now; without any of these at all of them.

    `gathering`: also at those that have nobody marked yet, and begin by it: what they belong to is
    at an end."""
    viewers = select(MomentViewer.moment_id).join(
        Dispatch, Dispatch.id == MomentViewer.dispatch_id
    )  # fmt: skip
    steps = PENDING if gathering else BEGUN
    chosen = update(Moment).where(Moment.step.in_(steps), Moment.check_at > now)
    if identifier_ids is not None:
        chosen = chosen.where(
            Moment.id.in_(viewers.where(MomentViewer.identifier_id.in_(list(identifier_ids))))
        )
    if rep_id is not None:
        chosen = chosen.where(Moment.rep_id == rep_id)
    if campaign_id is not None:
        of_viewers = Moment.id.in_(viewers.where(Dispatch.campaign_id == campaign_id))
        chosen = chosen.where(or_(Moment.campaign_id == campaign_id, of_viewers))
    if content_version_ids is not None:
        chosen = chosen.where(Moment.content_version_id.in_(list(content_version_ids)))
    session.execute(chosen.values(check_at=now))


def was_woken(moment: Moment, since: datetime) -> bool:
    """Has somebody woken it after it was taken at `since`?"""
    return moment.check_at != since + HOLD


def ended_by(session: Session, why: str, campaign_id: int, since: datetime) -> bool:
    """Is there a moment of this campaign that ended for this reason since then?"""
    shown = select(MomentViewer.moment_id).join(Dispatch, Dispatch.id == MomentViewer.dispatch_id)
    ended = select(Moment.id).where(
        Moment.campaign_id == campaign_id, Moment.step == Step.FAILED, Moment.error == why,
        or_(Moment.created_at >= since, Moment.id.in_(shown.where(Dispatch.receipt_at >= since))),
    )  # fmt: skip
    return session.scalar(ended.limit(1)) is not None


def due_moments(session: Session, now: datetime, limit: int) -> Sequence[int]:
    """Moments that it is time to look at."""
    chosen = select(Moment.id).where(Moment.check_at <= now).order_by(Moment.check_at).limit(limit)
    return session.scalars(chosen).all()


def take_moment(session: Session, moment_id: int, now: datetime) -> Moment | None:
    """The moment, for this worker alone for a while; None when another one has it."""
    taken = session.scalar(
        update(Moment)
        .where(Moment.id == moment_id, Moment.check_at <= now)
        .values(check_at=now + HOLD)
        .returning(Moment.id)
    )
    return None if taken is None else session.get_one(Moment, taken, populate_existing=True)


def viewers_of(session: Session, moment_id: int) -> list[tuple[MomentViewer, Dispatch | None]]:
    """Who is meant to see it, with the message that lets them."""
    rows = session.execute(
        select(MomentViewer, Dispatch)
        .outerjoin(Dispatch, Dispatch.id == MomentViewer.dispatch_id)
        .where(MomentViewer.moment_id == moment_id)
        .order_by(MomentViewer.identifier_id)
    )
    return [(viewer, dispatch) for viewer, dispatch in rows]


def carrier_key(moment: Moment) -> str:
    """The key of the message that asks for the moment."""
    return f"moment:{moment.id}"


def viewer_key(moment: Moment, identifier_id: int) -> str:
    """The key of the message that lets one contact see it."""
    return f"{moment.key.partition(BETWEEN)[0]}:{identifier_id}"


def carrier(session: Session, moment: Moment) -> Dispatch | None:
    """The message that asks for the moment."""
    return session.scalar(select(Dispatch).where(Dispatch.dedupe_key == carrier_key(moment)))


def moment_tags(session: Session, rep_id: int) -> set[str]:
    """Tags that only say who of a rep's contacts sees a moment."""
    rows: Iterable[str] = session.scalars(
        select(Moment.tag_id).where(Moment.rep_id == rep_id, Moment.tag_id != "")
    )
    return set(rows)
