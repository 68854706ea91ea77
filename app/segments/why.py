"""Why somebody is in an audience or not: the expression part by part, for one physician."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy.orm import Session

from app.segments.asking import meaning
from app.segments.expression import All, AnyOf, Node, Not, Opened, TagIs, describe, parse
from app.segments.facts import Facts, Meant, first_day, holds
from app.segments.gather import gather

JOINS = {All: "以下每一条都满足", AnyOf: "以下至少满足一条", Not: "以下不满足"}


@dataclass(frozen=True, slots=True)
class Reason:
    """One part of the expression in words, whether it holds, and what is known about it."""

    depth: int
    text: str
    holds: bool
    known: str = ""


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
    inner = node.parts if isinstance(node, All | AnyOf) else ()
    if isinstance(node, Not):
        inner = (node.inner,)
    words = JOINS[type(node)] if inner else describe(node)
    yield Reason(depth, words, holds(node, facts, meant), _known(node, facts, meant))
    for part in inner:
        yield from reasons(part, facts, meant, depth + 1)


def _known(node: Node, facts: Facts, meant: Meant) -> str:
    if isinstance(node, TagIs):
        strength = facts.strengths.get(meant.tags[node.name])
        return "没有这个标签" if strength is None else f"强度 {strength:.2f}"
    if isinstance(node, Opened):
        first = first_day(node, meant.today)
        times = (n for day, n in facts.opened.items() if first <= day <= meant.today)
        return f"打开 {sum(times)} 次"
    return ""
