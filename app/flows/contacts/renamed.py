"""A rep goes by another userid. It stays the same rep: with the brands, the rules, the suggestions
and the account in the console that this rep has.

News under the new name may have come first. It has made a second rep, who is nobody from now on:
whatever was noted of that one is noted of the rep.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import consent, delivery, feedback, reps, tagging
from app.delivery import Dispatch
from app.flows.contacts.sync_contact import drop_tags_of
from app.identity import Identifier
from app.journey import MeetingAnswer, Touchpoint
from app.recommend import Suggestion
from app.reps import Rep, RepContact


def rename(session: Session, rep: Rep, userid: str, now: datetime) -> None:
    """What waits to be sent goes to the new userid."""
    other = reps.find_rep(session, rep.corp_id, userid)
    if other is not None:
        _join(session, rep, other, now)
        reps.step_aside(session, other, now)
    rep.userid = userid
    session.flush()
    delivery.readdress(session, rep.id, userid)


def _join(session: Session, rep: Rep, other: Rep, now: datetime) -> None:
    """Everything of `other` is the rep's. Tags are read anew, as this rep's."""
    contacts = session.scalars(select(RepContact).where(RepContact.rep_id == other.id)).all()
    for contact in contacts:
        drop_tags_of(session, session.get_one(Identifier, contact.identifier_id), other, now)
    for ended in reps.hand_over(session, other, rep, now):
        tagging.forget_side(session, ended)
    for model in (Suggestion, Dispatch, Touchpoint, MeetingAnswer):
        session.execute(update(model).where(model.rep_id == other.id).values(rep_id=rep.id))
    consent.same_rep(session, other.id, rep.id)
    feedback.claims.same_rep(session, other.id, rep.id)
