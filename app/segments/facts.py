"""What is true of one physician now, as far as an expression can ask. Pure.

    facts.keys()            every fact that holds, by name: the bits that are set
    holds(node, facts, …)   whether an expression holds for this one, exactly

A tag is one fact, its band of strength: `tag 12/3` is a strength of 0.3 up to 0.4. Whatever is
counted is one each time: `open 2026-11-24/2` is the second opening of that day. Days are those in
China. A saved segment is no fact: its own expression stands where its name is.
"""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import date, datetime, timedelta

from app.segments.nodes import (
    All,
    AnyOf,
    CampaignIs,
    Counted,
    FieldIs,
    ListIs,
    Node,
    Not,
    Reachable,
    SegmentIs,
    TagIs,
)

STEPS = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9)
BANDS = len(STEPS) + 1
LONGEST_WINDOW = 999  # days
FIELDS = ("specialty", "hospital", "department", "title", "city", "province")
COUNTS = ("open", "read", "msg", "recv")

Key = tuple[str, str]
EVERYBODY: Key = ("all", "")
WECOM: Key = ("wecom", "")
FOLLOWS: Key = ("oa", "")
OPTED_OUT: Key = ("out", "")
FLAGS: Mapping[str, Key] = {
    "all": EVERYBODY, "wecom": WECOM, "oa": FOLLOWS, "out": OPTED_OUT,
    "may_wecom": ("may", "wecom"), "may_oa": ("may", "oa"),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Facts:
    """`counted`: somebody whom an audience may hold. Nothing else is a fact of who is not."""

    one_id: str
    counted: bool = False
    strengths: Mapping[int, float] = field(default_factory=dict)  # by tag
    fields: Mapping[str, str] = field(default_factory=dict)
    reps: frozenset[int] = frozenset()  # connected now
    follows: bool = False
    counts: Mapping[str, Mapping[date, int]] = field(default_factory=dict)  # by what happened
    opted_out: bool = False
    may: frozenset[str] = frozenset()  # channels on which they allow messages
    lists: frozenset[int] = frozenset()
    got: frozenset[int] = frozenset()  # campaigns of which something reached them
    campaigns_opened: frozenset[int] = frozenset()
    changes_at: datetime | None = None  # not before it does a fact begin or end by itself

    def keys(self) -> Iterator[Key]:
        """Every fact that holds, once."""
        if not self.counted:
            return
        yield EVERYBODY
        yield from (tag_key(tag, band(value)) for tag, value in self.strengths.items())
        yield from ((name, text) for name, text in self.fields.items() if text)
        yield from (("rep", str(rep)) for rep in self.reps)
        for what, days in self.counts.items():
            for day, times in days.items():
                yield from (count_key(what, day, time) for time in range(1, times + 1))
        yield from (("list", str(number)) for number in self.lists)
        yield from (campaign_key(number, "got") for number in self.got)
        yield from (campaign_key(number, "opened") for number in self.campaigns_opened)
        yield from (FLAGS[channel] for channel in FLAGS if channel != "all" and self.has(channel))

    def has(self, channel: str) -> bool:
        """Whether they are reachable or have said so, as `Reachable` names it."""
        if channel.startswith("may_"):
            return channel.removeprefix("may_") in self.may
        return {"all": True, "wecom": bool(self.reps), "oa": self.follows, "out": self.opted_out}[
            channel
        ]


@dataclass(frozen=True, slots=True)
class Meant:
    """What the names in an expression mean, and which day it is."""

    tags: Mapping[str, int]
    reps: Mapping[str, frozenset[int]]
    today: date
    lists: Mapping[str, int] = field(default_factory=dict)
    campaigns: Mapping[str, frozenset[int]] = field(default_factory=dict)
    segments: Mapping[str, Node] = field(default_factory=dict)


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
    if isinstance(node, Counted):
        times = times_of(node, facts, meant)
        return node.least <= times and (node.most is None or times <= node.most)
    if isinstance(node, Reachable):
        return facts.has(node.channel)
    return _named(node, facts, meant)


def _named(node: CampaignIs | ListIs | SegmentIs, facts: Facts, meant: Meant) -> bool:
    if isinstance(node, SegmentIs):
        return holds(meant.segments[node.name], facts, meant)
    if isinstance(node, ListIs):
        return meant.lists[node.name] in facts.lists
    meant_by = meant.campaigns[node.name]
    opened = not facts.campaigns_opened.isdisjoint(meant_by)
    if node.step == "opened":
        return opened
    return not facts.got.isdisjoint(meant_by) and not (node.step == "unopened" and opened)


def strength_of(node: TagIs, facts: Facts, meant: Meant) -> float | None:
    """How strongly the tag holds, 0 … 1; None when nobody says so."""
    return facts.strengths.get(meant.tags[node.name])


def times_of(node: Counted, facts: Facts, meant: Meant) -> int:
    """How often it happened in these days."""
    first, days = first_day(node, meant.today), facts.counts.get(node.what, {})
    return sum(n for day, n in days.items() if first <= day <= meant.today)


def band(strength: float) -> int:
    """0 … 9."""
    return bisect_right(STEPS, strength)


def tag_key(tag_id: int, number: int) -> Key:
    """The fact that a tag is in this band."""
    return "tag", f"{tag_id}/{number}"


def count_key(what: str, day: date, time: int) -> Key:
    """The fact that it happened so many times on this day, or more."""
    return what, f"{day.isoformat()}/{time}"


def campaign_key(number: int, step: str) -> Key:
    """The fact that a campaign came so far."""
    return "campaign", f"{number}/{step}"


def first_day(node: Counted, today: date) -> date:
    """Where the window begins; a window of no days begins tomorrow."""
    return today - timedelta(days=node.days - 1)
