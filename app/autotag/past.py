"""What a rule would have done in the past, and whether it would have been right. Pure.

Each physician is looked at as of the end of each week, with what was known by then. Whether a tag
foretells anything is measured by what happened in the 30 days after the week in which the rule
held for the first time: did they open content with this tag (of a tag that no content has: any
content)? The others are those for whom it never held, as of one week each that a hash chooses; of
rules that give many tags, each tag's others weigh as much as its carriers. The interval of the
difference is Newcombe's, from two Wilson intervals.
"""

from __future__ import annotations

import hashlib
import math
from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any, NamedTuple

from app.autotag import deeds
from app.autotag.deeds import Act, Journey, Step
from app.autotag.rules import Meaning, Rule, holds

FOLLOWED_DAYS = 30
SAMPLE = 8
Z = 1.96  # 95 %


class Tagged(NamedTuple):
    """The rule would have given somebody this tag, at first as of this day."""

    tag_id: int
    first: int


@dataclass(slots=True)
class Past:
    """Adds up physicians one by one. `weeks`: days, oldest first; `about`: tags of contents."""

    rule: Rule
    meaning: Meaning
    weeks: Sequence[int]
    about: Collection[int]
    seed: str = ""
    looked: int = 0
    people: Counter[int] = field(default_factory=Counter)  # by tag
    tagged: int = 0
    now: int = 0
    by_week: Counter[int] = field(default_factory=Counter)
    also: Counter[int] = field(default_factory=Counter)
    against: Counter[int] = field(default_factory=Counter)
    sample: list[tuple[str, str]] = field(default_factory=list)
    _then: Counter[int] = field(default_factory=Counter)  # carriers who can be followed, by tag
    _did: Counter[int] = field(default_factory=Counter)
    _others: Counter[int] = field(default_factory=Counter)
    _others_did: Counter[int] = field(default_factory=Counter)
    _others_people: int = 0

    def add(self, one_id: str, steps: Sequence[Step]) -> list[Tagged]:
        """One more physician; what the rule would have given."""
        if not steps or not self.weeks:
            return []
        self.looked += 1
        first: dict[int, int] = {}
        for week in self.weeks:
            given = holds(self.rule, deeds.of(steps, week), week, self.meaning)
            self.by_week[week] += bool(given)
            for tag in given:
                first.setdefault(tag, week)
            if week == self.weeks[-1]:
                self.now += bool(given)
        journey = deeds.of(steps, self.weeks[-1])
        if first:
            self.tagged += 1
            self.people.update(first.keys())
            self._choose(one_id)
        self._follow(first, journey)
        self._compare(one_id, first, journey)
        return [Tagged(tag, week) for tag, week in first.items()]

    def result(self) -> dict[str, Any]:
        """All of it, for a page."""
        return {
            "looked": self.looked, "tagged": self.tagged, "now": self.now,
            "by_week": [self.by_week[week] for week in self.weeks],
            "from": self.weeks[0], "to": self.weeks[-1],
            "tags": [
                {"tag": tag, "people": number, "also": self.also[tag],
                 "against": self.against[tag]}
                for tag, number in self.people.most_common()
            ],
            "sample": [one_id for _, one_id in self.sample],
            "outcome": self._outcome(),
        }  # fmt: skip

    def _choose(self, one_id: str) -> None:
        """Some at random, always the same of the same people."""
        rank = hashlib.blake2b(f"{self.seed}:{one_id}".encode(), digest_size=8).hexdigest()
        self.sample = sorted([*self.sample, (rank, one_id)])[:SAMPLE]

    def _follow(self, first: Mapping[int, int], journey: Journey) -> None:
        for tag, week in first.items():
            if week + FOLLOWED_DAYS <= self.weeks[-1]:
                self._then[tag] += 1
                self._did[tag] += self._opens(tag, _opened(journey, week))

    def _compare(self, one_id: str, first: Mapping[int, int], journey: Journey) -> None:
        begun = min(of[0].day for of in journey.values() if of) if journey else None
        if begun is None:
            return
        fit = [w for w in self.weeks if begun <= w and w + FOLLOWED_DAYS <= self.weeks[-1]]
        if not fit:
            return
        week = fit[
            int.from_bytes(hashlib.blake2b(one_id.encode(), digest_size=4).digest()) % len(fit)
        ]
        seen = _opened(journey, week)
        tags = self.meaning.each if self.rule.each else {self.meaning.ids.get(self.rule.gives, 0)}
        others = [tag for tag in tags if tag not in first]
        self._others_people += bool(others)
        for tag in others:
            self._others[tag] += 1
            self._others_did[tag] += self._opens(tag, seen)

    def _opens(self, tag: int, seen: set[int]) -> bool:
        return tag in seen if tag in self.about else bool(seen)

    def _outcome(self) -> dict[str, Any]:
        """Shares of carriers and of others who then opened something, and the difference."""
        number = sum(self._then.values())
        known = [tag for tag in self._then if self._others[tag]]
        weight = sum(self._then[tag] for tag in known)
        told: dict[str, Any] = {
            "carriers": number, "others": self._others_people, "share": None, "others_share": None,
            "low": None, "high": None,
            "any_content": not any(tag in self.about for tag in self.people),
        }  # fmt: skip
        if number and weight:
            mine = sum(self._did.values()) / number
            theirs = sum(
                self._then[tag] * self._others_did[tag] / self._others[tag] for tag in known
            ) / weight  # fmt: skip
            low, high = difference(mine, number, theirs, self._others_people)
            told |= {"share": mine, "others_share": theirs, "low": low, "high": high}
        return told


def weeks_of(today: int, days: int) -> list[int]:
    """The last day of each week of the window, oldest first; the last one is today."""
    return sorted(range(today, today - days, -7))


def wilson(share: float, number: int) -> tuple[float, float]:
    """The 95 % interval of a share of so many."""
    if not number:
        return 0.0, 1.0
    z2 = Z * Z / number
    middle = (share + z2 / 2) / (1 + z2)
    half = Z / (1 + z2) * math.sqrt(share * (1 - share) / number + z2 / (4 * number))
    return max(0.0, middle - half), min(1.0, middle + half)


def difference(one: float, number: int, other: float, others: int) -> tuple[float, float]:
    """The 95 % interval of the difference of two shares."""
    low1, high1 = wilson(one, number)
    low2, high2 = wilson(other, others)
    gap = one - other
    return (
        gap - math.hypot(one - low1, high2 - other),
        gap + math.hypot(high1 - one, other - low2),
    )


def _opened(journey: Journey, week: int) -> set[int]:
    """Tags of what was opened in the days after this one; 0 stands for a content without any."""
    found: set[int] = set()
    for deed in reversed(journey.get(Act.OPENED, ())):
        if deed.day <= week:
            break
        if deed.day <= week + FOLLOWED_DAYS:
            found |= deed.about.tags or {0}
    return found
