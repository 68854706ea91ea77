"""Somebody left or withdrew: the platform demands that this account's data be deleted."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import delete, or_, select, update
from sqlalchemy.orm import Session

from app import consent, court, delivery, identity, inbox, segments
from app.connectors.errors import OutOfReach
from app.consent import Action, ConsentEntry, ContactWish, OwnChoice
from app.delivery import Dispatch, Way
from app.facts import AuthorisationRevoked, Unfollowed
from app.flows import Outside, Received
from app.flows.followers.follower import Seen, read_follower
from app.flows.learning import decided
from app.flows.pages import own_choices
from app.flows.sending.stop_sending import stop_sending
from app.flows.sending.tell_rep import notice_key
from app.flows.tagging import undo_tags
from app.identity import Id, Identifier, Kind
from app.identity.models import Evidence, ProfileValue
from app.journey import Happened, MeetingAnswer, Touchpoint
from app.links import OwnLink, TrackedLink
from app.recommend import Suggestion
from app.recommend.fit import forms
from app.tagging.models import TagAssertion, TagRefused, TagSighting

HANDLES = (Unfollowed, AuthorisationRevoked)
CHUNK = 1000


def prepare(fact: Unfollowed | AuthorisationRevoked, outside: Outside) -> Seen:
    """The follower as it is now: somebody who left may have come back before we heard of it.

    Whom the platform itself reports has left, also when it does not know the openid any more; who
    only seemed to be missing when we compared is not erased for that. Raises OutOfReach.
    """
    try:
        return read_follower(fact, outside)
    except OutOfReach:
        if fact.pulled:
            raise
        return Seen(None, outside.settings.yishu_base_url)


def apply(
    session: Session,
    fact: Unfollowed | AuthorisationRevoked,
    seen: Seen,
    event: Received,
    now: datetime,
) -> None:
    """Erase what came through this openid; the physician's other identities stay.

    Who has come back since keeps what happened since. A wish not to be contacted outlives the
    deletion: it holds nothing but the wish. So does a place on a list that spares its members.
    """
    if isinstance(fact, AuthorisationRevoked) and fact.kind == "modified":
        return
    row = identity.find(session, Id(Kind.OPENID, fact.app_id, fact.openid))
    if row is None or not row.value:
        return
    came_back = isinstance(fact, Unfollowed) and seen.follows
    if fact.pulled and came_back:
        return  # seen too early, or over already: nothing says that they were away
    at = event.received_at if fact.pulled else fact.at
    refused = consent.standing(session, [row.one_id], "oa")[row.one_id][1]
    if not came_back:
        stop_sending(session, "医生已取消关注", now, identifier_ids=[row.id])
        delivery.cancel_for(session, "医生已取消关注", identifier_ids=[row.id], tried=True)
        _erase_reasons(session, row)
    own_choices.hand_on(session, row)
    _erase(session, row, at if came_back else None)
    if refused:
        consent.record(session, row.id, action=Action.WITHDRAW, source="kept_on_erasure", at=at)
    inbox.erase_before(session, inbox.partition_key(fact.app_id, f"openid:{fact.openid}"), event.id)
    if not came_back:
        _forget(session, row, event.ref, now)


def _forget(session: Session, row: Identifier, cause: str, now: datetime) -> None:
    """The openid, and a unionid that nobody but this account has told us."""
    linked = select(Evidence.a_id, Evidence.b_id).where(
        or_(Evidence.a_id == row.id, Evidence.b_id == row.id)
    )
    neighbours = {b if a == row.id else a for a, b in session.execute(linked)}
    identity.forget(session, row, cause=cause, now=now)
    for other in session.scalars(
        select(Identifier).where(Identifier.id.in_(neighbours), Identifier.kind == Kind.UNIONID)
    ).all():
        told = select(Evidence.id).where(or_(Evidence.a_id == other.id, Evidence.b_id == other.id))
        described = select(ProfileValue.id).where(ProfileValue.identifier_id == other.id)
        if session.scalar(told.limit(1)) is None and session.scalar(described.limit(1)) is None:
            for chosen in (OwnChoice, TagAssertion):  # on the own page, for every identity
                session.execute(delete(chosen).where(chosen.identifier_id == other.id))
            segments.suppression.forget(session, other.id)
            identity.forget(session, other, cause=cause, now=now)


def _erase_notices(session: Session, row: Identifier, before: datetime | None) -> None:
    """What was written to the account stands in notices to reps, too."""
    said = select(Touchpoint.ref).where(
        Touchpoint.identifier_id == row.id, Touchpoint.kind == Happened.MESSAGE_RECEIVED
    )
    if before:
        said = said.where(Touchpoint.at < before)
    keys = [notice_key(ref) for ref in session.scalars(said)]
    for start in range(0, len(keys), CHUNK):
        delivery.erase(session, Dispatch.dedupe_key.in_(keys[start : start + CHUNK]))


def _erase_reasons(session: Session, row: Identifier) -> None:
    """What the person did in the account is a reason no more, of suggestions to any identity, nor
    on their cards and in what else told the rep of them."""
    mine = [one.id for one in identity.identifiers_of(session, row.one_id)]
    changed = []
    for one in session.scalars(select(Suggestion).where(Suggestion.identifier_id.in_(mine))):
        kept = [text for text in one.reasons if not forms.tells_of_account(text)]
        if kept != one.reasons:
            one.reasons = kept
            changed.append(one.id)
    for start in range(0, len(changed), CHUNK):
        told = Dispatch.suggestion_id.in_(changed[start : start + CHUNK])
        delivery.erase(session, told, Dispatch.way.in_((Way.REP_CARD, Way.REP_TEXT)))


def _erase(session: Session, row: Identifier, before: datetime | None) -> None:
    """Everything that was noted through this identifier, or only what is older than `before`."""
    _erase_notices(session, row, before)
    for model in (
        Touchpoint, MeetingAnswer, ConsentEntry, ContactWish, OwnChoice, TagAssertion,
        TagSighting, TagRefused,
    ):  # fmt: skip
        chosen = delete(model).where(model.identifier_id == row.id)
        session.execute(chosen.where(model.at < before) if before else chosen)
    session.execute(delete(OwnLink).where(OwnLink.identifier_id == row.id))
    undo_tags.forget(session, row.id, before)
    court.erase(session, row.id, before)
    decided.forget(session, row.id, before)
    segments.suppression.forget(session, row.id, before)
    words = update(Suggestion).where(Suggestion.identifier_id == row.id)
    links = update(TrackedLink).where(TrackedLink.identifier_id == row.id)
    about = [Dispatch.identifier_id == row.id]
    if before:
        words = words.where(Suggestion.created_at < before)
        links = links.where(TrackedLink.created_at < before)
        about.append(Dispatch.created_at < before)
    session.execute(words.values(refusal_note=None))
    session.execute(links.values(identifier_id=None))
    delivery.erase(session, *about)
    identity.changed.note(session, row.id)
    identity.news.tell(session, row.id, identity.news.WHO)
