"""Which of a rep's physicians could get what today, and why the others are left out."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import exists, or_, select
from sqlalchemy.orm import Session

from app import content, recommend, reps, tagging
from app.consent import Through, Verdict
from app.content import Usable
from app.flows import eligible, moment_had
from app.flows.basis import basis
from app.flows.best_content import piece_of
from app.flows.eligible import Why
from app.flows.fits import Asked, Fits, fits_of
from app.flows.permission import asker
from app.flows.scoring import interests_of, scorer_of
from app.identity import Identifier
from app.infra.clock import local
from app.links import PageView, TrackedLink
from app.recommend import Candidate, Scored, State, Suggestion
from app.reps import Met, Rep
from app.tagging import Weight

NOT_AGAIN_DAYS = 90  # the same content to the same physician
SATURATING_DAYS = 30  # content sent lately makes similar content less interesting
OPEN_DAYS = 3  # a suggestion that waits for an answer keeps others away for so long
IGNORED_DAYS = 14  # the same suggestion again after nobody answered it
LATER_DAYS = 7  # how long a postponed suggestion is preferred
LATER_BONUS = 1.0
ALTERNATIVES = 3  # fitting contents per physician that the plan chooses from
OPTIONS = 10  # that chance may draw from for whoever was chosen, see `decide`
CHUNK = 1000
LOOKED_AT = (
    Suggestion.rep_id, Suggestion.content_id, Suggestion.state, Suggestion.refusal,
    Suggestion.day, Suggestion.created_at, Suggestion.hidden_until, Suggestion.contributions,
)  # fmt: skip


@dataclass(frozen=True, slots=True)
class Contact:
    """One connected physician of a rep."""

    identifier: Met

    @property
    def one_id(self) -> str:
        """The physician."""
        return self.identifier.one_id


@dataclass(slots=True)
class Considered:
    """What planning looked at: candidates, and why the others were left out."""

    candidates: list[Candidate[str]] = field(default_factory=list)
    options: dict[str, Sequence[Scored]] = field(default_factory=dict)  # best first, see `look_at`
    left_out: Counter[str] = field(default_factory=Counter)
    why: dict[str, str] = field(default_factory=dict)  # who is left out → the reason's code
    contacts: dict[str, Contact] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    weights: Mapping[str, Mapping[int, Weight]] = field(default_factory=dict)
    interests: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    fits: Fits | None = None  # None: a campaign's content, scored with all its parts
    asked: dict[str, Asked] = field(default_factory=dict)

    def leave(self, one_id: str, code: str) -> None:
        """This physician gets nothing, for this reason."""
        self.left_out[code] += 1
        self.why[one_id] = code

    def look_at(self, one_ids: Sequence[str]) -> None:
        """Read the tags and interests of these, and give them OPTIONS instead of ALTERNATIVES: for
        so many the rows of a night are too short, so only few are asked for them."""
        if self.fits is None:
            return
        new = {one: self.asked[one] for one in one_ids if one not in self.fits.weights}
        self.fits.look_at(list(new))
        self.options |= self.fits.best(new, OPTIONS)
        self.weights, self.interests = self.fits.weights, self.fits.interests

    def whole(self, chosen: Sequence[Candidate[str]]) -> list[Candidate[str]]:
        """Those who were chosen, with all parts of their fits and with their tags."""
        if self.fits is None:
            return list(chosen)
        self.look_at([one.person for one in chosen])
        return [
            replace(one, fit=self.fits.whole(one.person, one.fit, self.asked[one.person]))
            for one in chosen
        ]


@dataclass(slots=True)
class History:
    """What was suggested or sent to a physician lately."""

    sent: set[int] = field(default_factory=set)  # contents the physician has
    hidden: dict[int, datetime] = field(default_factory=dict)  # content → not before
    later: set[int] = field(default_factory=set)  # contents the rep postponed
    paused_until: datetime | None = None
    tags: Counter[int] = field(default_factory=Counter)

    def closed(self, now: datetime) -> set[int]:
        """Contents that may not be suggested now."""
        return self.sent | {content for content, until in self.hidden.items() if until > now}

    def pause(self, until: datetime) -> None:
        """Suggest nothing before `until`."""
        self.paused_until = max(self.paused_until or until, until)


def consider(
    session: Session,
    rep: Rep,
    now: datetime,
    *,
    only: Sequence[Usable] | None = None,
    wanted: set[str] | None = None,
    through: Through = Through.REP,
    campaign_id: int | None = None,
) -> Considered:
    """The rep's contacts with their best fitting contents, or the reason they have none.

    A campaign gives its content (`only`) and its audience (`wanted`); then a contact needs no
    common tag with the content.
    """
    found = Considered()
    for met in reps.people_of(session, rep.id):
        if met.value and (wanted is None or met.one_id in wanted):
            found.contacts.setdefault(met.one_id, Contact(met))
    one_ids = sorted(found.contacts)
    rows = [found.contacts[one_id].identifier for one_id in one_ids]
    ask = asker(session, rep, rows, through, now, campaign_id=campaign_id)
    pasts = defaultdict(History, history(session, rep.id, one_ids, now))
    library = _library(session, only, now)
    may_get = eligible.compiled(session, rep, library, one_ids, now)
    barred: dict[str, Why] = {}
    for one_id, row in zip(one_ids, rows, strict=True):
        verdict = found.verdicts[one_id] = ask.verdict(row, now)
        if against := _against(verdict, one_id in may_get.held, pasts[one_id], now):
            found.leave(one_id, against)
            continue
        barred[one_id], past = may_get.barred(one_id), pasts[one_id]
        without = past.closed(now).union(barred[one_id])
        found.asked[one_id] = Asked(recommend.saturation(past.tags), without)
    best = _best(session, found, now) if only is None else _of_these(session, found, only, now)
    for one_id, fits in best.items():
        if not fits:
            found.leave(
                one_id, _nothing(found, one_id, library, pasts[one_id], barred[one_id], now)
            )
            continue
        found.options[one_id] = fits
        found.candidates += [
            Candidate(
                one_id, one_id, fit,
                LATER_BONUS if fit.piece.content_id in pasts[one_id].later else 0.0,
            )
            for fit in fits
        ]  # fmt: skip
    return found


def _library(
    session: Session, only: Sequence[Usable] | None, now: datetime
) -> dict[int, Mapping[int, float]]:
    """What is chosen from, content → its tags."""
    if only is not None:
        return {usable.version.content_id: usable.tags for usable in only}
    return {piece.content_id: piece.tags for piece in basis(session, now).pieces}


def _against(verdict: Verdict, held: bool, past: History, now: datetime) -> str:
    """The code of what keeps this physician away, whatever the content; "" for nothing."""
    if not verdict.allowed and {r.code for r in verdict.reasons} != {"quiet_hours"}:
        return verdict.code
    if held:
        return "not_mine"
    paused = past.paused_until is not None and past.paused_until > now
    return "suggested_lately" if paused else ""


def _nothing(
    found: Considered,
    one_id: str,
    library: Mapping[int, object],
    past: History,
    barred: Why,
    now: datetime,
) -> str:
    """The code of why no content is left: the first rule that keeps away what would fit best."""
    closed = past.closed(now)
    if found.fits is None:
        best = [one for one in library if one not in closed]
    else:
        seen = found.asked[one_id].seen
        fits = found.fits.best({one_id: Asked(seen, closed)}, 1)[one_id] if barred else []
        best = [fit.piece.content_id for fit in fits]
    if best and best[0] in barred:
        return barred[best[0]][0].code
    return "no_content" if found.fits is not None else "had_it_already"


def _best(session: Session, found: Considered, now: datetime) -> dict[str, list[Scored]]:
    """Of the whole library; so few of each that the rows of a night can say it."""
    found.fits = fits_of(session, list(found.asked), now)
    return found.fits.best(found.asked, ALTERNATIVES)


def _of_these(
    session: Session, found: Considered, only: Sequence[Usable], now: datetime
) -> dict[str, list[Scored]]:
    """Of a campaign's contents, also for whom no own tag speaks for them."""
    pieces = [piece_of(usable) for usable in only]
    scorer, response = scorer_of(session, pieces, now)
    found.weights = tagging.weights(session, list(found.asked), now)
    interests = found.interests = interests_of(session, found.weights, response, now)
    best = {}
    for one_id, asked in found.asked.items():
        fits = scorer.best(interests[one_id], ALTERNATIVES, seen=asked.seen, without=asked.without)
        rest = [Scored(piece, 0.0) for piece in pieces if piece.content_id not in asked.without]
        best[one_id] = fits or rest
    return best


def history(
    session: Session, rep_id: int, one_ids: Sequence[str], now: datetime
) -> dict[str, History]:
    """What this rep and all others suggested, what was sent, what was read."""
    found: dict[str, History] = {}
    since = now - timedelta(days=NOT_AGAIN_DAYS)
    shared = {one for one, terms in content.all_terms(session).items() if terms.refusal_for_all}
    for start in range(0, len(one_ids), CHUNK):
        part = one_ids[start : start + CHUNK]
        rows = session.execute(
            select(Identifier.one_id, *LOOKED_AT)
            .join(Identifier, Identifier.id == Suggestion.identifier_id)
            .where(Identifier.one_id.in_(part), Suggestion.created_at > since)
            .order_by(Suggestion.id)
        )
        for row in rows:
            _remember(found.setdefault(row.one_id, History()), row, rep_id, now, shared)
        _remember_links(session, found, part, since)
    return found


def have_it_already(
    session: Session, one_ids: Sequence[str], content_id: int, now: datetime
) -> set[str]:
    """Who got this content lately, through whomever, or has read it at any time."""
    found: dict[str, History] = {}
    since = now - timedelta(days=NOT_AGAIN_DAYS)
    for start in range(0, len(one_ids), CHUNK):
        _remember_links(session, found, one_ids[start : start + CHUNK], since, content_id)
    return set(found)


def _remember(
    past: History, row: Any, rep_id: int, now: datetime, shared: Container[int] = ()
) -> None:
    """A refusal or a postponement is one rep's own; what was sent or waits counts for all, and so
    does the refusal of a content of which marketing says so (`shared`). What one rep has talked
    about already makes what is like it less interesting for all, and is hidden from that rep."""
    mine = row.rep_id == rep_id or (row.refusal == "content" and row.content_id in shared)
    past.later.discard(row.content_id)
    if row.state == State.ADOPTED or row.refusal == "discussed":
        if mine or row.state == State.ADOPTED or row.content_id in shared:
            past.sent.add(row.content_id)
        if now - row.created_at < timedelta(days=SATURATING_DAYS):
            past.tags.update(int(tag) for tag in row.contributions if tag.isdecimal())
    elif row.state in (State.PLANNED, State.DELIVERED) and _waits(row, now):
        past.pause(row.created_at + timedelta(days=OPEN_DAYS))
        if row.day >= local(now).date():
            past.pause(now + timedelta(days=1))
    elif mine and row.state == State.REFUSED and row.hidden_until:
        if row.refusal in ("timing", "not_mine"):
            past.pause(row.hidden_until)
        past.hidden[row.content_id] = row.hidden_until
        if row.refusal == "content" and row.hidden_until > now:  # nor what is like it
            past.tags.update(int(tag) for tag in row.contributions if tag.isdecimal())
    elif mine and row.state == State.LATER and row.hidden_until:
        past.pause(row.hidden_until)
        if now - row.hidden_until < timedelta(days=LATER_DAYS):
            past.later.add(row.content_id)
    elif mine and row.state in (State.PLANNED, State.DELIVERED, State.EXPIRED):
        past.hidden[row.content_id] = row.created_at + timedelta(days=IGNORED_DAYS)


def _waits(row: Any, now: datetime) -> bool:
    recent: bool = now - row.created_at < timedelta(days=OPEN_DAYS)
    today: bool = row.day >= local(now).date()
    return recent or today


def _remember_links(
    session: Session,
    found: dict[str, History],
    one_ids: Sequence[str],
    since: datetime,
    only: int | None = None,
) -> None:
    """Every link to a content, and every moment with it, counts as sent for a while; what was read
    counts for good."""
    read = exists().where(PageView.link_id == TrackedLink.id, PageView.read_at.is_not(None))
    chosen = (
        select(Identifier.one_id, content.ContentVersion.content_id)
        .join(TrackedLink, TrackedLink.identifier_id == Identifier.id)
        .join(content.ContentVersion, content.ContentVersion.id == TrackedLink.content_version_id)
        .where(Identifier.one_id.in_(one_ids), or_(TrackedLink.created_at > since, read))
        .distinct()
    )
    for ways in (chosen, moment_had.had(one_ids, since)):
        if only is not None:
            ways = ways.where(content.ContentVersion.content_id == only)
        for one_id, content_id in session.execute(ways):
            found.setdefault(one_id, History()).sent.add(content_id)
