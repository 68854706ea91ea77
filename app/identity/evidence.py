"""What evidence says about two identifiers, and whether one more sentence would be news.

An edge between two identifiers is the highest trust and the earliest time of its evidence, so more
of the same leaves the partition as it is. Most events say nothing new.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, func, select
from sqlalchemy.orm import Session, aliased

from app.identity.models import Conflict, Evidence, Identifier
from app.infra.direct import Direct

Pairs = Collection[tuple[int, int]]


class Sentence(NamedTuple):
    """What one event says about each pair of its identifiers."""

    event_key: str
    kind: str
    source: str
    trust: int
    at: datetime


class Said(NamedTuple):
    """What evidence about two identifiers says together: the highest trust, the earliest time."""

    trust: int | None
    at: datetime | None

    def covers(self, trust: int, at: datetime) -> bool:
        """True when evidence of this trust and time adds nothing."""
        known = self.trust is not None and self.at is not None
        return known and self.trust >= trust and self.at <= at  # type: ignore[operator]


_SAID = select(func.max(Evidence.trust), func.min(Evidence.at)).where(
    Evidence.a_id == bindparam("a"), Evidence.b_id == bindparam("b"), Evidence.active.is_(True)
)
_BEFORE = Direct(_SAID.where(Evidence.event_key != bindparam("key")), Said)
_BY_SOURCE = Direct(
    _SAID.where(Evidence.kind == bindparam("kind"), Evidence.source == bindparam("source")), Said
)
_ME, _OTHER = aliased(Identifier), aliased(Identifier)
_KEPT_APART = (
    select(Conflict.id)
    .join(_OTHER, _OTHER.id == Conflict.a_id)
    .join(_ME, _ME.component_id == _OTHER.component_id)
    .where(_ME.id == bindparam("member"))
    .limit(1)
)


def is_told(session: Session, pairs: Pairs, said: Sentence) -> bool:
    """True when this source said so before, as early and as surely."""
    return all(
        edge.covers(said.trust, said.at)
        for a, b in pairs
        for edge in _BY_SOURCE.all(
            session, {"a": a, "b": b, "kind": said.kind, "source": said.source}
        )
    )


def says_nothing_new(session: Session, pairs: Pairs, said: Sentence) -> bool:
    """True when earlier evidence says all this, at least as surely: then nothing changes."""
    found = [
        edge
        for a, b in pairs
        for edge in _BEFORE.all(session, {"a": a, "b": b, "key": said.event_key})
    ]
    if any(edge.trust is None for edge in found):
        return False
    if all(edge.covers(said.trust, said.at) for edge in found):
        return True
    # Surer or earlier matters only where a rule keeps something apart: all that is joined fits
    # together, whatever was joined first.
    apart = session.connection().execute(_KEPT_APART, {"member": min(pairs)[0]})
    return apart.first() is None
