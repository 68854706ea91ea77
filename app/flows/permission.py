"""Gathering the facts that `consent.may_contact` decides on. Missing facts count against."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import consent, content, delivery, reps
from app.consent import ContactFacts, Verdict
from app.delivery import Dispatch, Way
from app.identity.models import Identifier, Kind
from app.reps import RelationState, RepContact

CHANNELS = {
    Way.REP_CARD: "wecom",
    Way.REP_TEXT: "wecom",
    Way.GROUP_TASK: "wecom",
    Way.OA_TEXT: "oa",
    Way.OA_TEMPLATE: "oa",
}
QUIET = (Way.GROUP_TASK, Way.OA_TEXT, Way.OA_TEMPLATE)  # these reach the physician by themselves


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known about a physician, whatever the content and rep."""

    permitted: bool | None
    opted_out: bool
    contacted_at: tuple[datetime, ...]


def standings(
    session: Session, one_ids: Iterable[str], channel: str, now: datetime
) -> dict[str, Standing]:
    """Consent and recent contacts of many physicians."""
    wanted = list(one_ids)
    since = now - timedelta(days=consent.rules(session).cap_days)
    allowed = consent.standing(session, wanted, channel)
    contacted = delivery.contacted_at(session, wanted, since)
    return {
        one_id: Standing(*allowed.get(one_id, (None, False)), tuple(contacted.get(one_id, ())))
        for one_id in wanted
    }


def verdict_for(session: Session, dispatch: Dispatch, now: datetime) -> Verdict | None:
    """The verdict for a message about a physician and a content; None for all other messages."""
    if dispatch.identifier_id is None or dispatch.content_version_id is None:
        return None
    identifier = session.get(Identifier, dispatch.identifier_id)
    if identifier is None or not identifier.value:
        return Verdict((consent.Reason("erased", "医生的资料已删除"),))
    way = Way(dispatch.way)
    version = content.get_version(session, dispatch.content_version_id)
    known = standings(session, [identifier.one_id], CHANNELS[way], now)[identifier.one_id]
    problem = content.problem(session, version, now)
    # This message itself is among the promised contacts.
    own = dispatch.sent_at or dispatch.not_before
    others = list(known.contacted_at)
    if dispatch.counts_as_contact and own in others:
        others.remove(own)
    facts = ContactFacts(
        permitted=known.permitted,
        opted_out=known.opted_out,
        content_usable=not problem,
        content_problem=problem,
        rep_active=_rep_active(session, dispatch.rep_id),
        connected=_connected(session, dispatch.rep_id, identifier.id),
        follows=True if identifier.kind == Kind.OPENID else None,
        contacted_at=tuple(others),
        needs_quiet_hours=way in QUIET,
    )
    return consent.may_contact(facts, consent.rules(session), now)


def _rep_active(session: Session, rep_id: int | None) -> bool | None:
    return None if rep_id is None else reps.get_rep(session, rep_id).active


def _connected(session: Session, rep_id: int | None, identifier_id: int) -> bool | None:
    if rep_id is None:
        return None
    state = session.scalar(
        select(RepContact.state).where(
            RepContact.rep_id == rep_id, RepContact.identifier_id == identifier_id
        )
    )
    return state == RelationState.CONNECTED
