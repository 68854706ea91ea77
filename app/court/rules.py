"""What contradicts itself about one physician, what is likely true, what a verdict does. Pure.

Every threshold of the court stands here.

    exclusive     two tags of a category of which only one may hold
    opposite      two tags that the vocabulary calls opposites
    denied        one source says so, another says no
    never_opened  sales claims an interest, and what was sent about it was never opened
    silent        "uses it regularly", "tells others" of somebody who never opens anything
    untagged      often opens a subject that nobody has named

A weight is the probability that a tag holds by what was said; `likelihood.py` says what openings
change in it. Of what excludes each other the possible outcomes are compared, each one's probability
the product of its parts. The likeliest outcome is proposed; its probability is its strength.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from itertools import combinations

from app.court.likelihood import COMMON, OPEN_RATE, Odds, Seen, posterior, silence
from app.tagging import Line, Shape, Source
from app.tagging.rules import strength, weight

CLAIM = 0.35  # a weaker claim contradicts nobody
STRONG = 0.5  # a claim of sales that has to stand the test of what is opened
SENT_AT_LEAST = 6  # contents about it, none opened
SILENT_AT_LEAST = 12  # contents of any kind, none opened
DOUBT = 0.15  # what is left of the claim then, at most
OPENED_AT_LEAST = 4  # contents about what nobody has named
SURELY = 0.9  # that it interests, at least
SETTLE_AT = 0.97  # a case this sure settles itself, unless the company says otherwise
SALES = frozenset({Source.CRM, Source.WECOM_TAG, Source.WECOM_PERSONAL, Source.REP_FEEDBACK})
FINAL = (Source.VERDICT, Source.PHYSICIAN)  # no news in the sense of the court
INTERESTS = ("disease", "topic", "product", "service")  # categories that openings speak of
PRACTISED = ("stage-regular", "stage-advocate")  # tags that nobody has who never opens anything


class Kind(StrEnum):
    """Of a contradiction."""

    EXCLUSIVE = "exclusive"
    OPPOSITE = "opposite"
    DENIED = "denied"
    NEVER_OPENED = "never_opened"
    SILENT = "silent"
    UNTAGGED = "untagged"


class Verdict(StrEnum):
    """`first`: the tag, or what was said, holds; `second`: the other tag, or what speaks against
    it (of an untagged interest: the behaviour, so the tag is given)."""

    FIRST = "first"
    SECOND = "second"
    BOTH = "both"
    NEITHER = "neither"


PAIRS = (Kind.EXCLUSIVE, Kind.OPPOSITE)
Key = tuple[Kind, int, int]


@dataclass(frozen=True, slots=True)
class Person:
    """What is known of one: active assertions by tag, and what was sent and opened."""

    lines: Mapping[int, Sequence[Line]]
    seen: Mapping[int, Seen] = field(default_factory=dict)  # of tags of contents that were sent
    sent: int = 0
    opened: int = 0


@dataclass(frozen=True, slots=True)
class Terms:
    """What the vocabulary says, and what was learned of openings."""

    shape: Shape
    interests: Collection[int] = frozenset()
    practised: Collection[int] = frozenset()
    odds: Odds = field(default_factory=Odds)
    common: float = COMMON
    open_rate: float = OPEN_RATE


@dataclass(frozen=True, slots=True)
class Side:
    """`weight` by what was said; behaviour makes it `ratio` times likelier, so `chance`."""

    tag: int
    weight: float
    ratio: float

    @property
    def chance(self) -> float:
        """The probability that it holds."""
        return posterior(self.weight, self.ratio)


@dataclass(frozen=True, slots=True)
class Contradiction:
    """`other` 0: there is one tag only. `chances`: of every verdict that is possible, sum 1."""

    kind: Kind
    tag: int
    other: int
    sides: tuple[Side, ...]
    chances: Mapping[Verdict, float]

    @property
    def key(self) -> Key:
        """What it is about; the same when it is found again."""
        return self.kind, self.tag, self.other

    @property
    def proposed(self) -> Verdict:
        """The likeliest."""
        return max(self.chances, key=lambda one: (self.chances[one], one == Verdict.FIRST))

    @property
    def strength(self) -> float:
        """How likely the likeliest is."""
        return self.chances[self.proposed]


@dataclass(frozen=True, slots=True)
class Effect:
    """What a verdict does: these tags hold, those do not, for this physician."""

    confirm: tuple[int, ...] = ()
    deny: tuple[int, ...] = ()


def options(kind: Kind) -> tuple[Verdict, ...]:
    """The verdicts that make sense."""
    return tuple(Verdict) if kind in PAIRS else (Verdict.FIRST, Verdict.SECOND, Verdict.BOTH)


def effect(kind: Kind, verdict: Verdict, tag: int, other: int) -> Effect:
    """`both`: they go together here, and everything stays as it is."""
    if verdict is Verdict.BOTH:
        return Effect()
    if kind in PAIRS:
        return {
            Verdict.FIRST: Effect((tag,), (other,)),
            Verdict.SECOND: Effect((other,), (tag,)),
            Verdict.NEITHER: Effect((), (tag, other)),
        }[verdict]
    if kind is Kind.UNTAGGED:
        return Effect((tag,)) if verdict is Verdict.SECOND else Effect()
    return Effect((tag,)) if verdict is Verdict.FIRST else Effect((), (tag,))


def find(person: Person, terms: Terms, now: datetime) -> list[Contradiction]:
    """All contradictions about one physician, in a fixed order."""
    known = {tag: of for tag, of in person.lines.items() if tag in terms.shape.half_lives}
    open_to_doubt = {tag: of for tag, of in known.items() if not _is_deleted(of)}
    held = {tag: _weight(of, tag, terms, now) for tag, of in open_to_doubt.items()}
    found = [
        *_pairs(held, person, terms), *_denied(known, held, person, terms, now),
        *_unopened(known, held, person, terms, now), *_untagged(known, person, terms),
    ]  # fmt: skip
    return sorted(found, key=lambda one: one.key)


@dataclass(frozen=True, slots=True)
class Before:
    """What was known when a case was decided."""

    sources: Collection[str]
    upto: int
    sent: int


def is_news(
    key: Key, verdict: Verdict, known: Before, person: Person, terms: Terms, now: datetime,
    *, still: bool,
) -> bool:  # fmt: skip
    """Whether something new speaks against a verdict: a source that had not spoken, or of what is
    never opened as much more as makes a case. `still`: the contradiction is there as before."""
    kind, tag, other = key
    does = effect(kind, verdict, tag, other)
    if not (does.confirm or does.deny) and not still:
        return False
    for one in filter(None, (tag, other)):
        for line in person.lines.get(one, ()):
            if line.id <= known.upto or spoken(one, line) in known.sources:
                continue
            value = strength(line.asserted, terms.shape.half_lives.get(one), now)
            agrees = one in (does.confirm if value > 0 else does.deny)
            if line.asserted.source not in FINAL and abs(value) >= CLAIM and not agrees:
                return True
    more = times_sent(kind, tag, person) >= known.sent + SENT_AT_LEAST
    return still and more and kind in (Kind.NEVER_OPENED, Kind.SILENT)


def before(kind: Kind, tags: Collection[int], person: Person) -> Before:
    """What is known now, to be kept with a decision."""
    lines = [(tag, line) for tag in tags for line in person.lines.get(tag, ())]
    sources = sorted({spoken(tag, line) for tag, line in lines})
    upto = max((line.id for of in person.lines.values() for line in of), default=0)
    return Before(sources, upto, times_sent(kind, min(tags), person))


def spoken(tag: int, line: Line) -> str:
    """Which source said what about which tag."""
    return f"{tag}:{line.asserted.source}:{'-' if line.asserted.confidence < 0 else '+'}"


def times_sent(kind: Kind, tag: int, person: Person) -> int:
    """How much was sent that bears on it."""
    if kind is Kind.SILENT:
        return person.sent
    return person.seen[tag].sent if tag in person.seen else 0


def _is_deleted(lines: Sequence[Line]) -> bool:
    """By the physician, who knows best: no matter for a court."""
    return any(line.asserted.source == Source.PHYSICIAN for line in lines)


def _weight(lines: Sequence[Line], tag: int, terms: Terms, now: datetime) -> float:
    return weight((line.asserted for line in lines), terms.shape.half_lives[tag], now)


def _pairs(held: Mapping[int, float], person: Person, terms: Terms) -> Iterator[Contradiction]:
    strong = sorted(tag for tag, value in held.items() if value >= CLAIM)
    for a, b in combinations(strong, 2):
        category = terms.shape.exclusive.get(a)
        if category is not None and category == terms.shape.exclusive.get(b):
            kind = Kind.EXCLUSIVE
        elif b in terms.shape.opposites.get(a, ()):
            kind = Kind.OPPOSITE
        else:
            continue
        sides = tuple(Side(tag, held[tag], _ratio(tag, person, terms)) for tag in (a, b))
        yield Contradiction(kind, a, b, sides, _compare(sides[0].chance, sides[1].chance))


def _denied(
    known: Mapping[int, Sequence[Line]],
    held: Mapping[int, float],
    person: Person,
    terms: Terms,
    now: datetime,
) -> Iterator[Contradiction]:
    """What a verdict says is no side: it stands until something new speaks."""
    for tag in held:
        said = [one.asserted for one in known[tag] if one.asserted.source != Source.VERDICT]
        half_life = terms.shape.half_lives[tag]
        good = weight([one for one in said if one.confidence > 0], half_life, now)
        bad = 1.0
        by_source: dict[str, float] = {}
        for one in said:
            value = strength(one, half_life, now)
            if value < 0:
                by_source[one.source] = max(by_source.get(one.source, 0.0), -value)
        for value in by_source.values():
            bad *= 1.0 - value
        bad = 1.0 - bad
        if good < CLAIM or bad < CLAIM:
            continue
        ratio = _ratio(tag, person, terms)
        both = _compare(posterior(good, ratio), bad)
        chances = {v: both[v] for v in (Verdict.FIRST, Verdict.SECOND)}
        whole = sum(chances.values())
        told = {verdict: value / whole for verdict, value in chances.items()}
        yield Contradiction(
            Kind.DENIED, tag, 0, (Side(tag, good, ratio), Side(tag, bad, 1.0)), told
        )


def _unopened(
    known: Mapping[int, Sequence[Line]],
    held: Mapping[int, float],
    person: Person,
    terms: Terms,
    now: datetime,
) -> Iterator[Contradiction]:
    for tag, value in held.items():
        if tag in terms.practised:
            kind = Kind.SILENT
            speaks = person.sent >= SILENT_AT_LEAST and not person.opened
        else:
            kind, seen = Kind.NEVER_OPENED, person.seen.get(tag)
            speaks = tag in terms.interests and seen is not None and not seen.with_it
            speaks = speaks and seen is not None and seen.sent >= SENT_AT_LEAST
        if not speaks or not _sales_claim(known[tag], tag, terms, now):
            continue
        side = Side(tag, value, _ratio(tag, person, terms))
        if side.chance <= DOUBT:
            chances = {Verdict.FIRST: side.chance, Verdict.SECOND: 1.0 - side.chance}
            yield Contradiction(kind, tag, 0, (side,), chances)


def _sales_claim(lines: Sequence[Line], tag: int, terms: Terms, now: datetime) -> bool:
    half_life = terms.shape.half_lives[tag]
    return any(
        line.asserted.source in SALES and strength(line.asserted, half_life, now) >= STRONG
        for line in lines
    )


def _untagged(
    known: Mapping[int, Sequence[Line]], person: Person, terms: Terms
) -> Iterator[Contradiction]:
    """The narrowest tags only: what is narrower speaks for what is broader anyway."""
    shape = terms.shape
    named = {wider for tag, of in known.items() if of for wider in shape.broader(tag)}
    found: dict[int, Side] = {}
    for tag, seen in person.seen.items():
        wanted = tag in terms.interests and tag in shape.half_lives and tag not in named
        side = Side(tag, terms.common, terms.odds.ratio(seen))
        if wanted and seen.with_it >= OPENED_AT_LEAST and side.chance >= SURELY:
            found[tag] = side
    wider = {other for tag in found for other in shape.broader(tag) if other != tag}
    for tag in found.keys() - wider:
        chance = found[tag].chance
        chances = {Verdict.FIRST: 1.0 - chance, Verdict.SECOND: chance}
        yield Contradiction(Kind.UNTAGGED, tag, 0, (found[tag],), chances)


def _ratio(tag: int, person: Person, terms: Terms) -> float:
    """How many times likelier what was opened makes the tag."""
    if not person.opened:
        of_it = person.sent if tag in terms.practised else times_sent(Kind.DENIED, tag, person)
        speaks = tag in terms.practised or tag in terms.interests
        return silence(of_it, terms.open_rate) if speaks else 1.0
    seen = person.seen.get(tag)
    return terms.odds.ratio(seen) if seen is not None and tag in terms.interests else 1.0


def _compare(a: float, b: float) -> dict[Verdict, float]:
    """Of two that cannot both be: one, the other, or neither."""
    a, b = min(a, 1 - 1e-9), min(b, 1 - 1e-9)
    parts = {
        Verdict.FIRST: a * (1 - b), Verdict.SECOND: b * (1 - a), Verdict.NEITHER: (1 - a) * (1 - b),
    }  # fmt: skip
    whole = sum(parts.values())
    return {verdict: part / whole for verdict, part in parts.items()}
