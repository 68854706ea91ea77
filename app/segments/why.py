"""Why somebody is in an audience or not: the expression part by part, for one physician."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.segments.facts import Facts, Meant, holds, strength_of, times_of
from app.segments.gather import gather
from app.segments.meaning import meaning
from app.segments.nodes import Counted, FieldIs, Node, SegmentIs, TagIs, within
from app.segments.parse import parse


@dataclass(frozen=True, slots=True)
class Reason:
    """One part of the expression and whether it holds.

    `known`: of a tag its strength, of a window how often it happened, of an attribute what it is;
    None: no such tag, or nothing to tell.
    """

    depth: int
    node: Node
    holds: bool
    known: float | str | None = None


@dataclass(frozen=True, slots=True)
class Why:
    """Whether they are in, and each part; `counted`: somebody whom an audience may hold at all."""

    inside: bool
    counted: bool
    reasons: list[Reason]


def why(session: Session, text: str, one_id: str, now: datetime) -> Why:
    """As of this moment, read from the tables. Raises Unparseable, Refused."""
    tree = parse(text)
    meant = meaning(session, tree, now)
    (facts,) = gather(session, [one_id], now)
    return Why(holds(tree, facts, meant), facts.counted, list(reasons(tree, facts, meant)))


def reasons(node: Node, facts: Facts, meant: Meant, depth: int = 0) -> Iterator[Reason]:
    """The tree from the top, each part with its truth. Pure."""
    yield Reason(depth, node, holds(node, facts, meant), _known(node, facts, meant))
    inner = (meant.segments[node.name],) if isinstance(node, SegmentIs) else within(node)
    for part in inner:
        yield from reasons(part, facts, meant, depth + 1)


def _known(node: Node, facts: Facts, meant: Meant) -> float | str | None:
    if isinstance(node, TagIs):
        return strength_of(node, facts, meant)
    if isinstance(node, FieldIs):
        return None if node.field == "rep" else facts.fields.get(node.field) or ""
    return times_of(node, facts, meant) if isinstance(node, Counted) else None
