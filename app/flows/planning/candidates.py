"""Which of a rep's physicians could get what today, and why the others are left out."""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Container, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime

from sqlalchemy.orm import Session

from app import content, recommend, reps, tagging
from app.consent import Through, Verdict
from app.content import Usable
from app.flows.allowed import eligible
from app.flows.allowed.eligible import Why
from app.flows.allowed.history import History, Past, past_of
from app.flows.allowed.permission import (
    Relations,
    Standing,
    asker_who_knows,
    relations_of,
    standings,
)
from app.flows.fitting.best_content import piece_of
from app.flows.fitting.fits import Asked, Fits, fits_of
from app.flows.fitting.scoring import interests_of, scorer_of
from app.recommend import Candidate, Scored
from app.recommend.day.eligibility import Whom
from app.reps import Met, Rep
from app.tagging import Weight

LATER_BONUS = 1.0
ALTERNATIVES = 3  # fitting contents per physician that the plan chooses from
OPTIONS = 10  # that chance may draw from for whoever was chosen, see `decide`


@dataclass(slots=True)
class Considered:
    """What planning looked at: candidates, and why the others were left out."""

    candidates: list[Candidate[str]] = field(default_factory=list)
    options: dict[str, Sequence[Scored]] = field(default_factory=dict)  # best first, see `look_at`
    left_out: Counter[str] = field(default_factory=Counter)
    why: dict[str, str] = field(default_factory=dict)  # who is left out → the reason's code
    contacts: dict[str, Met] = field(default_factory=dict)
    verdicts: dict[str, Verdict] = field(default_factory=dict)
    weights: Mapping[str, Mapping[int, Weight]] = field(default_factory=dict)
    interests: Mapping[str, Mapping[int, float]] = field(default_factory=dict)
    fits: Fits | None = None  # None: a campaign's content, scored with all its parts
    asked: dict[str, Asked] = field(default_factory=dict)
    closely: set[str] = field(default_factory=set)  # see `look_at`

    def leave(self, one_id: str, code: str) -> None:
        """This physician gets nothing, for this reason."""
        self.left_out[code] += 1
        self.why[one_id] = code

    def look_at(self, one_ids: Sequence[str]) -> None:
        """Read the tags and interests of these, and give them OPTIONS instead of ALTERNATIVES: for
        so many the rows of a night are too short, so only few are asked for them."""
        if self.fits is None:
            return
        new = {one: self.asked[one] for one in one_ids if one not in self.closely}
        self.closely.update(new)
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
    found = contacts_of(session, rep, wanted)
    everybody = sorted(found.contacts)
    if only is None:
        found.fits = fits_of(session, everybody, now)
    known = read(session, found.contacts.values(), now, through=through, campaign_id=campaign_id)
    look(session, rep, found, everybody, now, known, only=only, through=through)
    return found


def contacts_of(session: Session, rep: Rep, wanted: set[str] | None = None) -> Considered:
    """The rep's contacts, or those of them who are `wanted`; nobody is looked at yet."""
    found = Considered()
    for met in reps.people_of(session, rep.id):
        if wanted is None or met.one_id in wanted:
            found.contacts.setdefault(met.one_id, met)
    return found


@dataclass(frozen=True, slots=True)
class Read:
    """What is the same for all reps who ask about these physicians, so that it is read once."""

    standings: Mapping[str, Standing]
    relations: Relations
    past: Past
    whom: Mapping[str, Whom]


def read(
    session: Session,
    contacts: Collection[Met],
    now: datetime,
    *,
    through: Through = Through.REP,
    campaign_id: int | None = None,
) -> Read:
    """About these contacts of whichever reps."""
    people = sorted({met.one_id for met in contacts})
    return Read(
        standings(session, people, through, now, campaign_id=campaign_id),
        relations_of(session, sorted({met.id for met in contacts})),
        past_of(session, people, now),
        eligible.whom(session, people),
    )


def look(
    session: Session,
    rep: Rep,
    found: Considered,
    one_ids: Sequence[str],
    now: datetime,
    known: Read,
    *,
    only: Sequence[Usable] | None = None,
    through: Through = Through.REP,
) -> None:
    """Add what these contacts could get, or why they get nothing; each is looked at once."""
    rows = [found.contacts[one_id] for one_id in one_ids]
    ask = asker_who_knows(session, rep, rows, through, now, known.standings, known.relations)
    library = _library(found, only)
    chosen = {one_id: known.standings[one_id].own for one_id in one_ids}
    may_get = eligible.compiled(session, rep, library, one_ids, now, known.whom, chosen)
    pasts: dict[str, History] = {}
    barred: dict[str, Why] = {}
    for one_id, row in zip(one_ids, rows, strict=True):
        verdict = found.verdicts[one_id] = ask.verdict(row, now)
        past = pasts[one_id] = known.past.seen_by(rep.id, one_id, now)
        if against := _against(verdict, one_id in may_get.held, past, now):
            found.leave(one_id, against)
            continue
        barred[one_id] = may_get.barred(one_id)
        without = past.closed(now).union(barred[one_id])
        found.asked[one_id] = Asked(recommend.saturation(past.tags), without)
    notices = content.safety_notices(session, now) if only is None else frozenset[int]()
    for one_id, best in _best(session, found, list(barred), only, now).items():
        later = pasts[one_id].later
        fits = best if only is not None else _with_later(found, one_id, best, later)
        if not fits:
            found.leave(
                one_id, _nothing(found, one_id, library, pasts[one_id], barred[one_id], now)
            )
            continue
        found.options[one_id] = fits
        found.candidates += [
            Candidate(one_id, one_id, fit, LATER_BONUS if fit.piece.content_id in later else 0.0)
            for fit in notices_first(fits, notices)
        ]


def notices_first(fits: Sequence[Scored], notices: Container[int]) -> Sequence[Scored]:
    """Of a physician's best contents those that a plan may choose: only the safety notices where
    there are any, whether the physician is held out or not. Pure."""
    return [fit for fit in fits if fit.piece.content_id in notices] or fits


def _best(
    session: Session,
    found: Considered,
    one_ids: Sequence[str],
    only: Sequence[Usable] | None,
    now: datetime,
) -> dict[str, list[Scored]]:
    """Of a campaign's contents; of the whole library so few that the rows of a night can say it."""
    if only is not None:
        return _of_these(session, found, one_ids, only, now)
    assert found.fits is not None
    return found.fits.best({one_id: found.asked[one_id] for one_id in one_ids}, ALTERNATIVES)


def _with_later(
    found: Considered, one_id: str, best: Sequence[Scored], later: set[int]
) -> Sequence[Scored]:
    """Also what the rep wanted later and is none of the best: chance or a push had chosen it."""
    assert found.fits is not None
    asked = found.asked[one_id]
    wanted = later - {fit.piece.content_id for fit in best}
    if not wanted:  # as of nearly everybody
        return best
    pieces = {
        piece.content_id: piece
        for piece in found.fits.basis.pieces
        if piece.content_id in wanted and piece.content_id not in asked.without
    }
    if not pieces:
        return best
    others = {piece.content_id for piece in found.fits.basis.pieces} - pieces.keys()
    fits = found.fits.best({one_id: Asked(asked.seen, others)}, len(pieces))[one_id]
    rest = pieces.keys() - {fit.piece.content_id for fit in fits}
    return [*best, *fits, *(Scored(pieces[one], 0.0) for one in sorted(rest))]


def _library(found: Considered, only: Sequence[Usable] | None) -> dict[int, Mapping[int, float]]:
    """What is chosen from, content → its tags."""
    if only is not None:
        return {usable.version.content_id: usable.tags for usable in only}
    assert found.fits is not None, "read before anybody is looked at"
    return {piece.content_id: piece.tags for piece in found.fits.basis.pieces}


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
    if found.fits is not None:
        return "no_content"
    return "had_it_already" if library.keys() <= past.sent else "passed_over"


def _of_these(
    session: Session,
    found: Considered,
    one_ids: Sequence[str],
    only: Sequence[Usable],
    now: datetime,
) -> dict[str, list[Scored]]:
    """Of a campaign's contents, also for whom no own tag speaks for them."""
    pieces = [piece_of(usable) for usable in only]
    scorer, response = scorer_of(session, pieces, now)
    found.weights = tagging.weights(session, one_ids, now)
    interests = found.interests = interests_of(session, found.weights, response, now)
    best = {}
    for one_id in one_ids:
        asked = found.asked[one_id]
        fits = scorer.best(interests[one_id], ALTERNATIVES, seen=asked.seen, without=asked.without)
        rest = [Scored(piece, 0.0) for piece in pieces if piece.content_id not in asked.without]
        best[one_id] = fits or rest
    return best
