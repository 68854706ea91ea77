"""Who is in an audience: the one way in which everybody asks.

The answer comes from the sets in memory. Whoever has changed since they were followed is looked up
in the tables and put right, so the answer is that of this moment. While somebody types, only a few
are looked up; when many wait (an import of thousands), the answer says how old it is instead.
"""

from __future__ import annotations

import random
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime

from pyroaring import BitMap
from sqlalchemy.orm import Session

from app import consent, identity
from app.identity import Physician
from app.segments import sql
from app.segments.answering import ask
from app.segments.facts import Meant, holds
from app.segments.gather import gather
from app.segments.meaning import meaning
from app.segments.nodes import AnyOf, Node
from app.segments.parse import parse
from app.segments.people import bits_of, by_bit, one_ids

SAMPLE = 5
FEW = 100  # who are looked up while somebody types
A_HANDFUL = 3
MANY = 5000  # from here on all members are read instead


@dataclass(frozen=True, slots=True)
class Audience:
    """How many, over how many reps, how many of them opted out, and who, for example.

    `age_s`: seconds since when changes of more people wait than were looked up; 0: it is as of now.
    """

    size: int
    reps: int
    sample: Sequence[Physician]
    opted_out: int = 0
    age_s: float = 0.0


def members(session: Session, text: str, now: datetime) -> set[str]:
    """ONE IDs for whom the expression holds. Raises Unparseable, Refused for unknown names."""
    return members_of(session, parse(text), now)


def members_of(session: Session, tree: Node, now: datetime) -> set[str]:
    """The same for an expression that was read already."""
    meant = meaning(session, tree, now)
    answered = ask(session, [tree], meant, now, None)
    if answered is None:
        return sql.members(session, tree, meant, now)
    (found,) = answered
    return set(found.also).union(one_ids(session, found.bits))


def page(
    session: Session, text: str, now: datetime, after: int, limit: int
) -> tuple[list[str], int | None]:
    """Up to `limit` ONE IDs behind place `after` (0: from the beginning), and the place to go on
    behind; None: that was all. Places stay while people come and go. Raises as `members`."""
    tree = parse(text)
    meant = meaning(session, tree, now)
    answered = ask(session, [tree], meant, now, None)
    if answered is None:
        found = sorted(sql.members(session, tree, meant, now))
        return found[after : after + limit], after + limit if len(found) > after + limit else None
    (one,) = answered
    placed = bits_of(session, sorted(one.also))
    rest = one.bits | placed
    rest.remove_range(0, after + 1)
    chosen = rest[:limit]
    named = by_bit(session, chosen)
    shown = [named[bit] for bit in chosen]
    if len(rest) > limit:
        return shown, chosen[-1]
    return shown + sorted(set(one.also).difference(by_bit(session, placed).values())), None


def which(
    session: Session, trees: Sequence[Node], people: Collection[str], now: datetime
) -> list[set[str]]:
    """Those of these ONE IDs for whom each holds; of few without asking for sets, and what is
    known of them is read once for all."""
    if not trees:
        return []
    meant = meaning(session, AnyOf(tuple(trees)), now)
    if len(people) <= A_HANDFUL:
        looked_up = list(gather(session, sorted(people), now))
        return [{one.one_id for one in looked_up if holds(tree, one, meant)} for tree in trees]
    only = people if len(people) <= MANY else None
    answered = ask(session, trees, meant, now, None, only=only)
    if answered is None:
        return [sql.members(session, tree, meant, now).intersection(people) for tree in trees]
    return [
        set(found.also).union(one_ids(session, found.bits)).intersection(people)
        for found in answered
    ]  # fmt: skip


def check(session: Session, text: str, now: datetime, *, inside: Sequence[str] = ()) -> Node:
    """The expression as it is written now, when every name in it exists. Raises Unparseable,
    Refused."""
    tree = parse(text, fresh=True)
    meaning(session, tree, now, inside=inside)
    return tree


def audience(
    session: Session, text: str, now: datetime, sample: int = SAMPLE, *, with_reps: bool = True
) -> Audience:
    """Size, and some at random, always the same of the same people. Raises as `members`.

    Over how many reps takes longer than everything else, when there are thousands of them.
    """
    tree = parse(text)
    meant = meaning(session, tree, now)
    answered = ask(session, [tree], meant, now, FEW, with_reps=with_reps)
    if answered is None:
        return _by_tables(session, tree, meant, now, sample)
    (found,) = answered
    shown = at_random(session, found.bits, found.also, sample)
    out = found.out + sum(facts.opted_out for facts in found.also.values())
    reps = found.reps.union(*(facts.reps for facts in found.also.values()))
    age_s = max(0.0, (now - found.since).total_seconds()) if found.since else 0.0
    return Audience(len(found), len(reps), people(session, shown), out, age_s)


def at_random(session: Session, bits: BitMap, others: Iterable[str], number: int) -> list[str]:
    """So many ONE IDs of these, always the same of the same."""
    also, many = sorted(others), len(bits)
    ranks = random.Random(0).sample(range(many + len(also)), min(number, many + len(also)))  # noqa: S311
    named = by_bit(session, [bits[rank] for rank in ranks if rank < many])
    return [named[bits[rank]] if rank < many else also[rank - many] for rank in ranks]


def people(session: Session, one_ids: Sequence[str]) -> list[Physician]:
    """Physicians in this order."""
    known = identity.physicians_by_id(session, one_ids) if one_ids else {}
    return [known[one_id] for one_id in one_ids if one_id in known]


def _by_tables(session: Session, tree: Node, meant: Meant, now: datetime, sample: int) -> Audience:
    found = sorted(sql.members(session, tree, meant, now))
    chosen = random.Random(0).sample(found, min(sample, len(found)))  # noqa: S311
    standing = consent.standing(session, found, consent.ANY)
    out = sum(1 for _, refused in standing.values() if refused)
    reps = len(sql.reps_of(session, set(found)))
    return Audience(len(found), reps, people(session, chosen), out)
