"""A notice to the rep of one physician: nobody else's rep ever hears of it, and one whom the
physician has switched off, or who is not responsible, only where there is no other, because
somebody has to. What reaches no rep is left to staff, in 治理 → 发送."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime

from sqlalchemy.orm import Session

from app import consent, delivery, feedback, identity, reps
from app.consent import NOTHING_CHOSEN
from app.delivery import Dispatch, Way
from app.identity import Identifier
from app.infra.errors import Refused
from app.reps import Nearest

NOTICES = ("notice:", "call:", "meeting:")  # begin the keys


def notice_key(ref: str) -> str:
    """The key of the one notice about what an event said."""
    return f"notice:{ref}"


def rep_to_tell(session: Session, one_id: str, first: int | None = None) -> Nearest | None:
    """Who hears of it: `first`, the rep whom it is about, or the nearest."""
    return reps_to_tell(session, {one_id: first}).get(one_id)


def reps_to_tell(session: Session, firsts: Mapping[str, int | None]) -> dict[str, Nearest]:
    """The same of many (ONE ID → `first`); nobody of whom no rep could hear."""
    chosen = consent.own(session, firsts)
    denied = feedback.claims.not_theirs(session, list(firsts))
    last = {
        one_id: chosen.get(one_id, NOTHING_CHOSEN).reps | denied.get(one_id, set())
        for one_id in firsts
    }
    return reps.reps_for(session, firsts, last)


def tell_rep(
    session: Session, one_id: str, notice: str, *, key: str, now: datetime,
    first: int | None = None,
) -> bool:  # fmt: skip
    """Send `notice` ("{name}" is the physician) once per `key`; False when there is no rep."""
    rep = rep_to_tell(session, one_id, first)
    if rep is None:
        return False
    delivery.queue(
        session, way=Way.REP_TEXT, dedupe_key=key,
        payload={
            "corp_id": rep.corp_id, "userid": rep.userid, "text": _named(session, one_id, notice),
        },
        rep_id=rep.rep_id, identifier_id=rep.identifier_id, now=now,
    )  # fmt: skip
    return True


def tell_staff(
    session: Session, identifier_id: int, one_id: str, notice: str, *, key: str, now: datetime
) -> None:
    """There is no rep, and somebody has to see to it."""
    made = delivery.queue(
        session, way=Way.REP_TEXT, dedupe_key=key,
        payload={"text": _named(session, one_id, notice)}, identifier_id=identifier_id, now=now,
    )  # fmt: skip
    if made is not None:
        delivery.leave_to_staff(session, delivery.get(session, made))


def is_notice(dispatch: Dispatch) -> bool:
    """Whether it tells a rep what a physician has said or asked for."""
    return dispatch.way == Way.REP_TEXT and dispatch.dedupe_key.startswith(NOTICES)


def tell_another(session: Session, dispatch: Dispatch, now: datetime) -> None:
    """A notice has not reached its rep, who may have left: another one hears of it, else staff."""
    if not dispatch.payload:
        return  # erased
    rep = _nearest(session, dispatch)
    if rep is None or rep.rep_id == dispatch.rep_id:
        delivery.leave_to_staff(session, dispatch)
    else:
        delivery.send_instead(session, dispatch, rep.rep_id, rep.corp_id, rep.userid, now)


def tell_again(session: Session, dispatch: Dispatch, now: datetime) -> None:
    """Staff want a rep to hear of it. Raises Refused where there is none."""
    rep = _nearest(session, dispatch)
    if rep is None:
        raise Refused("这位医生现在没有代表可以转告。")
    delivery.send_instead(session, dispatch, rep.rep_id, rep.corp_id, rep.userid, now)


def _nearest(session: Session, dispatch: Dispatch) -> Nearest | None:
    row = session.get(Identifier, dispatch.identifier_id) if dispatch.identifier_id else None
    return rep_to_tell(session, row.one_id) if row is not None else None


def _named(session: Session, one_id: str, notice: str) -> str:
    name = identity.get_physician(session, one_id).name or "您的医生"
    return notice.replace("{name}", name)
