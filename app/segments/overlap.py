"""How audiences lie over each other: every region of two to five of them, as of one moment."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from itertools import product

from pyroaring import BitMap
from sqlalchemy.orm import Session

from app.identity import Physician
from app.infra.errors import Refused
from app.segments import sql
from app.segments.answering import Found, ask
from app.segments.asking import at_random, people
from app.segments.facts import Facts, Meant
from app.segments.meaning import meaning
from app.segments.nodes import All, Node, Not
from app.segments.parse import parse
from app.segments.wording import wording

FEWEST, MOST, SAMPLE = 2, 5, 3


@dataclass(frozen=True, slots=True)
class Region:
    """Who is in those audiences that `inside` marks and in none of the others."""

    inside: tuple[bool, ...]
    size: int
    sample: Sequence[Physician]
    expression: str


@dataclass(frozen=True, slots=True)
class Overlap:
    """`sizes` of the audiences, in the order they were asked; regions with the most common first,
    each with at least one physician; `either`: how many are in any."""

    sizes: tuple[int, ...]
    either: int
    regions: Sequence[Region]


def overlap(session: Session, texts: Sequence[str], now: datetime, sample: int = SAMPLE) -> Overlap:
    """Raises Unparseable, Refused."""
    if not FEWEST <= len(texts) <= MOST:
        raise Refused(f"请选择 {FEWEST} 到 {MOST} 个人群来比较。")
    trees = [parse(text) for text in texts]
    meant = meaning(session, All(tuple(trees)), now)
    found = ask(session, trees, meant, now, None)
    if found is None:
        found = [_by_tables(session, tree, meant, now) for tree in trees]
    regions = list(_regions(session, trees, found, sample))
    regions.sort(key=lambda region: (-region.size, region.inside))
    return Overlap(tuple(map(len, found)), sum(one.size for one in regions), regions)


def _regions(
    session: Session, trees: Sequence[Node], found: Sequence[Found], sample: int
) -> Iterator[Region]:
    for inside in product((True, False), repeat=len(trees)):
        if not any(inside):
            continue
        within = [one for one, is_in in zip(found, inside, strict=True) if is_in]
        without = [one for one, is_in in zip(found, inside, strict=True) if not is_in]
        bits = BitMap.intersection(*(one.bits for one in within))
        also = set.intersection(*(set(one.also) for one in within))
        for other in without:
            bits, also = bits - other.bits, also - set(other.also)
        if bits or also:
            chosen = people(session, at_random(session, bits, also, sample))
            yield Region(inside, len(bits) + len(also), chosen, wording(_tree(trees, inside)))


def _by_tables(session: Session, tree: Node, meant: Meant, now: datetime) -> Found:
    people_in = sql.members(session, tree, meant, now)
    return Found(BitMap(), {one_id: Facts(one_id) for one_id in people_in})


def _tree(trees: Sequence[Node], inside: Sequence[bool]) -> Node:
    parts = [tree if is_in else Not(tree) for tree, is_in in zip(trees, inside, strict=True)]
    return All(tuple(parts))
