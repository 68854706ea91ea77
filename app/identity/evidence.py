"""What evidence says about two identifiers, and whether one more sentence would be news.

An edge between two identifiers is the highest trust and the earliest time of its evidence, so more
of the same leaves the partition as it is. Most events say nothing new.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session

from app.identity.models import Evidence
from app.infra.direct import Direct
from app.infra.many import Many, among

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

    def note(self, pairs: Pairs, sentence: Sentence) -> None:
        """This was said, too."""
        for pair in pairs:
            source = sentence.kind, sentence.source
            self._note(pair, source, Said(sentence.trust, sentence.at))

    def copy(self) -> Heard:
        """To note in it what may not come true."""
        other = Heard()
        other.edges, other._by_source = dict(self.edges), dict(self._by_source)
        return other

    def _note(self, pair: Pair, source: Source, said: Said) -> None:
        self.edges[pair] = said.with_(self.edges.get(pair))
        self._by_source[pair, source] = said.with_(self._by_source.get((pair, source)))


_SAID = select(func.max(Evidence.trust), func.min(Evidence.at)).where(Evidence.active.is_(True))
_BY_SOURCE = Direct(
    _SAID.where(
        Evidence.a_id == bindparam("a"), Evidence.b_id == bindparam("b"),
        Evidence.kind == bindparam("kind"), Evidence.source == bindparam("source"),
    ),
    lambda trust, at: None if trust is None else Said(trust, at),
)  # fmt: skip
_HEARD = Direct(
    _SAID.add_columns(Evidence.a_id, Evidence.b_id, Evidence.kind, Evidence.source)
    .where(among(Evidence.a_id, "ids"))
    .group_by(Evidence.a_id, Evidence.b_id, Evidence.kind, Evidence.source),
    lambda trust, at, a, b, kind, source: ((a, b), (kind, source), Said(trust, at)),
)
_EVIDENCE = Many.insert(
    Evidence, "event_key", "a_id", "b_id", "kind", "source", "trust", "at",
    constant={"active": "true"}, once_by=("event_key", "a_id", "b_id"),
    gives=("event_key", "a_id", "b_id"), make=lambda key, a, b: (key, (a, b)),
)  # fmt: skip


def is_told(session: Session, pairs: Pairs, said: Sentence) -> bool:
    """True when this source said so before, as early and as surely."""
    new, known = Said(said.trust, said.at), {"kind": said.kind, "source": said.source}
    return all(
        edge is not None and edge.covers(new)
        for a, b in pairs
        for edge in _BY_SOURCE.all(session, known | {"a": a, "b": b})
    )


def heard_of(session: Session, ids: Collection[int]) -> Heard:
    """What was said of these identifiers, which are whole components."""
    return Heard(_HEARD.all(session, {"ids": ids}) if ids else ())


def write_down(
    session: Session, heard: Heard, said: Sequence[tuple[Sentence, Pairs]]
) -> dict[Pair, str]:
    """Write down what is news to its source, and note it; the pairs that it is about, each with
    the key of the event that said it last. An event says a thing once."""
    fresh: dict[Pair, str] = {}
    while said:
        hoped, rows, told = heard.copy(), {}, []
        for sentence, pairs in said:
            if hoped.tells(pairs, sentence):
                told.append((sentence, pairs))
                continue
            for pair in pairs:
                if (sentence.event_key, pair) not in rows:
                    rows[sentence.event_key, pair] = sentence
                    hoped.note([pair], sentence)
        written = _EVIDENCE.all(session, [_values(*one) for one in rows.items()])
        for key, pair in written:
            heard.note([pair], rows[key, pair])
            fresh[pair] = key
        # What an event has said before is not written again, and so tells no other sentence.
        said = told if len(written) < len(rows) else []
    return fresh


def _values(about: tuple[str, tuple[int, int]], sentence: Sentence) -> dict[str, Any]:
    return sentence._asdict() | {"a_id": about[1][0], "b_id": about[1][1]}
