"""Expressions over sets of physicians. Pure.

Bitmaps are shared and never changed here. A window of days is a sum: each opening of each day is a
set, and the sets are added up digit by digit, so that "at least K" costs some set operations for
all physicians together.
"""

from __future__ import annotations

from bisect import bisect_left
from collections.abc import Iterable, Sequence
from datetime import date
from typing import Protocol

from pyroaring import BitMap

from app.segments.facts import BANDS, EVERYBODY, FLAGS, STEPS, Key, Meant, campaign_key, first_day
from app.segments.nodes import (
    READY,
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
    within,
)


class Sets(Protocol):
    """Where the sets come from."""

    def fact(self, key: Key) -> BitMap:
        """For whom this fact holds."""

    def strong(self, tag_id: int, lowest: int) -> BitMap:
        """Who has the tag in this band or a higher one."""

    def within(self, tag_id: int, band: int, at_least: float) -> BitMap:
        """Who of this band has the tag with at least this strength, which is inside the band."""

    def digits(self, what: str, first: date, today: date) -> Sequence[BitMap]:
        """How often it happened in these days, as binary digits, lowest first."""


def evaluate(node: Node, sets: Sets, meant: Meant, among: BitMap | None = None) -> BitMap:
    """For whom the expression holds. With `among` only those in it are asked about: the answer is
    right for them, and may be anything for others."""
    if isinstance(node, All):
        return _all(node.parts, sets, meant, among)
    if isinstance(node, AnyOf):
        found = [evaluate(part, sets, meant, among) for part in node.parts]
        return BitMap.union(*(found if among is None else [one & among for one in found]))
    if isinstance(node, Not):
        whole = sets.fact(EVERYBODY) if among is None else sets.fact(EVERYBODY) & among
        return whole - evaluate(node.inner, sets, meant, whole)
    if isinstance(node, Counted):
        return _counted(node, sets, meant, among)
    if isinstance(node, SegmentIs):
        return evaluate(meant.segments[node.name], sets, meant, among)
    return _ready(node, sets, meant)


def _ready(
    node: TagIs | FieldIs | Reachable | CampaignIs | ListIs, sets: Sets, meant: Meant
) -> BitMap:
    if isinstance(node, TagIs):
        return _tagged(node, sets, meant)
    if isinstance(node, Reachable):
        return sets.fact(FLAGS[node.channel])
    if isinstance(node, ListIs):
        return sets.fact(("list", str(meant.lists[node.name])))
    if isinstance(node, CampaignIs):
        return _campaign(node, sets, meant)
    if node.field != "rep":
        return sets.fact((node.field, node.value))
    return _any(sets.fact(("rep", str(rep))) for rep in meant.reps[node.value])


def _campaign(node: CampaignIs, sets: Sets, meant: Meant) -> BitMap:
    numbers = meant.campaigns[node.name]
    opened = _any(sets.fact(campaign_key(number, "opened")) for number in numbers)
    if node.step == "opened":
        return opened
    got = _any(sets.fact(campaign_key(number, "got")) for number in numbers)
    return got - opened if node.step == "unopened" else got


def _any(sets: Iterable[BitMap]) -> BitMap:
    found = list(sets)
    return found[0] if len(found) == 1 else BitMap.union(BitMap(), *found)


def doubts(node: Node, meant: Meant) -> set[tuple[int, int, float]]:
    """(tag, band, strength) wherever a strength is asked for that lies inside a band."""
    if isinstance(node, TagIs):
        inside = node.at_least > 0 and node.at_least not in STEPS
        band = bisect_left(STEPS, node.at_least)
        return {(meant.tags[node.name], band, node.at_least)} if inside else set()
    if isinstance(node, SegmentIs):
        return doubts(meant.segments[node.name], meant)
    return set().union(*(doubts(part, meant) for part in within(node)))


def at_least(digits: Sequence[BitMap], times: int) -> BitMap:
    """Where the number, given as binary digits, is at least `times`, which is above 0."""
    if not digits or times >> len(digits):
        return BitMap()
    same, more = BitMap.union(*digits), BitMap()  # all that are not 0
    for place in reversed(range(len(digits))):
        if times >> place & 1:
            same = same & digits[place]
        else:
            more |= same & digits[place]
            same = same - digits[place]
    return more | same


def add_up(digits: Iterable[BitMap], sets: Iterable[BitMap]) -> list[BitMap]:
    """The number, and one more for each of these sets."""
    total = list(digits)
    for carry in sets:
        for place, digit in enumerate(total):
            total[place], carry = digit ^ carry, digit & carry
            if not carry:
                break
        else:
            if carry:
                total.append(carry)
    return total


def _all(parts: Sequence[Node], sets: Sets, meant: Meant, among: BitMap | None) -> BitMap:
    """Sets that are there already go first, the smallest before the others; then what must not
    hold is taken away, and what has to be worked out is asked only about those who are left."""
    ready = [part for part in parts if isinstance(part, READY)]
    found = sorted((evaluate(part, sets, meant) for part in ready), key=len)
    left = found.pop(0) if found else among if among is not None else sets.fact(EVERYBODY)
    for other in found:
        left = left & other
    rest = [part for part in parts if not isinstance(part, READY)]
    for part in sorted(rest, key=_effort):
        if isinstance(part, Not):
            left = left - evaluate(part.inner, sets, meant, left)
        else:
            left = left & evaluate(part, sets, meant, left)
    return left


def _effort(node: Node) -> int:
    """What is easily worked out first."""
    if isinstance(node, Counted):
        return 2
    return 1 if isinstance(node, All | AnyOf | SegmentIs) else 0


def _tagged(node: TagIs, sets: Sets, meant: Meant) -> BitMap:
    tag_id = meant.tags[node.name]
    if node.at_least <= 0:
        return sets.strong(tag_id, 0)
    step = bisect_left(STEPS, node.at_least)
    if step < len(STEPS) and STEPS[step] == node.at_least:
        return sets.strong(tag_id, step + 1)
    doubtful = sets.within(tag_id, step, node.at_least)
    return sets.strong(tag_id, step + 1) | doubtful if step + 1 < BANDS else doubtful


def _counted(node: Counted, sets: Sets, meant: Meant, among: BitMap | None) -> BitMap:
    everybody = sets.fact(EVERYBODY)
    if node.least == 0 and node.most is None:
        return everybody
    digits = sets.digits(node.what, first_day(node, meant.today), meant.today)
    if among is not None:
        digits, everybody = [digit & among for digit in digits], everybody & among
    enough = at_least(digits, node.least) if node.least else everybody
    return enough if node.most is None else enough - at_least(digits, node.most + 1)
