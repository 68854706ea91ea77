"""The brands that reps speak for; whoever has none speaks for all."""

from __future__ import annotations

from collections.abc import Collection

from sqlalchemy import bindparam, delete, select
from sqlalchemy.orm import Session

from app.infra.direct import Direct
from app.reps.models import RepBrand


def brands_of(session: Session, rep_id: int) -> frozenset[int]:
    """Brand ids; empty: all."""
    return frozenset(_OF_REP.all(session, {"rep": rep_id}))


def brands_of_all(session: Session) -> dict[int, frozenset[int]]:
    """By rep, those who have any."""
    found: dict[int, set[int]] = {}
    for rep_id, brand_id in session.execute(select(RepBrand.rep_id, RepBrand.brand_id)):
        found.setdefault(rep_id, set()).add(brand_id)
    return {rep_id: frozenset(brands) for rep_id, brands in found.items()}


def set_brands(session: Session, rep_id: int, brand_ids: Collection[int]) -> None:
    """Exactly these from now on; none: all."""
    session.execute(delete(RepBrand).where(RepBrand.rep_id == rep_id))
    session.add_all(RepBrand(rep_id=rep_id, brand_id=one) for one in sorted(set(brand_ids)))
    session.flush()


_OF_REP = Direct(select(RepBrand.brand_id).where(RepBrand.rep_id == bindparam("rep")), int)
