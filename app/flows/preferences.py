"""What a physician decides on a content page: pause, resume, a word to the rep."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app import consent, content, delivery, identity, journey, reps
from app.consent import Action
from app.delivery import Way
from app.identity.models import Identifier
from app.infra.clock import local
from app.journey import Happened
from app.links import TrackedLink


def set_paused(session: Session, link: TrackedLink, paused: bool, now: datetime) -> None:
    """Stop or resume everything for the reader; stopping is as easy as resuming."""
    row = session.get(Identifier, link.identifier_id) if link.identifier_id else None
    if row is None:
        return
    mine = identity.identifiers_of(session, row.one_id)
    action = Action.WITHDRAW if paused else Action.GRANT
    for identifier in mine:
        consent.record(
            session, identifier.id, action=action, source="content_page",
            evidence=f"link:{link.id}", at=now,
        )  # fmt: skip
    journey.note(
        session, row.id, Happened.CONSENT_CHANGED, channel="page", at=now,
        ref=f"link:{link.id}:{now.isoformat()}", detail={"action": action.value},
    )  # fmt: skip
    if paused:
        delivery.cancel_for(session, "医生已退订", identifier_ids=[i.id for i in mine])


def is_paused(session: Session, link: TrackedLink) -> bool:
    """Whether the reader has stopped us."""
    row = session.get(Identifier, link.identifier_id) if link.identifier_id else None
    if row is None:
        return False
    return consent.standing(session, [row.one_id], "any")[row.one_id][1]


def call_rep(session: Session, link: TrackedLink, now: datetime) -> bool:
    """Ask the reader's rep to get in touch, at most once a day and link; False without a rep."""
    row = session.get(Identifier, link.identifier_id) if link.identifier_id else None
    known = reps.rep_for(session, row.one_id) if row else None
    if row is None or known is None:
        return False
    contact, rep = known
    physician = identity.get_physician(session, row.one_id)
    version = content.get_version(session, link.content_version_id)
    text = f"【请联系】{physician.name or '您的医生'}在阅读《{version.title}》时请您联系。"
    delivery.queue(
        session, way=Way.REP_TEXT, dedupe_key=f"call:{link.id}:{local(now):%Y%m%d}",
        payload={"corp_id": rep.corp_id, "userid": rep.userid, "text": text},
        rep_id=rep.id, identifier_id=contact.identifier_id, now=now,
    )  # fmt: skip
    return True
