"""The terms of all contents, compiled once and kept in the process until some of them change."""

from __future__ import annotations

from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import content
from app.content import Content, ContentTerms
from app.infra.stamp import Stamped
from app.recommend.eligibility import Compiled, Terms


@dataclass(frozen=True, slots=True)
class AllTerms:
    """`refusal_for_all`: contents that nobody is asked about again once one rep has refused."""

    of: dict[int, Terms]  # by content
    refusal_for_all: frozenset[int]
    _compiled: dict[frozenset[int] | None, Compiled] = field(default_factory=dict)

    def compiled(self, brands: frozenset[int] | None) -> Compiled:
        """For reps who speak for these brands, see `Compiled`."""
        return self._compiled.setdefault(brands, Compiled(self.of, brands))


def all_terms(session: Session) -> AllTerms:
    """As they are now; shared, not to be changed."""
    return _TERMS.of(session)


def _read(session: Session) -> AllTerms:
    said = content.all_terms(session)
    brands = session.execute(select(Content.id, Content.brand_id))
    return AllTerms(
        {number: _terms(brand_id, said.get(number)) for number, brand_id in brands},
        frozenset(number for number, row in said.items() if row.refusal_for_all),
    )


def _terms(brand_id: int | None, row: ContentTerms | None) -> Terms:
    if row is None:
        return Terms(brand_id)
    return Terms(brand_id, row.verified_only, frozenset(row.provinces), frozenset(row.specialties))


_TERMS: Stamped[AllTerms] = Stamped(content.TERMS, _read)
