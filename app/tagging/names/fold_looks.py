"""What a folding would do, what was decided, how far it is, and who gave a name its meaning."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import ColumnElement, case, func, or_, select
from sqlalchemy.orm import Session

from app.identity.models import Identifier
from app.infra.errors import NotFound
from app.tagging.models import NameState, Tag, TagAssertion, TagSighting, UnmappedName
from app.tagging.names.fold_models import FoldKind, TagFolding


@dataclass(frozen=True, slots=True)
class Preview:
    """What folding would do: `people` carry one of the names, `new` of them get the tag by it."""

    people: int
    new: int


def preview(session: Session, name_ids: Collection[int], tag_id: int | None = None) -> Preview:
    """How many physicians carry one of these names, and how many do not have the tag yet."""
    carry = _carriers(session, name_ids)
    if carry is None:
        return Preview(0, 0)
    people = (
        select(Identifier.one_id)
        .distinct()
        .join(TagSighting, TagSighting.identifier_id == Identifier.id)
    )
    found = session.scalar(select(func.count()).select_from(people.where(carry).subquery())) or 0
    has = (
        select(Identifier.one_id)
        .join(TagAssertion, TagAssertion.identifier_id == Identifier.id)
        .where(TagAssertion.tag_id == tag_id, TagAssertion.superseded_at.is_(None))
    )
    fresh = people.where(carry, Identifier.one_id.not_in(has)).subquery()
    new = session.scalar(select(func.count()).select_from(fresh)) or 0
    return Preview(found, new)


def folding_history(
    session: Session, *, limit: int = 100, before: int | None = None, batch: str = ""
) -> list[tuple[TagFolding, UnmappedName, Tag | None]]:
    """The history, newest first; `before`: of those before this id, `batch`: of one click."""
    chosen = (
        select(TagFolding, UnmappedName, Tag)
        .join(UnmappedName, UnmappedName.id == TagFolding.name_id)
        .outerjoin(Tag, Tag.id == TagFolding.tag_id)
        .order_by(TagFolding.id.desc())
        .limit(limit)
    )
    if before is not None:
        chosen = chosen.where(TagFolding.id < before)
    if batch:
        chosen = chosen.where(TagFolding.batch == batch)
    return [(row[0], row[1], row[2]) for row in session.execute(chosen)]


def folded_by(
    session: Session, names: Collection[tuple[str, str]]
) -> dict[tuple[str, str], TagFolding]:
    """(source, name) → the decision that gave it its meaning, of those names for which one did."""
    raws = {raw for _, raw in names}
    chosen = (
        select(UnmappedName.source, UnmappedName.raw, TagFolding)
        .join(TagFolding, TagFolding.name_id == UnmappedName.id)
        .where(UnmappedName.raw.in_(raws), TagFolding.undone_at.is_(None))
        .where(TagFolding.kind != FoldKind.IGNORE)
        .order_by(TagFolding.id)
    )
    found = session.execute(chosen) if raws else ()
    return {(source, raw): row for source, raw, row in found if (source, raw) in names}


def _carriers(session: Session, name_ids: Collection[int]) -> ColumnElement[bool] | None:
    names = session.execute(
        select(UnmappedName.source, UnmappedName.raw).where(UnmappedName.id.in_(name_ids))
    ).all()
    by_source: dict[str, list[str]] = {}
    for source, raw in names:
        by_source.setdefault(source, []).append(raw)
    parts = [
        (TagSighting.source == source) & TagSighting.raw.in_(raws)
        for source, raws in by_source.items() if raws
    ]  # fmt: skip
    return or_(*parts) if parts else None


def batch_of(session: Session, batch: str) -> list[int]:
    """Ids of what one click decided and is not undone, newest first."""
    chosen = select(TagFolding.id).where(
        TagFolding.batch == batch, TagFolding.batch != "", TagFolding.undone_at.is_(None)
    )
    return list(session.scalars(chosen.order_by(TagFolding.id.desc())))


@dataclass(frozen=True, slots=True)
class Progress:
    """Of one click: how many names, how many of them still have carriers on their way, and how
    many were taken back."""

    names: int
    left: int
    undone: int


def progress(session: Session, batch: str) -> Progress:
    """How far one click is. Raises NotFound."""
    under_way = UnmappedName.state.in_((NameState.FOLDING, NameState.RETURNING))
    row = session.execute(
        select(
            func.count(), func.sum(case((under_way, 1), else_=0)),
            func.count(TagFolding.undone_at),
        )
        .join(UnmappedName, UnmappedName.id == TagFolding.name_id)
        .where(TagFolding.batch == batch, TagFolding.batch != "")
    ).one()  # fmt: skip
    if not row[0]:
        raise NotFound("没有这一批归并。")
    return Progress(row[0], row[1] or 0, row[2])
