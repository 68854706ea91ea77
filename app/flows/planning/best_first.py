"""The physicians of reps who are planned together, looked at best first and only as far as needed.

Of everybody whose row a night has written (`fits.py`) it is known without a question how much a
suggestion can be worth at most: permission, history, and what a brand pays only take away. So the
best are asked about first, in blocks, and when what was found is better than the best of the rest
can be, nobody else is asked about. The plan is the same as if everybody had been
(`tests/recommend/test_together.py`).

A physician is looked at for all reps of the plan at once: what a brand pays goes by all brands
that want the physician today.
"""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime

from sqlalchemy.orm import Session

from app import recommend, reps
from app.flows.allowed.content_terms import compiled
from app.flows.allowed.history import postponed
from app.flows.fitting.fits import fits_of
from app.flows.planning import attention, decide
from app.flows.planning.candidates import LATER_BONUS, Considered, contacts_of, look, read
from app.infra import workdays
from app.recommend import Candidate, Ranked, Together, Wish
from app.recommend.day.attention import SHARE
from app.recommend.day.plan import OTHER_REP
from app.reps import Rep

OUTRANKED = "outranked"  # more fitting physicians take the places of the day
UNASKED = "unasked"  # the same, but nobody has asked whether anything else is against it
LAST = -1e9  # whom nothing fits: asked last, so that a day which stays short can say why
BLOCK, SPARE_DAYS = 40, 2  # physicians of a look; the first takes so many days more than it must


@dataclass(frozen=True, slots=True)
class Part:
    """One rep's part in a common plan."""

    rep: Rep
    considered: Considered
    room: int


class BestFirst:
    """Candidates of these reps, found as they are asked for."""

    def __init__(
        self, session: Session, rooms: Sequence[tuple[Rep, int]], day: date, now: datetime
    ) -> None:
        self._session, self._now = session, now
        self._day, self._days = day, workdays.left_in_week(day)
        self.parts = {
            rep.id: Part(rep, contacts_of(session, rep) if rep.active else Considered(), room)
            for rep, room in rooms
        }
        everybody = {one for part in self.parts.values() for one in part.considered.contacts}
        self._fits = fits_of(session, sorted(everybody), now)
        self._looked: set[str] = set()
        self._found: dict[int, list[Candidate[str]]] = {one: [] for one in self.parts}
        self._order = {one: self._bounds(part) for one, part in self.parts.items()}
        self._place = dict.fromkeys(self.parts, 0)
        self._left = self._wanted_too_often()

    def plan(self, without: Collection[str] = ()) -> Together[str]:
        """The best day for all of these reps, without physicians whom other plans have taken."""
        wishes = [
            Wish(one, part.room, self.ranked(one, without)) for one, part in self.parts.items()
        ]
        result = recommend.together(wishes, self._reserve(wishes))
        for one, lost in result.lost.items():
            taken = {c.person for c in self._found[one]}.intersection(without)
            lost.update(dict.fromkeys(taken, OTHER_REP))
        return result

    def ranked(self, rep_id: int, without: Collection[str] = ()) -> Ranked[str]:
        """One rep's candidates, best first, found as far as somebody asks."""
        return Ranked(source=_View(self, rep_id, without))

    def leave_out(self, resting: Collection[str]) -> None:
        """These have been held out since they were looked at."""
        self._found = self._priced(self._found, resting)

    def unasked(self, rep_id: int) -> int:
        """How many of the rep's physicians nobody has looked at."""
        return len(self.parts[rep_id].considered.contacts.keys() - self._looked)

    def found(self, rep_id: int) -> Sequence[Candidate[str]]:
        """What was found for a rep until now, in the order of finding; it grows."""
        return self._found[rep_id]

    def bound(self, rep_id: int) -> float:
        """No candidate of this rep that is still to be found is worth more."""
        return next((bound for bound, _ in self._rest(rep_id)), -math.inf)

    def look(self, rep_id: int, most: float = 0) -> None:
        """Find more: at first some of everybody's, and what the days with a price take of them;
        then a block, and at least `most`, of the rep's; and all whose worth is not known."""
        block = set[str]()
        for one in [rep_id] if self._looked else self.parts:
            days = self._days if self._left else 1  # whose demand has a price
            number = (
                BLOCK if self._looked else max(BLOCK, (days + SPARE_DAYS) * self.parts[one].room)
            )
            for at, (bound, one_id) in enumerate(self._rest(one)):
                if at >= max(number, most) and bound < math.inf:
                    break
                block.add(one_id)
        self._looked.update(block)
        mine = {
            one: sorted(block.intersection(part.considered.contacts))
            for one, part in self.parts.items()
        }
        contacts = {
            self.parts[one].considered.contacts[who] for one, some in mine.items() for who in some
        }
        known = read(self._session, contacts, self._now)
        new: dict[int, list[Candidate[str]]] = {}
        for one, some in mine.items():
            rep, considered = self.parts[one].rep, self.parts[one].considered
            before = len(considered.candidates)
            if some:
                look(self._session, rep, considered, some, self._now, known)
            new[one] = considered.candidates[before:]
        self._take_in(new)

    def _wanted_too_often(self) -> dict[str, int]:
        """The contacts that the cap leaves with physicians of several reps, when that is too few
        for any of them. Otherwise attention has no price before anybody bids."""
        reps = Counter(one for part in self.parts.values() for one in part.considered.contacts)
        shared = sorted(one for one, times in reps.items() if times > 1)
        left = attention.left(self._session, shared, self._now)
        return left if any(reps[one] > max(1, left[one]) for one in shared) else {}

    def _reserve(self, wishes: Sequence[Wish[str]]) -> dict[str, float]:
        return recommend.reserve_prices(wishes, self._left, self._days) if self._left else {}

    def _take_in(self, new: Mapping[int, Sequence[Candidate[str]]]) -> None:
        """Those whom a look has found."""
        people = {c.person for some in new.values() for c in some}
        resting = decide.resting(self._session, people, self._day)
        for one, some in self._priced(new, resting).items():
            self._found[one] += some

    def _priced(
        self, found: Mapping[int, Sequence[Candidate[str]]], resting: Collection[str]
    ) -> dict[int, list[Candidate[str]]]:
        """Each with what its brand pays to those that may have the physician, too."""
        left = {
            one: decide.left(self._session, some, resting, self._now) for one, some in found.items()
        }
        for one in left:
            decide.leave_out(self._session, self.parts[one].considered, resting, self._now)
        everybody = [c for some in left.values() for c in some]
        ledger = attention.Ledger.of(self._session, everybody, self._now)
        return {one: ledger.priced(some) for one, some in left.items()}

    def _rest(self, rep_id: int) -> Iterator[tuple[float, str]]:
        """Whom nobody has looked at, best first."""
        order, place = self._order[rep_id], self._place[rep_id]
        while place < len(order) and order[place][1] in self._looked:
            place += 1
        self._place[rep_id] = place
        return (one for one in order[place:] if one[1] not in self._looked)

    def _bounds(self, part: Part) -> list[tuple[float, str]]:
        """The part's physicians with how much a suggestion can be worth at most, best first."""
        part.considered.fits = self._fits
        later = postponed(self._session, part.rep.id, self._now)
        brands = reps.brands_of(self._session, part.rep.id)
        others = compiled(self._session, brands).out_of_scope()
        found = []
        for one_id in part.considered.contacts:
            score = self._fits.bound(one_id, others)
            most = score if score > 0 else score * (1 - SHARE)  # a fee is a share of the score
            if one_id in later:  # what was wanted later need not fit
                most = max(most, 0.0) + LATER_BONUS
            found.append((max(most, LAST), one_id))
        return sorted(found, key=lambda one: (-one[0], one[1]))


@dataclass(slots=True)
class _View:
    """One rep's candidates as they are found, without some physicians."""

    all: BestFirst
    rep_id: int
    without: Collection[str]
    taken: int = 0

    def bound(self) -> float:
        more = self.taken < len(self.all.found(self.rep_id))
        return math.inf if more else self.all.bound(self.rep_id)

    def further(self) -> Sequence[Candidate[str]]:
        found = self.all.found(self.rep_id)
        if self.taken == len(found):
            self.all.look(self.rep_id)
        new = found[self.taken :]
        self.taken = len(found)
        return [c for c in new if c.person not in self.without]
