"""Invented companies whose truth is known, for `benchmarks.explore`. Needs numpy.

Reps have eight cards a day, each for a physician who is given; what the physician gets is decided.
A content is never given to the same physician twice, new ones come all the time, and a rep may
only use the brands of its own: so what is chosen today changes what is left.

`fits`: answers follow tags as the scorer assumes. `off`: a fifth of the tags is missing or wrong,
tastes follow subjects that no tag names and drift, reps tire and look less at the end of their
list, answers come late, a fifth of the openings is never told, and a content may go out only four
times a week and rep. `tuning`: another mixture of these; only there settings may be chosen.
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

import numpy as np

from app.flows.fitting.scoring import Opened
from app.recommend import Piece, Scorer
from app.recommend.fit.table import table

WORLDS = ("fits", "off")
START = datetime(2026, 3, 2, 1, tzinfo=UTC)
DAY = timedelta(days=1)
REPS, CARDS, PHYSICIANS, CONTENTS, TAGS, BRANDS = 15, 8, 300, 90, 30, 3
WORTH = (0.4, 0.4, 0.2)  # accepted, and opened, and read


@dataclass(frozen=True, slots=True)
class Kind:
    """How far a world is from what the scorer assumes; 0: not at all."""

    wrong_tags: float = 0.0
    hidden: float = 0.0
    drift: float = 0.0
    tires: float = 0.0
    overlooks: float = 0.0
    late_days: float = 0.0
    untold: float = 0.0
    per_week: int = 10_000


KINDS = {
    "fits": Kind(),
    "off": Kind(0.2, 0.6, 1.0, 0.15, 0.08, 2.0, 0.2, 4),
    "tuning": Kind(0.1, 0.3, 0.5, 0.05, 0.04, 1.0, 0.1, 6),
}


@dataclass(slots=True)
class Given:
    """One card: what it was, and what will come of it. Days are from the first; None: never."""

    day: int
    rep: int
    physician: int
    content: int
    value: float  # expected, by the truth
    accepted: bool
    answered: int | None
    opened: int | None
    read: bool
    held: dict[int, float] = field(default_factory=dict)
    before: Sequence[Opened] = ()  # what was known to be opened


@dataclass
class World:
    """The truth, what of it is seen, and who is asked when; the same for every policy."""

    kind: Kind
    days: int
    pieces: list[Piece]  # with the tags that are seen
    held: list[dict[int, float]]
    born: Any
    may: Any  # reps × contents
    rep_of: Any
    asked: list[list[list[int]]]  # day → rep → physicians
    luck: Any  # days × reps × cards × 5
    utility: tuple[Any, Any]  # physicians × contents, at the first and at the last day
    person: Any
    patience: Any


@dataclass
class Run:
    """What happened under one policy so far."""

    world: World
    had: list[set[int]]
    opened: list[list[Opened]]
    tags: dict[int, Mapping[int, float]]  # of each content, as they are seen
    given: list[Given] = field(default_factory=list)
    this_week: Counter[tuple[int, int]] = field(default_factory=Counter)
    fresh: dict[int, list[Given]] = field(default_factory=lambda: defaultdict(list))

    @classmethod
    def of(cls, world: World) -> Run:
        """Nothing yet."""
        tags = {piece.version_id: piece.tags for piece in world.pieces}
        return cls(world, [set() for _ in world.held], [[] for _ in world.held], tags)

    def candidates(self, day: int, rep: int, physician: int) -> list[int]:
        """Contents that this physician may get from this rep today."""
        world, had, week = self.world, self.had[physician], self.this_week
        may = np.flatnonzero(world.may[rep] & (world.born <= day))
        most = world.kind.per_week
        return [int(c) for c in may if c not in had and week[rep, int(c)] < most]

    def values(self, day: int, rep: int, physician: int, card: int) -> Any:
        """Expected value of every content on this card, by the truth: contents × (accept, open,
        read), and their worth."""
        world, kind = self.world, self.world.kind
        share = kind.drift * day / world.days
        first, last = world.utility
        u = (1 - share) * first[physician] + share * last[physician]
        weary = np.array([self.this_week[rep, c] for c in range(len(world.pieces))])
        accept = _chance(-0.2 + 0.7 * u + world.patience[rep] - kind.tires * weary)
        accept = accept * (1 - kind.overlooks) ** card
        opens = _chance(-1.0 + u + world.person[physician])
        reads = _chance(0.3 + 0.5 * u)
        worth = accept * (WORTH[0] + opens * (WORTH[1] + WORTH[2] * reads))
        return np.stack([accept, opens, reads, worth])

    def give(self, day: int, rep: int, card: int, physician: int, content: int) -> None:
        """The card goes out; luck does not know by whose policy."""
        world, kind = self.world, self.world.kind
        accept, opens, reads, worth = self.values(day, rep, physician, card)[:, content]
        luck = world.luck[day, rep, card]
        late = -kind.late_days * np.log1p(-luck[3:])
        seen = luck[0] < (1 - kind.overlooks) ** card
        accepted = luck[0] < accept
        opened = accepted and luck[1] < opens
        sent = day + int(late[0] / 2)
        opened_on = sent + int(late[1]) if opened and luck[4] > kind.untold else None
        one = Given(
            day, rep, physician, content, float(worth), accepted, sent if seen else None,
            opened_on, bool(opened and luck[2] < reads), world.held[physician],
            tuple(self.opened[physician]),
        )  # fmt: skip
        self.given.append(one)
        self.had[physician].add(content)
        self.this_week[rep, content] += 1
        if opened_on is not None:
            self.fresh[opened_on].append(one)

    def night(self, day: int) -> None:
        """What was opened today is known from tomorrow on; a week ends after its fifth day."""
        for one in self.fresh.pop(day, ()):
            self.opened[one.physician].append(Opened(one.content, one.content, at(day + 0.5)))
        if day % 5 == 4:
            self.this_week.clear()


def at(day: float) -> datetime:
    """The moment at which cards of this day leave."""
    return START + day * DAY


def world(name: str, seed: int, days: int = 30) -> World:
    """A company; the same for the same name and seed."""
    kind = KINDS[name]
    dice = np.random.default_rng([seed, sorted(KINDS).index(name)])
    born = np.sort(np.r_[np.zeros(CONTENTS // 3), dice.integers(0, days, CONTENTS * 2 // 3)])
    about = _drawn(dice, CONTENTS, 3) * dice.uniform(0.5, 1.0, (CONTENTS, TAGS))
    likes = _drawn(dice, PHYSICIANS, 4) * dice.uniform(0.3, 0.9, (PHYSICIANS, TAGS))
    pieces = _pieces(_misread(dice, about, kind.wrong_tags), born)
    seen = _misread(dice, likes, kind.wrong_tags)
    brand = dice.integers(0, BRANDS, CONTENTS)
    without = dice.integers(0, BRANDS, REPS)
    rep_of = np.arange(PHYSICIANS) % REPS
    return World(
        kind, days, pieces, [_by_tag(row) for row in seen], born.astype(int),
        brand[None] != without[:, None], rep_of, _asked(dice, rep_of, days),
        dice.random((days, REPS, CARDS, 5)), _utility(dice, kind, about, likes),
        dice.normal(0, 0.5, PHYSICIANS), dice.normal(0, 0.4, REPS),
    )  # fmt: skip


def _utility(dice: Any, kind: Kind, about: Any, likes: Any) -> tuple[Any, Any]:
    """Tag affinity as the scorer knows it, and what only answers can tell."""
    scorer = Scorer(_pieces(about, np.zeros(len(about))), START)
    affinity = likes @ table(scorer, range(1, TAGS + 1)).rows
    fame = about @ dice.normal(0, 0.3, TAGS) + dice.normal(0, 0.4, len(about))
    hidden = dice.normal(size=(len(likes), 4)) @ dice.normal(size=(4, len(about))) / 2
    found = []
    for _ in range(2):
        crosses = dice.normal(0, 0.5, (TAGS, TAGS))
        learned = likes @ crosses @ about.T
        found.append((1 - kind.hidden) * (1.2 * affinity + learned) + fame + kind.hidden * hidden)
    return found[0], found[1]


def _drawn(dice: Any, rows: int, most: int) -> Any:
    usual = 1 / np.arange(1, TAGS + 1) ** 0.6
    found = np.zeros((rows, TAGS))
    for row in found:
        row[dice.choice(TAGS, 1 + dice.poisson(most - 1), False, usual / usual.sum())] = 1
    return found


def _misread(dice: Any, rows: Any, much: float) -> Any:
    """This part of the tags is missing, and half as many are wrong."""
    kept = rows * (dice.random(rows.shape) >= much)
    number = int((rows > 0).sum() * much / 2)
    kept[dice.integers(0, len(rows), number), dice.integers(0, rows.shape[1], number)] = 0.6
    return np.where(kept.sum(1, keepdims=True) > 0, kept, rows)


def _pieces(about: Any, born: Any) -> list[Piece]:
    return [Piece(n, n, _by_tag(row), at(float(born[n]))) for n, row in enumerate(about)]


def _by_tag(row: Any) -> dict[int, float]:
    return {int(t) + 1: round(float(row[t]), 3) for t in row.nonzero()[0]}


def _asked(dice: Any, rep_of: Any, days: int) -> list[list[list[int]]]:
    mine = [np.flatnonzero(rep_of == rep) for rep in range(REPS)]
    return [[dice.choice(one, CARDS, False).tolist() for one in mine] for _ in range(days)]


def _chance(logit: Any) -> Any:
    return 1 / (1 + np.exp(-logit))
