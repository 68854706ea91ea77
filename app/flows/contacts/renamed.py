"""A rep goes by another userid. It stays the same rep: with the brands, the rules, the suggestions
and the account in the console that this rep has.

News under the new name may have come first. It has made a second rep, who is nobody from now on:
whatever was noted of that one is noted of the rep. But who had left before had the name as another
person, and nothing of theirs is the rep's.
"""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app import consent, delivery, feedback, reps, tagging
from app.accounts.models import User
from app.delivery import Dispatch
from app.feedback import RefusalNote, StopRule
from app.flows.contacts.sync_contact import drop_tags_of
from app.identity import Identifier
from app.journey import MeetingAnswer, Touchpoint
from app.links import ChannelCode, TrackedLink
from app.recommend import Suggestion
from app.reps import Rep, RepContact

MOVED = (
    Suggestion, Dispatch, Touchpoint, MeetingAnswer, TrackedLink, ChannelCode, RefusalNote,
    StopRule, User,
)  # fmt: skip


def rename(session: Session, rep: Rep, userid: str, at: datetime, now: datetime) -> datetime | None:
    """What waits to be sent goes to the new userid, which is the rep's since `at`. Returns when
    the rep has left under it, if that was heard first."""
    other, left = reps.find_rep(session, rep.corp_id, userid), None
    if other is not None:
        if other.active or (other.told_at or at) > at:
            _join(session, rep, other, now)
            left = None if other.active else other.told_at
        reps.step_aside(session, other)
    rep.userid = userid
    session.flush()
    delivery.readdress(session, rep.id, userid)
    return left


def _join(session: Session, rep: Rep, other: Rep, now: datetime) -> None:
    """Everything of `other` is the rep's, and that this one works here, where it is newer. Tags
    are read anew, as this rep's."""
    if other.active and other.told_at is not None:
        reps.come_back(session, rep, other.told_at)
    contacts = session.scalars(select(RepContact).where(RepContact.rep_id == other.id)).all()
    for contact in contacts:
        drop_tags_of(session, session.get_one(Identifier, contact.identifier_id), other, now)
    for ended in reps.hand_over(session, other, rep, now):
        tagging.forget_side(session, ended)
    for model in MOVED:
        session.execute(update(model).where(model.rep_id == other.id).values(rep_id=rep.id))
    consent.same_rep(session, other.id, rep.id)
    feedback.claims.same_rep(session, other.id, rep.id)
