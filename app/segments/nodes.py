"""The parts of which an expression is made. Pure.

A tree is of these and nothing else; `All` and `AnyOf` have two parts or more.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from typing import Any, TypeVar

DEFAULT_WEIGHT = 0.2
MAX_LENGTH, MAX_DEPTH = 2000, 40

Leaf = TypeVar("Leaf")


@dataclass(frozen=True, slots=True)
class TagIs:
    """The tag holds with at least this weight."""

    name: str
    at_least: float = DEFAULT_WEIGHT


@dataclass(frozen=True, slots=True)
class FieldIs:
    """An attribute has this value; `rep` compares the rep's userid or name."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Counted:
    """Something happened `least` to `most` times in the last `days`; `most` None: no bound.

    `what`: open, read (to the end), msg (they wrote to us), recv (content reached them).
    """

    what: str
    days: int
    least: int = 1
    most: int | None = None


@dataclass(frozen=True, slots=True)
class Reachable:
    """`wecom`: connected with a rep; `oa`: follows the Official Account; `all`: everybody;
    `may_wecom`, `may_oa`: allows messages there; `out`: has refused all contact."""

    channel: str


@dataclass(frozen=True, slots=True)
class CampaignIs:
    """What became of a campaign of this name: `got`, `opened`, or `unopened` (got, not opened)."""

    name: str
    step: str


@dataclass(frozen=True, slots=True)
class ListIs:
    """On the static list."""

    name: str


@dataclass(frozen=True, slots=True)
class SegmentIs:
    """In the saved segment, as it is now: its newest version."""

    name: str


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    inner: Node


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Node, ...]


Node = TagIs | FieldIs | Counted | Reachable | CampaignIs | ListIs | SegmentIs | Not | All | AnyOf
READY = TagIs | FieldIs | Reachable | CampaignIs | ListIs  # a set or two, nothing to work out


class Unparseable(ValueError):
    """The expression cannot be read; `str()` is a sentence with the place."""

    def __init__(self, position: int, expected: str) -> None:
        super().__init__(f"第 {position + 1} 个字附近：{expected}")
        self.position = position


def within(node: Node) -> tuple[Node, ...]:
    """The parts that a part has."""
    if isinstance(node, All | AnyOf):
        return node.parts
    return (node.inner,) if isinstance(node, Not) else ()


def walk(node: Node) -> Iterator[Node]:
    """It and everything in it, from the top."""
    yield node
    for part in within(node):
        yield from walk(part)


def of_kind(node: Node, kind: type[Leaf]) -> Iterator[Leaf]:
    """Every part of a kind."""
    return (part for part in walk(node) if isinstance(part, kind))


def tag_names(node: Node) -> set[str]:
    """Every tag that an expression names."""
    return {part.name for part in of_kind(node, TagIs)}


def rep_names(node: Node) -> set[str]:
    """Every rep that an expression names, by userid or name."""
    return {part.value for part in of_kind(node, FieldIs) if part.field == "rep"}


def renamed(node: Node, kind: type[Any], old: str, new: str) -> Node:
    """The same with another name wherever a part of this kind has the old one."""

    def change(part: Node) -> Node:
        if isinstance(part, kind) and part.name == old:
            swapped: Node = replace(part, name=new)
            return swapped
        return part

    return _mapped(node, change)


def _mapped(node: Node, change: Callable[[Node], Node]) -> Node:
    if isinstance(node, All | AnyOf):
        return type(node)(tuple(_mapped(part, change) for part in node.parts))
    return Not(_mapped(node.inner, change)) if isinstance(node, Not) else change(node)
