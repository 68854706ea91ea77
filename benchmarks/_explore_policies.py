"""Who decides in `benchmarks.explore`: ours, made of the product's own parts, and its peers.

Peers know what ours knows: the physician's tags and what was opened, the content's tags, and how
well both agree on day 0. They learn every night from the answers of which all is known, in the
same worth (accepted, opened, read); those that say something late they get late.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from importlib.util import find_spec
from typing import Any, Protocol

import numpy as np

from app.flows.fitting.scoring import read_interests
from app.flows.learning import learn
from app.flows.learning.shown import Example
from app.recommend import DAY_0, Piece, Response, Scored, State, explore, heads, scorer
from app.recommend.policy.explore import Draws
from benchmarks._explore_worlds import DAY, TAGS, WORTH, Given, Run, at


@dataclass(frozen=True, slots=True)
class Ask:
    """One card to fill."""

    run: Run
    day: int
    rep: int
    card: int
    physician: int
    candidates: list[int]


class Policy(Protocol):
    """Chooses one of the candidates, and learns at night."""

    def choose(self, ask: Ask) -> int: ...

    def night(self, run: Run, day: int) -> None: ...


class Oracle:
    """Knows every chance, and takes the best."""

    def choose(self, ask: Ask) -> int:
        worth = ask.run.values(ask.day, ask.rep, ask.physician, ask.card)[3]
        return max(ask.candidates, key=lambda c: worth[c])

    def night(self, run: Run, day: int) -> None: ...


class Random:
    """Any candidate."""

    def __init__(self, seed: int) -> None:
        self._dice = np.random.default_rng([seed, 77])

    def choose(self, ask: Ask) -> int:
        return int(self._dice.choice(ask.candidates))

    def night(self, run: Run, day: int) -> None: ...


class Ours:
    """The product's scorer; it learns when `learns`, and explores when alpha or floor say so."""

    def __init__(self, seed: int, alpha: float, floor: float, learns: bool = True) -> None:
        self._seed, self._alpha, self._floor, self._learns = seed, alpha, floor, learns
        self._response, self._day = DAY_0, -1
        self._other = Random(seed)
        self.without_fit = 0

    def choose(self, ask: Ask) -> int:
        if ask.day != self._day:
            self._morning(ask.run, ask.day)
        mine = interests(ask, self._response)
        closed = self._all.difference(ask.candidates)
        fits = self._scorer.best(mine, explore.TOP, without=closed)
        if not fits:  # the product would leave the physician out
            self.without_fit += 1
            return self._other.choose(ask)
        weighed = self._draws.weigh(mine, fits, floor=self._floor)
        key = f"{self._seed}:{ask.day}:{ask.physician}"
        return weighed.options[explore.pick(weighed.chances, key)].piece.content_id

    def night(self, run: Run, day: int) -> None:
        if self._learns:
            self._response = taught(run, day)

    def _morning(self, run: Run, day: int) -> None:
        pieces = [
            p for p, born in zip(run.world.pieces, run.world.born, strict=True) if born <= day
        ]
        self._scorer = scorer(pieces, at(day), None, self._response)
        self._all = frozenset(piece.content_id for piece in pieces)
        self._draws: Draws = explore.draws(self._response, self._alpha, f"{self._seed}:{day}")
        self._day = day


def taught(run: Run, day: int) -> Response:
    """What the product's nightly learning makes of all answers so far."""
    now = at(day) + 0.7 * DAY
    found = [one for given in run.given if (one := _example(given, day, now)).labels]
    if not learn.enough(found):
        return DAY_0
    learn.calibration = lambda *_: {}  # two thirds of a night, and nobody reads its figures here
    return learn.tried_and_taught(learn.lesson_of(found, run.tags, {}, now))[1]


def _example(given: Given, day: int, now: Any) -> Example:
    state, refusal = State.DELIVERED, None
    if given.answered is not None and given.answered <= day:
        state = State.ADOPTED if given.accepted else State.REFUSED
        refusal = None if given.accepted else "content"
    opened = given.opened is not None and given.opened <= day
    shown_at = at(given.day)
    sent_at = at(given.answered) if state == State.ADOPTED and given.answered is not None else None
    shown = heads.Shown(state, refusal, shown_at, sent_at, opened, opened and given.read)
    return Example(
        str(given.physician), given.content, given.content, shown_at, heads.labels(shown, now),
        given.held, given.before,
    )  # fmt: skip


def interests(ask: Ask, response: Response) -> dict[int, float]:
    """As the product asks for them: own tags, and what was read under negative ones."""
    run, physician = ask.run, ask.physician
    held = run.world.held[physician]
    if not response.reads:
        return dict(held)
    return held | read_interests(run.opened[physician], run.tags, response)


class Waiting:
    """For peers: cards whose answers are not all known yet, with what the peer has seen of them."""

    def __init__(self) -> None:
        self._open: list[tuple[Given, Any]] = []
        self._seen: dict[tuple[int, int, int], Any] = {}

    def note(self, ask: Ask, seen: Any) -> None:
        self._seen[ask.day, ask.rep, ask.physician] = seen

    def ripe(self, run: Run, day: int) -> list[tuple[Given, Any, float]]:
        """Cards of which all is known now, with their worth, 0 to 1."""
        for one in reversed(run.given):
            if (one.day, one.rep, one.physician) not in self._seen:
                break
            self._open.append((one, self._seen.pop((one.day, one.rep, one.physician))))
        found, still = [], []
        for given, seen in self._open:
            worth = _worth(given, day)
            if worth is None:
                still.append((given, seen))
            else:
                found.append((given, seen, worth))
        self._open = still
        return found


def _worth(given: Given, day: int) -> float | None:
    said = _example(given, day, at(day) + 0.7 * DAY).labels
    if said.get(heads.ACCEPT) is False:
        return 0.0
    if heads.OPEN not in said:
        return None
    return WORTH[0] + said[heads.OPEN] * (WORTH[1] + WORTH[2] * said.get(heads.READ, False))


class Vowpal:
    """Vowpal Wabbit, cb_explore_adf, with physician × content tags crossed."""

    def __init__(self, seed: int, how: str) -> None:
        from vowpalwabbit import Workspace

        self._vw = Workspace(f"--cb_explore_adf {how} -q pc --quiet --random_seed {seed + 1}")
        self._dice, self._waiting = np.random.default_rng([seed, 78]), Waiting()
        self._features = Features()

    def choose(self, ask: Ask) -> int:
        lines = self._features.as_lines(ask)
        chances = np.array(self._vw.predict(lines))
        chances /= chances.sum()
        place = int(self._dice.choice(len(chances), p=chances))
        self._waiting.note(ask, (lines, place, chances[place]))
        return ask.candidates[place]

    def night(self, run: Run, day: int) -> None:
        for _, (lines, place, chance), worth in self._waiting.ripe(run, day):
            told = list(lines)
            told[place + 1] = f"0:{-worth:.3f}:{chance:.6f} {told[place + 1]}"
            self._vw.learn(told)


class Disjoint:
    """LinTS of mabwiser: each content learns for itself from physicians' tags."""

    def __init__(self, seed: int, alpha: float) -> None:
        from mabwiser.mab import MAB, LearningPolicy

        self._make = lambda arms: MAB(arms, LearningPolicy.LinTS(alpha=alpha), seed=seed)
        self._mab: Any = None
        self._other, self._waiting, self._features = Random(seed), Waiting(), Features()

    def choose(self, ask: Ask) -> int:
        row = self._features.person(ask)
        self._waiting.note(ask, row)
        if self._mab is None:
            return self._other.choose(ask)
        said = self._mab.predict_expectations([row])
        return max(ask.candidates, key=lambda c: said[c])

    def night(self, run: Run, day: int) -> None:
        found = self._waiting.ripe(run, day)
        if not found:
            return
        told = (
            [g.content for g, _, _ in found],
            [w for _, _, w in found],
            [r for _, r, _ in found],
        )
        if self._mab is None:
            self._mab = self._make(list(range(len(run.world.pieces))))
            self._mab.fit(*told)
        else:
            self._mab.partial_fit(*told)


class Shared(Disjoint):
    """LinTS of mabwiser with one arm: a physician and a content together are the context."""

    def choose(self, ask: Ask) -> int:
        rows = self._features.pairs(ask)
        if self._mab is None:
            choice = self._other.choose(ask)
        else:
            said = self._mab.predict_expectations(rows)
            values = [one[0] for one in said] if isinstance(said, list) else [said[0]]
            choice = ask.candidates[int(np.argmax(values))]
        self._waiting.note(ask, rows[ask.candidates.index(choice)])
        return choice

    def night(self, run: Run, day: int) -> None:
        found = self._waiting.ripe(run, day)
        if found:
            told = ([0] * len(found), [w for _, _, w in found], [r for _, r, _ in found])
            if self._mab is None:
                self._mab = self._make([0])
                self._mab.fit(*told)
            else:
                self._mab.partial_fit(*told)


class Features:
    """What peers see, as numbers and as Vowpal Wabbit's lines; what was read counts by shares."""

    def __init__(self) -> None:
        self._day, self._asks = -1, DAY_0

    def as_lines(self, ask: Ask) -> list[str]:
        mine = self._mine(ask)
        affinity = self._affinity(ask)
        person = " ".join(f"{'t' if own > 0 else 'r'}{abs(own)}:{w:.3f}" for own, w in mine.items())
        found = [f"shared |p {person}"]
        for c in ask.candidates:
            tags = " ".join(f"{t}:{w:.3f}" for t, w in self._pieces[c].tags.items())
            found.append(f"|c {tags} |i {c} |a fit:{affinity[c]:.3f}")
        return found

    def person(self, ask: Ask) -> list[float]:
        mine = self._mine(ask)
        both = [mine.get(tag, 0.0) + mine.get(-tag, 0.0) for tag in range(1, TAGS + 1)]
        return [1.0, mine.get(0, 0.0), *both]

    def pairs(self, ask: Ask) -> list[list[float]]:
        affinity = self._affinity(ask)
        much = self._mine(ask).get(0, 0.0)
        return [
            [
                1.0,
                affinity[c],
                much,
                *(self._pieces[c].tags.get(t, 0.0) for t in range(1, TAGS + 1)),
            ]
            for c in ask.candidates
        ]

    def _mine(self, ask: Ask) -> dict[int, float]:
        self._morning(ask)
        return interests(ask, self._asks)

    def _affinity(self, ask: Ask) -> dict[int, float]:
        self._morning(ask)
        fits: Sequence[Scored] = self._scorer.best(ask.run.world.held[ask.physician], 10_000)
        found = {fit.piece.content_id: fit.score for fit in fits}
        return {c: found.get(c, 0.0) for c in ask.candidates}

    def _morning(self, ask: Ask) -> None:
        if ask.day != self._day:
            self._day, self._pieces = ask.day, ask.run.world.pieces
            born = ask.run.world.born
            pieces = [p for p in self._pieces if born[p.content_id] <= ask.day]
            self._scorer = scorer(pieces, at(ask.day))
            self._asks = Response(usual=_usual(pieces))


def _usual(pieces: Sequence[Piece]) -> dict[int, float]:
    counts = dict.fromkeys(range(1, TAGS + 1), 0.5)
    for piece in pieces:
        for tag in piece.tags:
            counts[tag] += 1
    return {tag: count / (len(pieces) + 1) for tag, count in counts.items()}


def missing() -> list[str]:
    """Packages of peers that are not installed."""
    return [name for name in ("vowpalwabbit", "mabwiser") if find_spec(name) is None]


POLICIES: dict[str, tuple[str, Callable[[int], Policy]]] = {
    "oracle": ("", lambda seed: Oracle()),
    "random": ("", Random),
    "static tag affinity (day 0)": ("", lambda seed: Ours(seed, 0.0, 0.0, learns=False)),
    "LinTS, shared (mabwiser)": ("mabwiser", lambda seed: Shared(seed, 0.3)),
    "Vowpal Wabbit, epsilon": ("vowpalwabbit", lambda seed: Vowpal(seed, "")),
    "Vowpal Wabbit, squarecb": ("vowpalwabbit", lambda seed: Vowpal(seed, "--squarecb")),
    "Vowpal Wabbit, squarecb, gamma 100": (
        "vowpalwabbit", lambda seed: Vowpal(seed, "--squarecb --gamma_scale 100")),
    "greedy, learned": ("", lambda seed: Ours(seed, 0.0, 0.0)),
    "ours": ("", lambda seed: Ours(seed, explore.ALPHA, explore.FLOOR)),
    "LinTS, each content (mabwiser)": ("mabwiser", lambda seed: Disjoint(seed, 0.1)),
}  # fmt: skip
TRIED: dict[str, tuple[str, Callable[[int], Policy]]] = {
    f"ours, alpha {alpha} floor {floor}": ("", lambda seed, a=alpha, f=floor: Ours(seed, a, f))
    for alpha, floor in ((0.1, 0.0), (0.25, 0.02), (0.25, 0.0), (0.5, 0.02), (1.0, 0.02))
} | {
    f"LinTS, {kind.__name__.lower()} alpha {alpha}":
        ("mabwiser", lambda seed, k=kind, a=alpha: k(seed, a))
    for kind, alpha in ((Disjoint, 1.0), (Disjoint, 0.3), (Shared, 1.0), (Shared, 0.1))
} | {
    f"Vowpal Wabbit, {how}": ("vowpalwabbit", lambda seed, h=how: Vowpal(seed, h))
    for how in ("--squarecb -l 0.1", "-l 0.1")
}  # fmt: skip
