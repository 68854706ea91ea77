"""What one physician would be suggested if something were otherwise, and why not a content.

`situation` reads everything once; `outlook` is a pure function of it and of a change, and asks the
product's own scorer and rules. Nothing is written.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import consent, content, identity, recommend, reps, tagging
from app.consent import ContactFacts, Reason, Rules, Through, Verdict
from app.content import ContentVersion, Stage
from app.flows.allowed import eligible
from app.flows.allowed.eligible import Why
from app.flows.allowed.history import History, history
from app.flows.allowed.permission import Asker, account_facts, asker, standings
from app.flows.fitting.basis import basis
from app.flows.fitting.fits import fits_of
from app.flows.planning import decide
from app.flows.planning.candidates import ALTERNATIVES, notices_first
from app.flows.planning.decide import HELD
from app.identity import Identifier, Kind
from app.infra.clock import local
from app.infra.errors import NotFound
from app.recommend import Piece, Response, Scored
from app.reps import RelationState, Rep, RepContact

CHANNELS = {"wecom": Through.REP, "oa": Through.ACCOUNT}
NO_REP = Reason("no_rep", "没有可联系的代表")


@dataclass(frozen=True, slots=True)
class Situation:
    """All that decides what one physician is suggested. `held`: own tags, what was read below 0"""

    one_id: str
    rep: Rep | None
    at: datetime
    pieces: Sequence[Piece]
    titles: Mapping[int, str]
    held: Mapping[int, float]
    past: History
    ask: Asker | None
    contact: Identifier | None
    account: ContactFacts
    rules: Rules
    parents: Mapping[int, int]
    exclusive: Mapping[int, str]
    response: Response
    moment: datetime  # of which scores are, see `basis`
    barred: Why = field(default_factory=dict)
    resting: bool = False  # held out, see `decide`
    notices: frozenset[int] = frozenset()  # safety notices, which the holdout lets through


@dataclass(frozen=True, slots=True)
class Imagined:
    """A content that does not exist, with tag → weight."""

    title: str
    tags: Mapping[int, float]


@dataclass(frozen=True, slots=True)
class Change:
    """What is imagined: tags with their strength, tags taken away, channels allowed, contents."""

    add: Mapping[int, float] = field(default_factory=dict)
    remove: frozenset[int] = frozenset()
    allow: frozenset[Through] = frozenset()
    contents: Sequence[Imagined] = ()

    @property
    def nothing(self) -> bool:
        """True when all stays as it is."""
        return not (self.add or self.remove or self.allow or self.contents)


@dataclass(frozen=True, slots=True)
class Outlook:
    """What would come: `fits` best first, `out`: content → why it is not among them (barred,
    had_it, hidden, no_tag). `blocked`: why nothing at all is suggested ("": nothing stops it)."""

    fits: Sequence[Scored]
    out: Mapping[int, str]
    verdicts: Mapping[Through, Verdict]
    blocked: str
    titles: Mapping[int, str]
    notices: frozenset[int] = frozenset()

    @property
    def ids(self) -> list[int]:
        """Contents, the best fit first."""
        return [fit.piece.content_id for fit in self.fits]

    def place(self, content_id: int) -> int | None:
        """1 for the best fit."""
        ids = self.ids
        return ids.index(content_id) + 1 if content_id in ids else None

    @property
    def suggested(self) -> Sequence[Scored]:
        """What planning keeps of this physician."""
        first = notices_first(self.fits[:ALTERNATIVES], self.notices)
        if self.blocked == HELD:
            return [fit for fit in first if fit.piece.content_id in self.notices]
        return () if self.blocked else first


@dataclass(frozen=True, slots=True)
class Beside:
    """One content before and after."""

    content_id: int
    title: str
    before: Scored | None
    after: Scored | None
    place_before: int | None
    place_after: int | None
    why_before: str  # why it was not among the fits, "": it was
    why_after: str


@dataclass(frozen=True, slots=True)
class WhyNot:
    """The one rule by which a content is not suggested. `code`: unusable, blocked, held, barred,
    had_it, hidden, no_tag, notice (a safety notice goes first), postponed (what the rep wanted
    later goes first), outscored; first: it is what would be suggested. `text` is a rule's own
    sentence, of a `verdict` all that forbid it. `best`: what goes before it."""

    code: str
    text: str = ""
    place: int | None = None
    score: float | None = None
    best: Sequence[tuple[str, float]] = ()
    until: datetime | None = None
    verdict: Verdict | None = None


def situation(session: Session, one_id: str, now: datetime, rep: Rep | None = None) -> Situation:
    """As it is at `now`, for this rep or the nearest one. Raises NotFound for nobody."""
    person = identity.get_physician(session, one_id)
    rows = identity.identifiers_of(session, person.one_id)
    nearest = reps.rep_for(session, person.one_id)
    rep = rep or (reps.get_rep(session, nearest.rep_id) if nearest else None)
    contact = _contact(session, rep, rows)
    here, shape = basis(session, now), tagging.shape(session)
    library = {piece.content_id: piece.tags for piece in here.pieces}
    titles = content.titles(session, [piece.version_id for piece in here.pieces])
    known_fits = fits_of(session, [person.one_id], now)
    known_fits.look_at([person.one_id])
    past = history(session, rep.id if rep else 0, [person.one_id], now)
    known = standings(session, [person.one_id], Through.ACCOUNT, now)[person.one_id]
    follows = any(row.kind == Kind.OPENID for row in rows)
    return Situation(
        one_id=person.one_id, rep=rep, at=now, pieces=here.pieces,
        titles={piece.content_id: titles[piece.version_id] for piece in here.pieces},
        held=known_fits.interests[person.one_id],
        past=past.get(person.one_id, History()),
        ask=asker(session, rep, [contact], Through.REP, now) if rep and contact else None,
        contact=contact, account=account_facts(known, content_problem="", follows=follows),
        rules=consent.rules(session),
        parents={tag.id: tag.parent_id for tag in tagging.tags(session) if tag.parent_id},
        exclusive=shape.exclusive, response=here.response, moment=here.moment,
        barred=eligible.compiled(session, rep, library, [person.one_id], now).barred(
            person.one_id
        ),
        resting=bool(decide.resting(session, [person.one_id], local(now).date())),
        notices=content.safety_notices(session, now),
    )  # fmt: skip


def outlook(given: Situation, change: Change | None = None) -> Outlook:
    """What would be suggested. Pure."""
    change = change or Change()
    imagined = [
        Piece(-number, -number, one.tags, given.at)
        for number, one in enumerate(change.contents, start=1)
    ]
    pieces = [*given.pieces, *imagined]
    titles = dict(given.titles) | {
        -number: one.title for number, one in enumerate(change.contents, start=1)
    }
    closed = given.past.closed(given.at)
    scorer = recommend.scorer(pieces, given.moment, given.parents, given.response)
    fits = scorer.best(
        held_with(given, change), len(pieces) or 1, seen=recommend.saturation(given.past.tags),
        without=closed.union(given.barred),
    )  # fmt: skip
    there = {fit.piece.content_id for fit in fits}
    out = {
        piece.content_id: _out(given, piece.content_id, closed)
        for piece in pieces
        if piece.content_id not in there
    }
    verdicts = _verdicts(given, change.allow)
    return Outlook(fits, out, verdicts, _blocked(given, verdicts[Through.REP]), titles,
                   given.notices)  # fmt: skip


def held_with(given: Situation, change: Change) -> dict[int, float]:
    """The physician's tags after the change; of tags that exclude each other the added one stays.
    Pure."""
    held = {tag: weight for tag, weight in given.held.items() if tag not in change.remove}
    for tag, weight in change.add.items():
        category = given.exclusive.get(tag)
        if category is not None:
            held = {t: w for t, w in held.items() if given.exclusive.get(t) != category or t < 0}
        held[tag] = max(weight, held.get(tag, 0.0))
    return held


def beside(before: Outlook, after: Outlook, limit: int, always: Sequence[int] = ()) -> list[Beside]:
    """The best of both and what is imagined, in the order after the change. `always`: contents
    that are there as well. Pure."""
    imagined = [content_id for content_id in after.titles if content_id < 0]
    ids = dict.fromkeys([*after.ids[:limit], *before.ids[:limit], *imagined, *always])
    one = {fit.piece.content_id: fit for fit in before.fits}
    other = {fit.piece.content_id: fit for fit in after.fits}
    found = [
        Beside(
            n, after.titles.get(n, ""), one.get(n), other.get(n), before.place(n), after.place(n),
            before.out.get(n, ""), after.out.get(n, ""),
        )
        for n in ids
    ]  # fmt: skip
    return sorted(found, key=lambda row: (row.place_after or len(after.fits) + 1, row.content_id))


def asked_version(session: Session, content_id: int, at: datetime) -> ContentVersion:
    """The version that a question about a content means: the approved one of that moment, before
    later ones and newer drafts. Raises NotFound."""
    versions = content.versions_of(session, content_id)
    if not versions:
        raise NotFound("没有这份内容。")
    approved = [v for v in versions if v.stage == Stage.APPROVED]
    approved.sort(key=lambda v: v.valid_from or at)
    begun = [v for v in approved if v.valid_from and v.valid_from <= at]
    return [*begun[-1:], *approved, *versions][0]


def why_not(given: Situation, seen: Outlook, version: ContentVersion, problem: str) -> WhyNot:
    """Why this content is not suggested: the first rule that stops it. `problem`: of the version
    itself. Pure."""
    content_id = version.content_id
    if problem:
        return WhyNot("unusable", problem)
    if seen.blocked and not (seen.blocked == HELD and content_id in given.notices):
        verdict = seen.verdicts[Through.REP]
        if seen.blocked == "suggested_lately":
            return WhyNot("suggested_lately", until=given.past.paused_until)
        if seen.blocked == HELD:
            return WhyNot(HELD)
        return _forbidden("blocked", verdict)
    if content_id in given.barred:
        return _forbidden("barred", Verdict(given.barred[content_id]))
    if content_id in seen.out:
        return WhyNot(seen.out[content_id], until=given.past.hidden.get(content_id))
    place = seen.place(content_id)
    if place is None:  # another version of it is what may be used
        return WhyNot("unusable")
    first = _as_planned(given, seen)
    best = [(seen.titles[fit.piece.content_id], fit.score) for fit in first]
    ids = [fit.piece.content_id for fit in first]
    code = "outscored"
    if content_id == ids[0]:
        code = "first"
    elif ids[0] in given.notices and content_id not in given.notices:
        code = "notice"
    elif ids[0] in given.past.later and content_id not in given.past.later:
        code = "postponed"
    return WhyNot(code, place=place, score=seen.fits[place - 1].score, best=best)


def _as_planned(given: Situation, seen: Outlook) -> list[Scored]:
    """What planning keeps, in its order: before the score, what the rep wanted later."""
    later = given.past.later
    more = [fit for fit in seen.fits[ALTERNATIVES:] if fit.piece.content_id in later]
    kept = notices_first([*seen.fits[:ALTERNATIVES], *more], given.notices)
    return sorted(kept, key=lambda fit: fit.piece.content_id not in later)


def _forbidden(code: str, verdict: Verdict) -> WhyNot:
    return WhyNot(code, verdict.whole, until=verdict.allowed_again_at, verdict=verdict)


def _verdicts(given: Situation, allow: frozenset[Through]) -> dict[Through, Verdict]:
    account = given.account
    if Through.ACCOUNT in allow:
        account = replace(account, permitted=True, opted_out=False)
    found = {Through.ACCOUNT: consent.may_contact(account, given.rules, given.at)}
    if given.ask is None or given.contact is None:
        return found | {Through.REP: Verdict((NO_REP,))}
    ask = given.ask
    if Through.REP in allow:
        known = {
            one_id: replace(standing, permitted=True, opted_out=False)
            for one_id, standing in ask.known.items()
        }
        ask = replace(ask, known=known)
    return found | {Through.REP: ask.verdict(given.contact, given.at)}


def _contact(session: Session, rep: Rep | None, rows: Sequence[Identifier]) -> Identifier | None:
    """Through which of the identifiers the rep reaches the physician."""
    if rep is None:
        return None
    known = {row.id: row for row in rows}
    chosen = select(RepContact.identifier_id).where(
        RepContact.rep_id == rep.id, RepContact.identifier_id.in_(list(known))
    )
    best = RepContact.state != RelationState.CONNECTED
    found = session.scalar(chosen.order_by(best, RepContact.id).limit(1))
    return None if found is None else known[found]


def _blocked(given: Situation, verdict: Verdict) -> str:
    if not verdict.allowed:
        return verdict.code
    paused = given.past.paused_until
    if paused is not None and paused > given.at:
        return "suggested_lately"
    return HELD if given.resting else ""


def _out(given: Situation, content_id: int, closed: set[int]) -> str:
    if content_id in given.barred:
        return "barred"
    if content_id in given.past.sent:
        return "had_it"
    return "hidden" if content_id in closed else "no_tag"
