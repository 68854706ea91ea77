"""A notice to the rep of one physician: nobody else's rep ever hears of it, and one whom the
physician has switched off, or who is not responsible, only where there is no other, because
somebody has to."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app import consent, delivery, feedback, identity, reps
from app.consent import NOTHING_CHOSEN
from app.delivery import Way
from app.reps import Nearest


def notice_key(ref: str) -> str:
    """The key of the one notice about what an event said."""
    return f"notice:{ref}"


def rep_to_tell(session: Session, one_id: str, first: int | None = None) -> Nearest | None:
    """Who hears of it: `first`, the rep whom it is about, or the nearest."""
    chosen = consent.own(session, [one_id]).get(one_id, NOTHING_CHOSEN)
    last = chosen.reps | feedback.claims.not_theirs(session, one_id)
    return reps.rep_for(session, one_id, last=last, first=first)


def tell_rep(
    session: Session, one_id: str, notice: str, *, key: str, now: datetime,
    first: int | None = None,
) -> bool:  # fmt: skip
    """Send `notice` ("{name}" is the physician) once per `key`; False when there is no rep."""
    rep = rep_to_tell(session, one_id, first)
    if rep is None:
        return False
    name = identity.get_physician(session, one_id).name or "您的医生"
    delivery.queue(
        session, way=Way.REP_TEXT, dedupe_key=key,
        payload={
            "corp_id": rep.corp_id,
            "userid": rep.userid,
            "text": notice.replace("{name}", name),
        },
        rep_id=rep.rep_id, identifier_id=rep.identifier_id, now=now,
    )  # fmt: skip
    return True
