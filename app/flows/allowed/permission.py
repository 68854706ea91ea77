"""Gathering the facts that `consent.may_contact` decides on. Missing facts count against."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import campaigns, consent, content, delivery, reps, segments
from app.consent import NOTHING_CHOSEN, ContactFacts, Own, Reason, Rules, Through, Verdict
from app.delivery import Dispatch, Way
from app.flows.allowed import eligible, reached
from app.flows.allowed.history import have_it_already
from app.identity.models import Identifier, Kind
from app.infra import log
from app.infra.errors import Refused
from app.reps import Met, RelationState, Rep, RepContact

_log = log.get(__name__)
THROUGH = {
    Way.REP_CARD: Through.REP,
    Way.REP_TEXT: Through.REP,
    Way.GROUP_TASK: Through.GROUP_TASK,
    Way.MOMENT_VIEW: Through.REP,  # the rep publishes by hand, at a time the rep chooses
    Way.OA_TEXT: Through.ACCOUNT,
    Way.OA_TEMPLATE: Through.ACCOUNT,
}
CONSENT_CHANNEL = {Through.REP: "wecom", Through.GROUP_TASK: "wecom", Through.ACCOUNT: "oa"}
CHUNK = 1000
ABOUT_THEN = timedelta(minutes=1)
Relations = Mapping[int, Mapping[int, datetime]]  # contact → connected rep → the newest chat
HAD = Reason("had_it_already", "医生已收到或即将收到这份内容")


@dataclass(frozen=True, slots=True)
class Standing:
    """What is known about a physician, whatever the content and rep."""

    permitted: bool | None
    opted_out: bool
    contacted_at: tuple[datetime, ...]
    spared_by: tuple[str, ...] | None
    own: Own = NOTHING_CHOSEN


def standings(
    session: Session,
    one_ids: Iterable[str],
    through: Through,
    now: datetime,
    *,
    before: Dispatch | None = None,
    campaign_id: int | None = None,
) -> dict[str, Standing]:
    """Consent, recent contacts, and what spares them, of many physicians."""
    return standings_of_each(
        session, one_ids, (through,), now, before=before, campaign_id=campaign_id
    )[0]


def standings_of_each(
    session: Session,
    one_ids: Iterable[str],
    throughs: Sequence[Through],
    now: datetime,
    *,
    before: Dispatch | None = None,
    campaign_id: int | None = None,
) -> list[dict[str, Standing]]:
    """The same of several ways, in their order; only what is allowed differs."""
    wanted = list(dict.fromkeys(one_ids))
    chosen = consent.own(session, wanted)
    paces = (one.days for one in chosen.values() if one.days)
    since = now - timedelta(days=max(consent.rules(session).cap_days, *paces, 0))
    channels = [CONSENT_CHANNEL[through] for through in throughs]
    allowed = consent.standing_on(session, wanted, channels)
    contacted = reached.contacted_at(session, wanted, since, before=before)
    spared = held_back(session, wanted, now, campaign_id)
    return [
        {
            one_id: Standing(
                *allowed[one_id][channel], tuple(contacted.get(one_id, ())),
                None if spared is None else spared.get(one_id, ()),
                chosen.get(one_id, NOTHING_CHOSEN),
            )
            for one_id in wanted
        }
        for channel in channels
    ]  # fmt: skip


def held_back(
    session: Session, one_ids: Collection[str], now: datetime, campaign_id: int | None
) -> dict[str, tuple[str, ...]] | None:
    """Who is spared by which lists and segments; None when that cannot be said: then nobody may be
    contacted."""
    try:
        return segments.suppression.held_back(session, one_ids, now, campaign_id)
    except (Refused, segments.Unparseable, segments.Behind) as problem:
        _log.warning("suppression cannot be evaluated", campaign=campaign_id, why=str(problem))
        return None


@dataclass(frozen=True, slots=True)
class Asker:
    """Asks about many contacts of one rep and one way, with everything read once."""

    rep: Rep
    through: Through
    rules: Rules
    known: Mapping[str, Standing]
    connected: frozenset[int]
    last_chatted: frozenset[int]
    group_tasks: dict[int, int]

    def verdict(
        self, row: Identifier | Met, now: datetime, *, content_problem: str = ""
    ) -> Verdict:
        """May this rep's contact be reached in this way now?"""
        known = self.known[row.one_id]
        facts = ContactFacts(
            through=self.through, permitted=known.permitted, opted_out=known.opted_out,
            content_usable=not content_problem, content_problem=content_problem,
            rep_active=self.rep.active, connected=row.id in self.connected,
            last_chatted=row.id in self.last_chatted,
            group_tasks_this_month=self.group_tasks.get(row.id),
            contacted_at=known.contacted_at, spared_by=known.spared_by,
            wished_days=known.own.days, unwanted=self.rep.id in known.own.reps,
        )  # fmt: skip
        return consent.may_contact(facts, self.rules, now)


def asker(
    session: Session,
    rep: Rep,
    rows: Sequence[Identifier | Met],
    through: Through,
    now: datetime,
    *,
    before: Dispatch | None = None,
    campaign_id: int | None = None,
) -> Asker:
    """Everything about these contacts that the policy wants to know."""
    people = [row.one_id for row in rows]
    known = standings(session, people, through, now, before=before, campaign_id=campaign_id)
    relations = relations_of(session, [row.id for row in rows])
    return asker_who_knows(session, rep, rows, through, now, known, relations)


def asker_who_knows(
    session: Session,
    rep: Rep,
    rows: Sequence[Identifier | Met],
    through: Through,
    now: datetime,
    known: Mapping[str, Standing],
    relations: Relations,
) -> Asker:
    """The same, when what does not depend on the rep has been read."""
    ids = [row.id for row in rows]
    connected = frozenset(one for one in ids if rep.id in relations.get(one, ()))
    last = frozenset(one for one in connected if _newest(relations[one]) == rep.id)
    by_task = through is Through.GROUP_TASK
    tasks = delivery.group_tasks_this_month(session, ids, now) if by_task else {}
    return Asker(rep, through, consent.rules(session), known, connected, last, tasks)


def _newest(chats: Mapping[int, datetime]) -> int:
    """The rep of the newest chat."""
    return max(chats, key=lambda rep_id: (chats[rep_id], -rep_id))


def verdict_for(session: Session, dispatch: Dispatch, now: datetime) -> Verdict | None:
    """The verdict for a message about a physician and a content; None for all other messages.

    While the transaction lasts nobody else gets a verdict for a contact with this physician.
    """
    if dispatch.identifier_id is None or dispatch.content_version_id is None:
        return None
    row = session.get(Identifier, dispatch.identifier_id)
    if row is None or not row.value:
        return Verdict((Reason("erased", "医生的资料已删除"),))
    if over := push_over(session, dispatch.campaign_id):
        return Verdict(over)
    if dispatch.way == Way.REP_CARD and _had_meanwhile(session, dispatch, row, now):
        return Verdict((HAD,))
    if dispatch.counts_as_contact:
        delivery.lock_person(session, row.id)
    split_at = session.scalar(select(Identifier.split_at).where(Identifier.id == row.id))
    if was_somebody_else(dispatch, split_at, now):
        return Verdict((Reason("split", "身份已拆分，这条内容是按拆分前的医生选的"),))
    verdict = _judge(session, dispatch, row, now)
    if not verdict.allowed and _moved(session, row):
        session.refresh(row)
        verdict = _judge(session, dispatch, row, now)
    if not verdict.allowed:
        _log.info("not allowed", dispatch=dispatch.id, suggestion=dispatch.suggestion_id,
                  rules=[reason.code for reason in verdict.reasons])  # fmt: skip
    return verdict


def push_over(session: Session, campaign_id: int | None) -> tuple[Reason, ...]:
    """That the push of a message or suggestion is paused or ended; empty where nothing is so."""
    why = campaigns.why_stopped(session, campaign_id)
    return (Reason("stopped", why),) if why else ()


def _had_meanwhile(session: Session, dispatch: Dispatch, row: Identifier, now: datetime) -> bool:
    """True when the physician has got the content since its suggestion was planned, days ago
    perhaps."""
    assert dispatch.content_version_id is not None
    content_id = content.get_version(session, dispatch.content_version_id).content_id
    return row.one_id in have_it_already(session, [row.one_id], content_id, now)


def was_somebody_else(dispatch: Dispatch, split_at: datetime | None, now: datetime) -> bool:
    """True when the message was planned before its physician was taken apart, or about then: a
    plan may have read who is who a moment earlier, and hosts' clocks differ."""
    if split_at is None or dispatch.created_at is None or split_at > now + ABOUT_THEN:
        return False  # in the future: written before the clock was set back
    return dispatch.created_at < split_at + ABOUT_THEN


def _moved(session: Session, row: Identifier) -> bool:
    """True when the ONE ID has changed since `row` was read.

    PostgreSQL shows each statement what was committed before it: consents and contacts that were
    looked for under the old id are found under the new one.
    """
    return session.scalar(select(Identifier.one_id).where(Identifier.id == row.id)) != row.one_id


def _judge(session: Session, dispatch: Dispatch, row: Identifier, now: datetime) -> Verdict:
    through = THROUGH[Way(dispatch.way)]
    assert dispatch.content_version_id is not None
    version = content.get_version(session, dispatch.content_version_id)
    problem = content.problem(session, version, now)
    before, campaign = dispatch if dispatch.id is not None else None, dispatch.campaign_id
    rep = None if dispatch.rep_id is None else reps.get_rep(session, dispatch.rep_id)
    if through is Through.ACCOUNT:
        known = standings(session, [row.one_id], through, now, before=before, campaign_id=campaign)[
            row.one_id
        ]
        facts = account_facts(known, content_problem=problem, follows=row.kind == Kind.OPENID)
        if rep is not None:  # who lets it send must be allowed to
            mine = _is_connected(session, rep.id, row.one_id)
            unwanted = rep.id in known.own.reps
            facts = replace(facts, rep_active=rep.active, connected=mine, unwanted=unwanted)
        verdict = consent.may_contact(facts, consent.rules(session), now)
        against = eligible.reasons_for(session, rep, row.one_id, version, now)
        return Verdict((*verdict.reasons, *against))
    if rep is None:
        return Verdict((Reason("rep_left", "没有代表"),))
    ask = asker(session, rep, [row], through, now, before=before, campaign_id=campaign)
    against = eligible.reasons_for(session, rep, row.one_id, version, now)
    return Verdict((*ask.verdict(row, now, content_problem=problem).reasons, *against))


def account_facts(known: Standing, *, content_problem: str, follows: bool) -> ContactFacts:
    """Facts about a follower of the Official Account."""
    return ContactFacts(
        through=Through.ACCOUNT, permitted=known.permitted, opted_out=known.opted_out,
        content_usable=not content_problem, content_problem=content_problem, follows=follows,
        contacted_at=known.contacted_at, spared_by=known.spared_by, wished_days=known.own.days,
    )  # fmt: skip


def _is_connected(session: Session, rep_id: int, one_id: str) -> bool:
    """True when one of this physician's contacts is connected with the rep."""
    mine = (
        select(RepContact.id)
        .join(Identifier, Identifier.id == RepContact.identifier_id)
        .where(Identifier.one_id == one_id, RepContact.rep_id == rep_id)
        .where(RepContact.state == RelationState.CONNECTED)
    )
    return session.scalar(mine.limit(1)) is not None


def relations_of(session: Session, identifier_ids: Sequence[int]) -> Relations:
    """Who is connected with these contacts, and when they chatted last."""
    found: dict[int, dict[int, datetime]] = {}
    for start in range(0, len(identifier_ids), CHUNK):
        rows = session.execute(
            select(
                RepContact.identifier_id, RepContact.rep_id, RepContact.last_chat_at,
                RepContact.since,
            ).where(
                RepContact.identifier_id.in_(identifier_ids[start : start + CHUNK]),
                RepContact.state == RelationState.CONNECTED,
            )
        )  # fmt: skip
        for row in rows:
            chat = row.last_chat_at or row.since
            found.setdefault(row.identifier_id, {})[row.rep_id] = chat
    return found
