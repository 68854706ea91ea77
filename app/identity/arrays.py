"""Identifiers and evidence of the whole database as arrays, read in streams; for `doubtful`.

Needs numpy. Ids are large and have gaps, so a node is the position of its identifier among all.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from contextlib import closing
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.identity.bulk import KINDS, Graph
from app.identity.models import Evidence, Identifier, IdentifierName, IdentifierStatus, Override
from app.infra.direct import DriverStatement

PIECE = 50_000  # rows at a time
STATUSES = tuple(IdentifierStatus)
LABEL = "S24"
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Stored:
    """What the database says of each node; `status` is a place in `STATUSES`, `namespaces` are
    those that the graph has as numbers."""

    one_id: Any
    status: Any
    component: Any
    namespaces: Sequence[str]


def read(session: Session, tell: Tell) -> tuple[Graph, Stored]:
    """All of it. Trust and times of evidence are left out, and so are judgements."""
    import numpy as np

    ids, columns, stored = _nodes(session)
    tell(f"{len(ids):,} identifiers read")
    a, b = _evidence(session, ids)
    tell(f"{len(a):,} rows of evidence read")
    unread = np.zeros(len(a), dtype=np.int8)
    graph = Graph(
        **columns, a=a, b=b, trust=unread, at=unread, blocked=_marked(ids, session, _BLOCKED),
        names=_marked(ids, session, _OF_TWO_NAMES).astype(np.int8) * 2,
    )  # fmt: skip
    return graph, stored


def _nodes(session: Session) -> tuple[Any, dict[str, Any], Stored]:
    """Ids, the columns of a graph, and the rest."""
    import numpy as np

    numbers: dict[str, int] = {}

    def arrays(columns: Sequence[Sequence[Any]]) -> tuple[Any, ...]:
        ids, kinds, spaces, keys, labels, statuses, components = columns
        return (
            np.array(ids, dtype=np.int64),
            np.array([_KIND[kind] for kind in kinds], dtype=np.int8),
            np.array([numbers.setdefault(s, len(numbers)) for s in spaces], dtype=np.int32),
            np.frombuffer(b"".join(keys), dtype=np.uint8).reshape(-1, 32),
            np.array(labels, dtype=LABEL),
            np.array([_STATUS[status] for status in statuses], dtype=np.int8),
            np.array(components, dtype=np.int64),
        )

    parts = [arrays([()] * 7), *map(arrays, _columns(session, _NODES))]
    ids, kind, space, key, one_id, status, component = (
        np.concatenate(column) for column in zip(*parts, strict=True)
    )
    names = sorted(numbers)
    place = np.array([names.index(name) for name in numbers], dtype=np.int32)
    columns = {"kind": kind, "namespace": place[space], "key": key}
    return ids, columns, Stored(one_id, status, component, names)


def _evidence(session: Session, ids: Any) -> tuple[Any, Any]:
    """Both ends of every row, as positions; without rows about who came since `ids` were read."""
    import numpy as np

    ends: tuple[list[Any], list[Any]] = ([], [])
    for columns in _columns(session, _EVIDENCE):
        found = [np.array(column, dtype=np.int64) for column in columns]
        places = [np.minimum(np.searchsorted(ids, one), len(ids) - 1) for one in found]
        known = (ids[places[0]] == found[0]) & (ids[places[1]] == found[1])
        for end, place in zip(ends, places, strict=True):
            end.append(place[known].astype(np.int32))
    nothing = np.zeros(0, dtype=np.int32)
    return np.concatenate([nothing, *ends[0]]), np.concatenate([nothing, *ends[1]])


def _marked(ids: Any, session: Session, statement: Any) -> Any:
    """True for those whose ids the statement gives."""
    import numpy as np

    return np.isin(ids, np.array(session.scalars(statement).all(), dtype=np.int64))


def _columns(session: Session, statement: Any) -> Iterator[tuple[Sequence[Any], ...]]:
    """The columns of some rows at a time, by the driver's cursor: what a session makes of a row
    takes six times as long as reading it, and here every row becomes two or seven numbers."""
    connection = session.connection()
    driver: Any = connection.connection.driver_connection
    streams = connection.dialect.name == "postgresql"  # else it would fetch all rows first
    with closing(driver.cursor("everybody") if streams else driver.cursor()) as cursor:
        cursor.execute(DriverStatement(connection.dialect, statement).text)
        while rows := cursor.fetchmany(PIECE):
            yield tuple(zip(*rows, strict=True))


_KIND = {kind.value: place for place, kind in enumerate(KINDS)}
_STATUS = {status.value: place for place, status in enumerate(STATUSES)}
_NODES = select(
    Identifier.id, Identifier.kind, Identifier.namespace, Identifier.value_hash, Identifier.one_id,
    Identifier.status, Identifier.component_id,
).order_by(Identifier.id)  # fmt: skip
_EVIDENCE = select(Evidence.a_id, Evidence.b_id).where(Evidence.active.is_(True))
_BLOCKED = select(Override.a_id).where(Override.kind == "block", Override.retracted_at.is_(None))
_OF_TWO_NAMES = (
    select(IdentifierName.identifier_id)
    .group_by(IdentifierName.identifier_id)
    .having(func.count(IdentifierName.token.distinct()) > 1)
)
