"""What evidence says about two identifiers, and whether one more sentence would be news.

An edge between two identifiers is the highest trust and the earliest time of its evidence, so more
of the same leaves the partition as it is. Most events say nothing new.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, cast, func, null, select, union_all
from sqlalchemy.orm import Session

from app.identity.models import Evidence, Identifier
from app.infra.db import UtcDateTime
from app.infra.direct import Direct
from app.infra.many import Many, among, insert_many

Pair = tuple[int, int]  # the smaller id first
Pairs = Collection[Pair]


class Sentence(NamedTuple):
    """What one event says about each pair of its identifiers."""

    event_key: str
    kind: str
    source: str
    trust: int
    at: datetime


class Said(NamedTuple):
    """What evidence about two identifiers says together: the highest trust, the earliest time."""

    trust: int
    at: datetime

    def covers(self, other: Said) -> bool:
        """True when that adds nothing."""
        return self.trust >= other.trust and self.at <= other.at

    def with_(self, other: Said | None) -> Said:
        """Both together."""
        if other is None:
            return self
        return Said(max(self.trust, other.trust), min(self.at, other.at))


Source = tuple[str, str]  # kind, source


class Heard:
    """What evidence says of pairs of identifiers, all together and by each source."""

    def __init__(self, rows: Iterable[tuple[Pair, Source, Said]] = ()) -> None:
        self.edges: dict[Pair, Said] = {}
        self._by_source: dict[tuple[Pair, Source], Said] = {}
        for pair, source, said in rows:
            self._note(pair, source, said)

    def tells(self, pairs: Pairs, sentence: Sentence) -> bool:
        """True when this source said so before, as early and as surely."""
        source, said = (sentence.kind, sentence.source), Said(sentence.trust, sentence.at)
        known = [self._by_source.get((pair, source)) for pair in pairs]
        return all(one is not None and one.covers(said) for one in known)

    def note(self, pair: Pair, sentence: Sentence) -> None:
        """This was said, too."""
        self._note(pair, (sentence.kind, sentence.source), Said(sentence.trust, sentence.at))

    def _note(self, pair: Pair, source: Source, said: Said) -> None:
        self.edges[pair] = said.with_(self.edges.get(pair))
        self._by_source[pair, source] = said.with_(self._by_source.get((pair, source)))


class Row(NamedTuple):
    """What a source said of a pair; or, with no `said`, that the event `source` spoke of it."""

    pair: Pair
    kind: str
    source: str
    said: Said | None


def _row(a: int, b: int, kind: str, source: str, trust: int | None, at: datetime | None) -> Row:
    return Row((a, b), kind, source, None if trust is None or at is None else Said(trust, at))


_SAID = select(func.max(Evidence.trust), func.min(Evidence.at)).where(Evidence.active.is_(True))
_BY_SOURCE = Direct(
    _SAID.where(
        Evidence.a_id == bindparam("a"), Evidence.b_id == bindparam("b"),
        Evidence.kind == bindparam("kind"), Evidence.source == bindparam("source"),
    ),
    lambda trust, at: None if trust is None else Said(trust, at),
)  # fmt: skip
_HERE = select(Identifier.id).where(among(Identifier.component_id, "components"))
HEARD = Direct(
    union_all(
        select(
            Evidence.a_id, Evidence.b_id, Evidence.kind, Evidence.source,
            func.max(Evidence.trust), func.min(Evidence.at),
        )
        .where(Evidence.a_id.in_(_HERE), Evidence.active.is_(True))
        .group_by(Evidence.a_id, Evidence.b_id, Evidence.kind, Evidence.source),
        select(
            Evidence.a_id, Evidence.b_id, Evidence.kind, Evidence.event_key, null(),
            cast(null(), UtcDateTime()),
        ).where(among(Evidence.event_key, "keys")),
    ),
    _row,
)  # fmt: skip
"""What was said in these components, and what these events have said; see `heard_in`."""
WRITTEN: Many[None] = insert_many(
    Evidence, "event_key", "a_id", "b_id", "kind", "source", "trust", "at",
    constant={"active": "true"}, once_by=("event_key", "a_id", "b_id"),
)  # fmt: skip


def is_told(session: Session, pairs: Pairs, said: Sentence) -> bool:
    """True when this source said so before, as early and as surely."""
    new, known = Said(said.trust, said.at), {"kind": said.kind, "source": said.source}
    return all(
        edge is not None and edge.covers(new)
        for a, b in pairs
        for edge in _BY_SOURCE.all(session, known | {"a": a, "b": b})
    )


def heard_in(rows: Collection[Row]) -> tuple[Heard, set[tuple[str, Pair]]]:
    """What was said, of what `HEARD` gives; and of which pairs events have said something."""
    heard = Heard((row.pair, (row.kind, row.source), row.said) for row in rows if row.said)
    return heard, {(row.source, row.pair) for row in rows if row.said is None}


def to_write(
    heard: Heard, known: Collection[tuple[str, Pair]], said: Iterable[tuple[Sentence, Pairs]]
) -> dict[tuple[str, Pair], Sentence]:
    """What is to be written down: what is news to its source, and noted as `heard` now.

    An event (its key) says something of a pair once, and `known` is what it has said before.
    """
    fresh: dict[tuple[str, Pair], Sentence] = {}
    for sentence, pairs in said:
        if heard.tells(pairs, sentence):
            continue
        for pair in pairs:
            about = sentence.event_key, pair
            if about not in fresh and about not in known:
                fresh[about] = sentence
                heard.note(pair, sentence)
    return fresh


def row_of(about: tuple[str, Pair], sentence: Sentence) -> dict[str, Any]:
    """As `WRITTEN` takes it."""
    return sentence._asdict() | {"a_id": about[1][0], "b_id": about[1][1]}
