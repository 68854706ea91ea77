"""Lists of institutions, and the names of one."""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.hospitals.models import Institution, InstitutionAlias
from app.hospitals.normalise import key


def search(
    session: Session, text: str = "", *, limit: int = 30, offset: int = 0
) -> tuple[Sequence[Institution], int]:
    """Institutions with `text` in a name, their city or province; by city; and how many."""
    chosen = select(Institution).where(Institution.active)
    for word in text.split():
        named = select(InstitutionAlias.institution_id).where(
            InstitutionAlias.key.contains(key(word) or word, autoescape=True)
        )
        chosen = chosen.where(
            or_(
                Institution.id.in_(named),
                Institution.city.contains(word, autoescape=True),
                Institution.province.contains(word, autoescape=True),
            )
        )
    total = session.scalar(select(func.count()).select_from(chosen.subquery())) or 0
    ordered = chosen.order_by(
        Institution.province, Institution.city, Institution.name, Institution.id
    )
    return session.scalars(ordered.limit(limit).offset(offset)).all(), total


def names_of(
    session: Session, institution_ids: Collection[int]
) -> dict[int, list[InstitutionAlias]]:
    """The names of institutions, the official one first."""
    rows = session.scalars(
        select(InstitutionAlias)
        .where(InstitutionAlias.institution_id.in_(list(institution_ids)))
        .order_by(InstitutionAlias.kind != "official", InstitutionAlias.id)
    )
    found: dict[int, list[InstitutionAlias]] = {one: [] for one in institution_ids}
    for row in rows:
        found[row.institution_id].append(row)
    return found


def by_id(session: Session, ids: Iterable[int | None]) -> dict[int, Institution]:
    """Institutions by id, for lists."""
    wanted = [one for one in ids if one is not None]
    rows = session.scalars(select(Institution).where(Institution.id.in_(wanted)))
    return {row.id: row for row in rows}


def campuses_of(session: Session, institution_id: int) -> Sequence[Institution]:
    """The campuses of one."""
    return session.scalars(
        select(Institution)
        .where(Institution.parent_id == institution_id, Institution.active)
        .order_by(Institution.name)
    ).all()
