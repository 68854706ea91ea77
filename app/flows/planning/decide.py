"""What goes into each slot of a daily plan: a drawn content, or, by a coin, nothing.

The plan says which physicians have a slot. That does not depend on what is drawn here, and a
content of which the list has enough is no option any more, so the chances that are logged are
exact; a physician who has no other option gets nothing today. A physician for whom a fortnight
begins is held out by a coin: then no daily plan has the physician for 14 days; pushes go on, also
those that go as suggestions. Whoever was not held out is not asked again in the same fortnight.
Nobody whom any rep has postponed is held out: the coin of one rep must not take away what another
asked for.

A safety notice or a recall is left to no chance: who has one among the best has no other candidate
(`candidates.notices_first`), held out or not; where the plan chose it, it goes as chosen, and
nobody else draws it.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Container, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import date, datetime, timedelta
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import content, recommend
from app.flows.allowed.history import LATER_DAYS
from app.flows.planning.attention import Ledger
from app.flows.planning.candidates import Considered
from app.identity import Identifier
from app.recommend import Candidate, Scored, State, Suggestion, explore
from app.recommend.day.plan import Alike, repeating
from app.recommend.policy import drawing, policies
from app.recommend.policy.drawing import Deviations
from app.recommend.policy.explore import Draws
from app.recommend.policy.lift import WINDOW, WINDOW_DAYS, alone
from app.recommend.policy.policy_models import Decision, DecisionKind, Policy
from app.reps import RelationState, Rep, RepContact

CHUNK = 1000
HELD, USED_UP = "held", "used_up"  # codes of an empty slot
Deviating = Callable[[Mapping[int, float], Sequence[Scored]], Deviations]  # interests, options


@dataclass(slots=True)
class Decided:
    """The slots of one list that are shown, all decisions, and who gets nothing, and why."""

    policy: Policy
    shown: list[Candidate[str]] = field(default_factory=list)
    rows: list[Decision] = field(default_factory=list)
    empty: dict[str, str] = field(default_factory=dict)  # whose slot stays empty → the code


@dataclass(frozen=True, slots=True)
class Slots:
    """One list before anything is drawn: `room` is its limit, no coin is tossed for `spared`."""

    rep: Rep
    day: date
    room: int
    policy: Policy
    spared: frozenset[str]
    holdout: float  # 0: nobody is held out
    seed: str
    deviate: Deviating
    ledger: Ledger
    notices: frozenset[int]
    alike: Alike = field(default_factory=lambda: Alike({}))  # to what was decided before

    def mean(self, person: str, fit: Scored) -> float:
        """What the draw goes by, as the plan: the score less what its brand pays and what it
        repeats. As it is written down, so whoever reads the log gets the same chances."""
        return round(self.ledger.worth(person, fit) - repeating(fit, self.alike), 4)

    def is_given(self, candidate: Candidate[str]) -> bool:
        """Whether chance has no say: the rep asked for it again, or it is a safety notice."""
        return candidate.bonus > 0 or candidate.fit.piece.content_id in self.notices


def decide(
    session: Session,
    rep: Rep,
    chosen: Sequence[Candidate[str]],
    considered: Considered,
    day: date,
    now: datetime,
    *,
    room: int,
    reading: bool = False,
) -> Decided:
    """Draw and toss for each slot; nothing is written yet, but, unless only `reading`, the first
    policy."""
    usual = (policies.current if reading else policies.ensure)(session, now)
    policy = policies.of_rep((usual, policies.on_trial(session)), rep.id)
    people = [candidate.person for candidate in chosen]
    share = policy.holdout if _are_enough(session, policy.holdout_from) else 0.0
    spared = in_window(session, people, day) | _postponed(session, people, now) if share else set()
    options = {person: considered.options.get(person, ()) for person in people}
    slots = Slots(
        rep, day, room, policy, frozenset(spared), share, *_night(session, day),
        Ledger.of_options(session, options, now), content.safety_notices(session, now),
    )  # fmt: skip
    decided = Decided(policy)
    used = Counter(one.fit.piece.content_id for one in chosen if slots.is_given(one))
    for position, candidate in enumerate(chosen, start=1):
        slot = _slot(slots, position, candidate, considered, used, now)
        if slot is None:
            decided.empty[candidate.person] = USED_UP
            continue
        row, fit = slot
        decided.rows.append(row)
        slots.alike.add(fit.piece)
        if row.held:
            decided.empty[candidate.person] = HELD
            continue
        used[row.content_id] += not slots.is_given(candidate)
        drawn = slots.ledger.pays(replace(candidate, fit=fit))
        decided.shown.append(candidate if slots.is_given(candidate) else drawn)
    return decided


def keep(session: Session, decided: Decided, made: Sequence[Suggestion]) -> None:
    """Write the decisions down, with the suggestions that came of them, in their order."""
    shown = [row for row in decided.rows if not row.held]
    for row, suggestion in zip(shown, made, strict=True):
        row.suggestion_id = suggestion.id
    session.add_all(decided.rows)
    session.flush()


def in_window(session: Session, people: Iterable[str], day: date) -> set[str]:
    """For whom a fortnight was begun that is not over, held out or not."""
    return {row.one_id for row in _begun(session, people, day, WINDOW_DAYS)}


def resting(session: Session, people: Iterable[str], day: date) -> dict[str, date]:
    """Who is held out on this day, up to and with which day: no daily plan has them."""
    begun = _begun(session, people, day, 2 * WINDOW_DAYS)
    return {
        row.one_id: row.day + WINDOW - timedelta(days=1)
        for row in alone(begun)
        if row.held and row.day + WINDOW > day
    }


def leave_out(
    session: Session, considered: Considered, resting: Container[str], now: datetime
) -> None:
    """Nobody who is held out is suggested, but for safety notices; whoever had no chance anyway
    keeps their own reason."""
    out = {c.person for c in considered.candidates if c.person in resting}
    considered.candidates = left(session, considered.candidates, resting, now)
    out -= {c.person for c in considered.candidates}
    considered.left_out += Counter({HELD: len(out)})
    considered.why |= dict.fromkeys(out, HELD)


def left(
    session: Session, candidates: Sequence[Candidate[str]], resting: Container[str], now: datetime
) -> list[Candidate[str]]:
    """Without those who are held out; but who has a safety notice keeps it, as everybody does."""
    notices = content.safety_notices(session, now)
    return [
        c for c in candidates
        if c.person not in resting or c.fit.piece.content_id in notices
    ]  # fmt: skip


def _postponed(session: Session, people: Iterable[str], now: datetime) -> set[str]:
    """Whom any rep wants later, or lately wanted for these days."""
    return set(
        session.scalars(
            select(Identifier.one_id)
            .join(Suggestion, Suggestion.identifier_id == Identifier.id)
            .where(Identifier.one_id.in_(sorted(people)), Suggestion.state == State.LATER)
            .where(Suggestion.hidden_until > now - timedelta(days=LATER_DAYS))
        )
    )


def _begun(session: Session, people: Iterable[str], day: date, days: int) -> Iterator[Any]:
    """(ONE ID, day, held) of each fortnight begun in so many days up to this one, in order."""
    asked = sorted(people)
    for start in range(0, len(asked), CHUNK):
        yield from session.execute(
            select(Identifier.one_id, Decision.day, Decision.held)
            .join(Decision, Decision.identifier_id == Identifier.id)
            .where(Identifier.one_id.in_(asked[start : start + CHUNK]), Decision.holdout > 0)
            .where(Decision.day > day - timedelta(days=days), Decision.day <= day)
            .order_by(Decision.day, Decision.id)
        )


def _slot(
    slots: Slots,
    position: int,
    candidate: Candidate[str],
    considered: Considered,
    used: Counter[int],
    now: datetime,
) -> tuple[Decision, Scored] | None:
    """What is decided; None when the list has enough of all that the physician could get."""
    identifier = considered.contacts[candidate.person]
    key = f"{slots.policy.version}:{slots.day}:{slots.rep.id}:{identifier.id}"
    most = drawing.most_of_one(slots.room)
    options = [
        fit
        for fit in considered.options.get(candidate.person, ())
        if used[fit.piece.content_id] < most and fit.piece.content_id not in slots.notices
    ]
    if not options and not slots.is_given(candidate):
        return None
    options.sort(key=lambda fit: (-slots.mean(candidate.person, fit), fit.piece.content_id))
    interests = considered.interests.get(candidate.person, {})
    kind, fit, options, chances, stored = _content(slots, candidate, options, interests, key)
    may_toss = not slots.is_given(candidate) and candidate.person not in slots.spared
    tossed = slots.holdout if may_toss else 0.0
    ids = [one.piece.content_id for one in options]
    row = Decision(
        key=key, seed=slots.seed if stored else "", policy_id=slots.policy.id,
        rep_id=slots.rep.id, identifier_id=identifier.id, day=slots.day, position=position,
        kind=kind, content_id=fit.piece.content_id, content_version_id=fit.piece.version_id,
        chance=chances[ids.index(fit.piece.content_id)], eligible=len(ids),
        eligible_hash=drawing.fingerprint(ids),
        options=[
            [content, round(chance, 6), slots.mean(candidate.person, one)]
            for content, chance, one in zip(ids, chances, options, strict=True)
        ],
        deviations=stored, held=drawing.unit(f"hold:{key}") < tossed, holdout=tossed,
        created_at=now,
    )  # fmt: skip
    return row, fit


def _content(
    slots: Slots,
    candidate: Candidate[str],
    options: list[Scored],
    interests: Mapping[int, float],
    key: str,
) -> tuple[DecisionKind, Scored, list[Scored], list[float], bytes | None]:
    """How it was chosen, what, and of what with which chances. A policy that draws nothing takes
    the best of the same options."""
    if slots.is_given(candidate):
        kind = DecisionKind.ASKED if candidate.bonus else DecisionKind.SAFETY
        return kind, candidate.fit, [candidate.fit], [1.0], None
    knobs = policies.knobs(slots.policy)
    stored = drawing.pack(slots.deviate(interests, options)) if len(options) > 1 else None
    means = [slots.mean(candidate.person, one) for one in options]
    chances = drawing.chances(means, drawing.unpack(stored), knobs)
    kind = DecisionKind.EXACT if knobs.explores else DecisionKind.GREEDY
    return kind, options[explore.pick(chances, key)], options, chances, stored


def _are_enough(session: Session, least: int) -> bool:
    """Whether so many physicians are connected; looks at few more relations than it must."""
    if least <= 0:
        return True
    connected = select(RepContact.identifier_id).where(RepContact.state == RelationState.CONNECTED)
    most = least
    while True:
        most *= 4
        some = connected.limit(most).subquery()
        relations, people = session.execute(
            select(func.count(), func.count(Identifier.one_id.distinct())).join(
                some, some.c.identifier_id == Identifier.id
            )
        ).one()
        if people >= least or relations < most:
            return bool(people >= least)


def _night(session: Session, day: date) -> tuple[str, Deviating]:
    """The day's samples of what was learned, and the seed that gives them again."""
    seed = day.isoformat()
    known: dict[str, Draws] = session.info.setdefault("nights", {})
    if seed not in known:
        known[seed] = explore.draws(recommend.current(session), 1.0, seed)
    return seed, known[seed].deviations
