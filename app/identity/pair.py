"""Two identifiers that a source has named together before, asked in one statement (PostgreSQL).

Most events say again what is known. Asking whether it is told, holding the component, reading
again and asking again are five round trips; here they are one. The component is held only when
the pair is told, because whoever computes it again needs it alone.

A statement sees what was committed when it began, and a lock may be granted later. So the row that
is held is compared with the row that the statement saw: whoever computes a component anew writes
its row (`settle`), and `xmin` says which transaction wrote it.

A name is asked about in the same statement, and a later time of the same name is noted by it.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from sqlalchemy import String, bindparam, cast, exists, func, literal_column, select, update
from sqlalchemy.orm import Session, aliased

from app.identity.called import WEAK
from app.identity.evidence import Sentence
from app.identity.models import Component, Evidence, Identifier, IdentifierName
from app.identity.normalise import Id
from app.identity.register import Known, by_keys, keys_of
from app.infra.db import UtcDateTime
from app.infra.direct import Direct


def ask_pair(
    session: Session, ids: Sequence[Id], said: Sentence, token: bytes = b""
) -> tuple[dict[Id, Known], bool]:
    """Those of both that were ever seen, and whether this is told: only then are they held.

    `token`: of the name under which they are told (`called.token_of`), empty without one.
    """
    values = keys_of(ids) | {
        "kind": said.kind, "source": said.source, "trust": said.trust, "at": said.at,
    }  # fmt: skip
    weak = [one.kind.value for one in ids if one.kind.value in WEAK] if token else []
    if weak:
        rows = _TOLD_NAMED.all(session, values | {"weak": weak[0], "token": token})
    else:
        rows = _TOLD_PAIR.all(session, values)
    by_hash = {values[f"h{n}"]: one for n, one in enumerate(ids)}
    found = {by_hash[bytes(row.value_hash)]: row for row, _ in rows}
    told = len(found) == len(ids) and all(unchanged and row.value for row, unchanged in rows)
    return found, told


def _written_by(component: Any) -> Any:
    return cast(literal_column(f"{component}.xmin"), String)


_PAIR = select(*(getattr(Identifier, name) for name in Known._fields)).where(by_keys(2)).cte("pair")
_EDGE = (
    select(func.max(Evidence.trust).label("trust"), func.min(Evidence.at).label("at"))
    .where(
        Evidence.a_id == select(func.min(_PAIR.c.id)).scalar_subquery(),
        Evidence.b_id == select(func.max(_PAIR.c.id)).scalar_subquery(),
        Evidence.active.is_(True),
        Evidence.kind == bindparam("kind"),
        Evidence.source == bindparam("source"),
    )
    .cte("edge")
)
_IS_TOLD = exists().where(
    _EDGE.c.trust >= bindparam("trust"), _EDGE.c.at <= bindparam("at", type_=UtcDateTime)
)
_HELD_NOW = aliased(Component, name="held_now")
_SEEN = aliased(Component, name="seen")
_IS_WEAK = _PAIR.c.kind == bindparam("weak")
_NAMED = (
    IdentifierName.identifier_id == select(_PAIR.c.id).where(_IS_WEAK).scalar_subquery(),
    IdentifierName.teller_id == select(_PAIR.c.id).where(~_IS_WEAK).scalar_subquery(),
    IdentifierName.token == bindparam("token"),
)


def _told(known: Any, *, named: bool) -> Direct[tuple[Known, bool]]:
    """Both, and whether they are held as they were seen: None when this is not `known`."""
    held = (
        select(_HELD_NOW.id, _written_by("held_now").label("written_by"))
        .where(_HELD_NOW.id.in_(select(_PAIR.c.component_id)), known)
        .with_for_update(read=True, key_share=True)
        .cte("held")
    )
    statement = (
        select(*_PAIR.c, (held.c.written_by == _written_by("seen")).label("unchanged"))
        .join(_SEEN, _SEEN.id == _PAIR.c.component_id)
        .outerjoin(held, held.c.id == _PAIR.c.component_id)
    )
    if named:
        at = bindparam("at", type_=UtcDateTime)
        later = update(IdentifierName).values(at=at).where(*_NAMED, IdentifierName.at < at)
        once_held = later.where(exists().select_from(held)).returning(IdentifierName.at)
        statement = statement.add_cte(once_held.cte("later"))
    return Direct(statement, lambda *row: (Known(*row[:-1]), bool(row[-1])))


_TOLD_PAIR = _told(_IS_TOLD, named=False)
_TOLD_NAMED = _told(_IS_TOLD & exists().where(*_NAMED), named=True)
