"""One click over many names: which of them may be decided about, and what is written down."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.identity.models import Identifier
from app.infra.errors import NotFound, Refused
from app.tagging.lexicon import Lexicon
from app.tagging.models import NameState, TagSighting, UnmappedName
from app.tagging.names.fold_models import FoldKind, TagFolding


def locked(session: Session, name_ids: Collection[int]) -> dict[int, UnmappedName]:
    """In one order, so that two clicks wait for each other and never in a circle."""
    rows = session.scalars(
        select(UnmappedName)
        .where(UnmappedName.id.in_(name_ids))
        .order_by(UnmappedName.id)
        .with_for_update()
        .execution_options(populate_existing=True)
    )
    return {row.id: row for row in rows}


def held(name: UnmappedName | None) -> UnmappedName:
    """The name, if nobody has decided about it. Raises NotFound, Refused."""
    if name is None:
        raise NotFound("没有这个待归并的名称。")
    if name.state != NameState.WAITING:
        raise Refused(f"“{name.raw}”已经处理过了，请刷新页面。")
    return name


def waiting(known: Lexicon, name: UnmappedName | None) -> UnmappedName:
    """The same, if a tag may be called so."""
    row = held(name)
    if problem := known.why_forbidden(row.raw):
        raise Refused(problem)
    return row


def folded(
    session: Session, decided: Sequence[tuple[UnmappedName, int]], kind: FoldKind, **how: Any
) -> list[TagFolding]:
    """These names mean these tags from now on; their carriers follow."""
    return decide(session, decided, NameState.FOLDING, kind=kind, **how)


def decide(
    session: Session,
    decided: Sequence[tuple[UnmappedName, int | None]],
    state: NameState,
    **how: Any,
) -> list[TagFolding]:
    """Write it down, in the order given."""
    people = _people(session, [name.id for name, _ in decided])
    rows = []
    for name, tag_id in decided:
        name.state = state
        rows.append(
            TagFolding(name_id=name.id, tag_id=tag_id, people=people.get(name.id, 0), **how)
        )
    session.add_all(rows)
    session.flush()
    return rows


def _people(session: Session, name_ids: Sequence[int]) -> dict[int, int]:
    """Name → how many physicians carry it."""
    counted = (
        select(UnmappedName.id, func.count(Identifier.one_id.distinct()))
        .join(TagSighting, (TagSighting.source == UnmappedName.source)
              & (TagSighting.raw == UnmappedName.raw))
        .join(Identifier, Identifier.id == TagSighting.identifier_id)
        .where(UnmappedName.id.in_(name_ids))
        .group_by(UnmappedName.id)
    )  # fmt: skip
    return {row[0]: row[1] for row in session.execute(counted)}
