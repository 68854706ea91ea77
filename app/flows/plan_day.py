"""A rep's suggestions of the day: who, what, and why.

Eligible contacts × approved contents, scored by tag affinity, chosen greedily, explained by what
carried the score. Permission is asked here and again when the card is sent.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import consent, content, delivery, identity, journey, recommend, reps, tagging
from app.consent import ContactFacts
from app.content import Usable
from app.delivery import Way
from app.flows.best_content import piece_of
from app.flows.permission import Standing, standings
from app.flows.suggestion_card import card, task_id
from app.identity import Identifier, Physician
from app.infra.clock import local
from app.links import TrackedLink
from app.recommend import Candidate, DailyPlan, Piece, Scored, Scorer, State, Suggestion
from app.reps import Rep, RepContact

NOT_AGAIN_DAYS = 90  # the same content to the same physician
CARD_GAP_S = 20  # cards of one rep are spread a little
CANDIDATES = 3


@dataclass(frozen=True, slots=True)
class Contact:
    """One connected physician of a rep."""

    identifier: Identifier
    relation: RepContact

    @property
    def one_id(self) -> str:
        """The physician."""
        return self.identifier.one_id


@dataclass(slots=True)
class Considered:
    """What planning looked at: candidates, and why the others were left out."""

    candidates: list[Candidate[str]] = field(default_factory=list)
    left_out: Counter[str] = field(default_factory=Counter)
    contacts: dict[str, Contact] = field(default_factory=dict)


def plan_day(session: Session, rep: Rep, day: date, *, base_url: str, now: datetime) -> DailyPlan:
    """The plan of one rep and day, made once; cards are queued in the same transaction."""
    known = session.scalar(
        select(DailyPlan).where(DailyPlan.rep_id == rep.id, DailyPlan.day == day)
    )
    if known is not None:
        return known
    considered = consider(session, rep, now)
    chosen = recommend.choose(considered.candidates, rep.daily_limit if rep.active else 0)
    plan = DailyPlan(
        rep_id=rep.id, day=day, considered=len(considered.contacts), suggested=len(chosen),
        left_out=dict(considered.left_out), created_at=now,
    )  # fmt: skip
    session.add(plan)
    store(
        session, rep, chosen, considered.contacts, plan_key=f"day:{rep.id}:{day.isoformat()}",
        day=day, base_url=base_url, now=now,
    )  # fmt: skip
    return plan


def consider(
    session: Session,
    rep: Rep,
    now: datetime,
    *,
    only: Sequence[Usable] | None = None,
    wanted: set[str] | None = None,
) -> Considered:
    """The rep's contacts with their best fitting contents, or the reason they have none.

    A campaign gives its content (`only`) and its audience (`wanted`); then a contact needs no
    common tag with the content.
    """
    found = Considered()
    for relation, identifier in reps.contacts_of(session, rep.id):
        if wanted is not None and identifier.one_id not in wanted:
            continue
        found.contacts.setdefault(identifier.one_id, Contact(identifier, relation))
    one_ids = list(found.contacts)
    library = content.usable(session, now) if only is None else list(only)
    pieces = [piece_of(usable) for usable in library]
    scorer = Scorer(pieces, now)
    known = standings(session, one_ids, "wecom", now)
    rules = consent.rules(session)
    weights = tagging.weights(session, one_ids, now)
    history = _history(session, one_ids, now)
    for one_id in sorted(one_ids):
        verdict = consent.may_contact(_facts(rep, known[one_id]), rules, now)
        if not verdict.allowed:
            found.left_out[verdict.reasons[0].code] += 1
            continue
        fits = _fits(scorer, pieces, weights[one_id], history.get(one_id, History()), now)
        if not fits and wanted is not None:
            fits = [
                Scored(piece, 0.0)
                for piece in pieces
                if _open(piece, history.get(one_id, History()), now)
            ]
        if not fits:
            found.left_out["no_content"] += 1
        found.candidates += [Candidate(one_id, one_id, fit) for fit in fits]
    return found


@dataclass(slots=True)
class History:
    """What was suggested or sent to a physician lately."""

    sent: set[int] = field(default_factory=set)
    hidden: dict[int, datetime] = field(default_factory=dict)
    paused_until: datetime | None = None
    tags: Counter[int] = field(default_factory=Counter)


def store(
    session: Session,
    rep: Rep,
    chosen: Sequence[Candidate[str]],
    contacts: Mapping[str, Contact],
    *,
    plan_key: str,
    day: date,
    base_url: str,
    now: datetime,
    campaign_id: int | None = None,
) -> list[Suggestion]:
    """Suggestion rows with their reasons, and a queued card for each."""
    one_ids = [candidate.person for candidate in chosen]
    weights = tagging.weights(session, one_ids, now)
    names = {tag.id: tag.name for tag in tagging.tags(session)}
    last = journey.last_at(session, one_ids)
    people = identity.physicians_by_id(session, one_ids)
    rules, known = consent.rules(session), standings(session, one_ids, "wecom", now)
    made = []
    for position, candidate in enumerate(chosen, start=1):
        one_id, fit = candidate.person, candidate.fit
        left = max(0, rules.cap_contacts - len(known[one_id].contacted_at))
        row = Suggestion(
            plan_key=plan_key, rep_id=rep.id, identifier_id=contacts[one_id].identifier.id,
            content_id=fit.piece.content_id, content_version_id=fit.piece.version_id,
            campaign_id=campaign_id, day=day, position=position, score=fit.score,
            reasons=recommend.reasons(
                fit, weights[one_id], names, last_contact=last.get(one_id),
                left_this_window=left, now=now,
            ),
            contributions={str(tag): round(part, 4) for tag, part in fit.parts.items()},
            verdict=consent.may_contact(_facts(rep, known[one_id]), rules, now).as_json(now),
            created_at=now,
        )  # fmt: skip
        session.add(row)
        session.flush()
        _queue_card(session, rep, row, people[one_id], len(chosen), base_url, now)
        made.append(row)
    return made


def _queue_card(
    session: Session,
    rep: Rep,
    row: Suggestion,
    physician: Physician,
    total: int,
    base_url: str,
    now: datetime,
) -> None:
    version = content.get_version(session, row.content_version_id)
    # The platform advises against sending on the full and half hour: spread by rep and position.
    start = now + timedelta(seconds=(rep.id * 7) % 60 + (row.position - 1) * CARD_GAP_S)
    delivery.queue(
        session, way=Way.REP_CARD, dedupe_key=f"suggestion:{row.id}",
        payload={
            "corp_id": rep.corp_id,
            "userid": rep.userid,
            "card": card(row, physician, version, total=total, list_url=f"{base_url}/rep/"),
        },
        rep_id=rep.id, identifier_id=row.identifier_id, suggestion_id=row.id,
        campaign_id=row.campaign_id, content_version_id=row.content_version_id,
        task_id=task_id(row.id), not_before=start, not_after=end_of_day(now),
        verdict=row.verdict, now=now,
    )  # fmt: skip


def end_of_day(now: datetime) -> datetime:
    """Eight in the evening in China, or the next one: a later card would disturb."""
    evening = local(now).replace(hour=20, minute=0, second=0, microsecond=0)
    if evening <= now:
        evening += timedelta(days=1)
    return evening.astimezone(now.tzinfo)


def _open(piece: Piece, past: History, now: datetime) -> bool:
    hidden = past.hidden.get(piece.content_id)
    return piece.content_id not in past.sent and (hidden is None or hidden <= now)


def _facts(rep: Rep, known: Standing) -> ContactFacts:
    return ContactFacts(
        permitted=known.permitted, opted_out=known.opted_out, content_usable=True,
        rep_active=rep.active, connected=True, contacted_at=known.contacted_at,
        needs_quiet_hours=False,  # the rep decides when to forward
    )  # fmt: skip


def _fits(
    scorer: Scorer,
    pieces: Sequence[Piece],
    weights: Mapping[int, tagging.Weight],
    history: History,
    now: datetime,
) -> list[Scored]:
    if history.paused_until and history.paused_until > now:
        return []
    open_ = [piece for piece in pieces if _open(piece, history, now)]
    most = max(history.tags.values(), default=0)
    recent = {tag: count / most for tag, count in history.tags.items()} if most else {}
    values = {tag: weight.value for tag, weight in weights.items()}
    return scorer.best(open_, values, recent, CANDIDATES)


def _history(session: Session, one_ids: Sequence[str], now: datetime) -> dict[str, History]:
    found: dict[str, History] = {}
    since = now - timedelta(days=NOT_AGAIN_DAYS)
    rows = session.execute(
        select(Identifier.one_id, Suggestion)
        .join(Identifier, Identifier.id == Suggestion.identifier_id)
        .where(Identifier.one_id.in_(one_ids), Suggestion.created_at > since)
    )
    for one_id, row in rows:
        _remember(found.setdefault(one_id, History()), row, now)
    opened = session.execute(
        select(Identifier.one_id, content.ContentVersion.content_id)
        .join(TrackedLink, TrackedLink.identifier_id == Identifier.id)
        .join(content.ContentVersion, content.ContentVersion.id == TrackedLink.content_version_id)
        .where(Identifier.one_id.in_(one_ids), TrackedLink.created_at > since)
    )
    for one_id, content_id in opened:
        found.setdefault(one_id, History()).sent.add(content_id)
    return found


def _remember(history: History, row: Suggestion, now: datetime) -> None:
    if row.state == State.ADOPTED:
        history.sent.add(row.content_id)
    elif row.state == State.REFUSED and row.hidden_until:
        if row.refusal in ("timing", "not_mine", "discussed"):
            history.paused_until = max(history.paused_until or now, row.hidden_until)
        history.hidden[row.content_id] = row.hidden_until
    elif row.state == State.LATER and row.hidden_until:
        history.paused_until = max(history.paused_until or now, row.hidden_until)
    elif row.state in (State.PLANNED, State.DELIVERED) and now - row.created_at < timedelta(days=3):
        history.paused_until = max(history.paused_until or now, row.created_at + timedelta(days=3))
    for tag in row.contributions:
        history.tags[int(tag)] += 1
