"""What a version's figures say: rates, medians, what its places in the list would bring. Pure."""

from __future__ import annotations

from collections import Counter
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import date

from app.content import ContentVersion
from app.recommend.policy.shares import Rate

NOBODY_SHOWN = 20  # shown so often without being adopted is named
STEPS = ("suggested", "shown", "adopted", "refused", "sent", "opened", "read")
SORTS: Mapping[str, str] = {
    "shown": "shown", "adopted": "adopted", "refused": "refused", "sent": "sent",
    "opened": "opened", "read": "read",
}  # fmt: skip


@dataclass(slots=True)
class Figures:
    """Counts of one version, or of all. `waiting`: shown and not answered yet; `refusals`: reason →
    times; `places`: position → (shown and not waiting, adopted); `seconds`: whole seconds of
    reading → openings."""

    suggested: int = 0
    shown: int = 0
    adopted: int = 0
    refused: int = 0
    sent: int = 0
    opened: int = 0
    read: int = 0
    waiting: int = 0
    refusals: Counter[str] = field(default_factory=Counter)
    places: dict[int, tuple[int, int]] = field(default_factory=dict)
    seconds: Counter[int] = field(default_factory=Counter)

    @property
    def adoption(self) -> Rate:
        """Adopted of what reps were shown and do not keep waiting."""
        return adoption(self.adopted, self.shown - self.waiting)

    @property
    def opening(self) -> Rate:
        """Opened of what was sent."""
        return Rate(self.opened, self.sent)

    @property
    def median_s(self) -> int | None:
        """Half of the openings were read for longer."""
        return median(self.seconds)

    def add(self, other: Figures) -> None:
        """Take the other's counts in."""
        for name in (*STEPS, "waiting"):
            setattr(self, name, getattr(self, name) + getattr(other, name))
        self.refusals.update(other.refusals)
        self.seconds.update(other.seconds)
        for place, (shown, adopted) in other.places.items():
            mine = self.places.get(place, (0, 0))
            self.places[place] = mine[0] + shown, mine[1] + adopted


@dataclass(frozen=True, slots=True)
class Line:
    """One version with its figures; `expected`: adoptions, if each place of the list did here what
    it does for all contents."""

    version: ContentVersion
    brand_id: int | None
    figures: Figures
    expected: float
    worn: tuple[Rate, Rate] | None  # opening before and lately, where it surely fell

    @property
    def beside_place(self) -> float | None:
        """Adopted beside what its places would have brought anyway: 1 is as usual."""
        return self.figures.adopted / self.expected if self.expected > 0 else None

    @property
    def nobody(self) -> bool:
        """Often shown, never adopted."""
        ripe = self.figures.shown - self.figures.waiting
        return not self.figures.adopted and ripe >= NOBODY_SHOWN


@dataclass(frozen=True, slots=True)
class Contents:
    """All versions that something happened to, and their sum."""

    since: date
    lines: Sequence[Line]
    total: Figures


def adoption(adopted: int, ripe: int) -> Rate:
    """Of suggestions that are `ripe`; what was adopted before its card came counts once. Pure."""
    return Rate(min(adopted, ripe), ripe)


def expected(mine: Mapping[int, tuple[int, int]], usual: Mapping[int, tuple[int, int]]) -> float:
    """How many of these would have been adopted, if each place did what it does for all. Pure."""
    found = 0.0
    for place, (shown, _) in mine.items():
        all_shown, all_adopted = usual.get(place, (0, 0))
        found += shown * all_adopted / all_shown if all_shown else 0.0
    return found


def median(seconds: Mapping[int, int]) -> int | None:
    """The middle of so many times each. Pure."""
    left = sum(seconds.values()) / 2
    for value in sorted(seconds):
        left -= seconds[value]
        if left <= 0:
            return value
    return None


def total_of(all_: Iterable[Figures]) -> Figures:
    """All of them together."""
    total = Figures()
    for one in all_:
        total.add(one)
    return total


def order_by(sort: str) -> Callable[[Line], tuple[float, int]]:
    """Rates by their lower ends, so that three of three does not come first."""
    if sort == "rate":
        return lambda line: (-line.figures.adoption.low, line.version.id)
    if sort == "opening":
        return lambda line: (-line.figures.opening.low, line.version.id)
    name = SORTS.get(sort, "shown")
    return lambda line: (-getattr(line.figures, name), line.version.id)
