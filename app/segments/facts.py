"""What is true of one physician now, as far as an expression can ask. Pure.

    facts.keys()            every fact that holds, by name: the bits that are set
    holds(node, facts, …)   whether an expression holds for this one, exactly

A tag is one fact, its band of strength: `tag 12/3` is a strength of 0.3 up to 0.4. Each opening
of a day is one: `open 2026-11-24/2` is the second of that day. Days are those in China.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from app.segments.expression import All, AnyOf, FieldIs, Node, Not, Opened, Reachable, TagIs

STEPS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
BANDS = len(STEPS) + 1
LONGEST_WINDOW = 999  # days
FIELDS = ("specialty", "hospital", "department", "title", "city", "province")

Key = tuple[str, str]
EVERYBODY: Key = ("all", "")
WECOM: Key = ("wecom", "")
FOLLOWS: Key = ("oa", "")
OPTED_OUT: Key = ("out", "")


@dataclass(frozen=True, slots=True)
class Facts:
    """`counted`: somebody whom an audience may hold. Nothing else is a fact of who is not."""

    one_id: str
    counted: bool = False
    strengths: Mapping[int, float] = field(default_factory=dict)  # by tag
    fields: Mapping[str, str] = field(default_factory=dict)
    reps: frozenset[int] = frozenset()  # connected now
    follows: bool = False
    opened: Mapping[date, int] = field(default_factory=dict)
    opted_out: bool = False
    changes_at: datetime | None = None  # not before it does a fact begin or end by itself

    def keys(self) -> Iterator[Key]:
        """Every fact that holds, once."""
        if not self.counted:
            return
        yield EVERYBODY
        yield from (tag_key(tag, band(value)) for tag, value in self.strengths.items())
        yield from ((name, text) for name, text in self.fields.items() if text)
        yield from (("rep", str(rep)) for rep in self.reps)
        for day, times in self.opened.items():
            yield from (open_key(day, time) for time in range(1, times + 1))
        flags = ((WECOM, bool(self.reps)), (FOLLOWS, self.follows), (OPTED_OUT, self.opted_out))
        yield from (key for key, holds in flags if holds)


@dataclass(frozen=True, slots=True)
class Meant:
    """What the names in an expression mean, and which day it is."""

    tags: Mapping[str, int]
    reps: Mapping[str, frozenset[int]]
    today: date


def holds(node: Node, facts: Facts, meant: Meant) -> bool:
    """Whether the expression holds for this one."""
    if isinstance(node, All):
        return all(holds(part, facts, meant) for part in node.parts)
    if isinstance(node, AnyOf):
        return any(holds(part, facts, meant) for part in node.parts)
    if isinstance(node, Not):
        return facts.counted and not holds(node.inner, facts, meant)
    if not facts.counted:
        return False
    if isinstance(node, TagIs):
        strength = strength_of(node, facts, meant)
        return strength is not None and strength >= node.at_least
    if isinstance(node, FieldIs):
        if node.field == "rep":
            return not facts.reps.isdisjoint(meant.reps[node.value])
        return facts.fields.get(node.field) == node.value
    if isinstance(node, Opened):
        return times_opened(node, facts, meant) >= node.times
    if isinstance(node, Reachable):
        return {"all": True, "wecom": bool(facts.reps), "oa": facts.follows}[node.channel]
    raise TypeError(node)


def strength_of(node: TagIs, facts: Facts, meant: Meant) -> float | None:
    """How strongly the tag holds, 0 … 1; None when nobody says so."""
    return facts.strengths.get(meant.tags[node.name])


def times_opened(node: Opened, facts: Facts, meant: Meant) -> int:
    """How often they opened something in these days."""
    first = first_day(node, meant.today)
    return sum(n for day, n in facts.opened.items() if first <= day <= meant.today)


def band(strength: float) -> int:
    """0 … 9."""
    return bisect_right(STEPS, strength)


def tag_key(tag_id: int, number: int) -> Key:
    """The fact that a tag is in this band."""
    return "tag", f"{tag_id}/{number}"


def open_key(day: date, time: int) -> Key:
    """The fact that something was opened so many times on this day, or more."""
    return "open", f"{day.isoformat()}/{time}"


def first_day(node: Opened, today: date) -> date:
    """Where the window begins; a window of no days begins tomorrow."""
    return today - timedelta(days=node.days - 1)
