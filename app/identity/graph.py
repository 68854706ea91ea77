"""One person's identifiers and what links them, or keeps others apart from them, as a graph."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.identity.models import Evidence, Identifier, Override
from app.identity.search import conflicts_of, identifiers_of


@dataclass(frozen=True, slots=True)
class Link:
    """Two identifiers (`a_id` < `b_id`) seen together so many times, by these sources; `judged`:
    what a person said who called them one, or ""."""

    a_id: int
    b_id: int
    sources: tuple[str, ...]
    times: int
    first: datetime
    last: datetime
    judged: str = ""


@dataclass(frozen=True, slots=True)
class Apart:
    """An identifier of this person that evidence would join to `other`, which a rule forbids."""

    mine_id: int
    other: Identifier
    reason: str


@dataclass(frozen=True, slots=True)
class Graph:
    """What there is to draw."""

    identifiers: Sequence[Identifier]
    links: Sequence[Link]
    apart: Sequence[Apart]


def graph(session: Session, one_id: str) -> Graph:
    """The graph of a ONE ID; identifiers that were forgotten are left out."""
    rows = identifiers_of(session, one_id)
    ids = {row.id for row in rows}
    return Graph(rows, _links(session, ids), _apart(session, one_id, ids))


def _links(session: Session, ids: Collection[int]) -> list[Link]:
    found: dict[tuple[int, int], Link] = {}
    seen = session.execute(
        select(
            Evidence.a_id, Evidence.b_id, Evidence.source, func.count().label("times"),
            func.min(Evidence.at).label("first"), func.max(Evidence.at).label("last"),
        )
        .where(Evidence.a_id.in_(ids), Evidence.b_id.in_(ids), Evidence.active.is_(True))
        .group_by(Evidence.a_id, Evidence.b_id, Evidence.source)
        .order_by(Evidence.a_id, Evidence.b_id, Evidence.source)
    )  # fmt: skip
    for row in seen:
        known = found.get((row.a_id, row.b_id))
        found[row.a_id, row.b_id] = Link(
            row.a_id, row.b_id, (*(known.sources if known else ()), row.source),
            row.times + (known.times if known else 0),
            min(row.first, known.first) if known else row.first,
            max(row.last, known.last) if known else row.last,
        )  # fmt: skip
    for judgement in _judged(session, ids):
        assert judgement.b_id is not None
        a, b = sorted((judgement.a_id, judgement.b_id))
        plain = Link(a, b, (), 0, judgement.at, judgement.at)
        found[a, b] = replace(found.get((a, b), plain), judged=judgement.reason)
    return list(found.values())


def _judged(session: Session, ids: Collection[int]) -> Sequence[Override]:
    chosen = select(Override).where(
        Override.kind == "must", Override.retracted_at.is_(None),
        Override.a_id.in_(ids), Override.b_id.in_(ids),
    )  # fmt: skip
    return session.scalars(chosen.order_by(Override.id)).all()


def _apart(session: Session, one_id: str, ids: Collection[int]) -> list[Apart]:
    found = []
    for row in conflicts_of(session, one_id):
        mine, other = (row.a_id, row.b_id) if row.a_id in ids else (row.b_id, row.a_id)
        stranger = session.get_one(Identifier, other)
        if mine in ids and other not in ids and stranger.value:
            found.append(Apart(mine, stranger, row.reason))
    return found
