"""The terms of all contents, compiled once and kept in the process until some of them change.

Beside the stamp it is asked what the tables say of their newest change: processes of an older
version, which run beside new ones during an upgrade, change terms without a stamp.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import content
from app.content import Content, ContentTerms
from app.infra.direct import Direct
from app.infra.stamp import Stamped
from app.recommend.day.eligibility import Compiled, Terms

MOST_SCOPES = 16  # sets of brands, kept at a time


@dataclass(frozen=True, slots=True)
class AllTerms:
    """`refusal_for_all`: contents that nobody is asked about again once one rep has refused."""

    of: dict[int, Terms]  # by content
    refusal_for_all: frozenset[int]
    newest: tuple[Any, ...]


def all_terms(session: Session) -> AllTerms:
    """As they are now; shared, not to be changed."""
    known = _TERMS.of(session)
    newest = _newest(session)
    return known if known.newest == newest else _TERMS.again(session)


def compiled(session: Session, brands: frozenset[int] | None) -> Compiled:
    """For reps who speak for these brands, see `Compiled`. Only the newest terms are kept."""
    global _kept
    terms, kept = all_terms(session), _kept
    if kept is None or kept[0] is not terms:
        _kept = kept = terms, {}
    found = kept[1].get(brands)
    if found is None:
        if len(kept[1]) >= MOST_SCOPES:
            kept[1].clear()
        found = kept[1][brands] = Compiled(terms.of, brands)
    return found  # not looked up again: another thread may have cleared them


def _newest(session: Session) -> tuple[Any, ...]:
    return _NEWEST.all(session, {})[0]


def _read(session: Session) -> AllTerms:
    newest = _newest(session)
    said = {
        number: (verified, provinces, specialties, for_all)
        for number, verified, provinces, specialties, for_all in session.execute(
            select(
                ContentTerms.content_id, ContentTerms.verified_only, ContentTerms.provinces,
                ContentTerms.specialties, ContentTerms.refusal_for_all,
            )
        )
    }  # fmt: skip
    brands = session.execute(select(Content.id, Content.brand_id))
    return AllTerms(
        {number: _terms(brand_id, *said.get(number, ())) for number, brand_id in brands},
        frozenset(number for number, (*_, for_all) in said.items() if for_all),
        newest,
    )


def _terms(
    brand_id: int | None,
    verified_only: bool = False,
    provinces: list[str] | None = None,
    specialties: list[str] | None = None,
    _for_all: bool = False,
) -> Terms:
    return Terms(brand_id, verified_only, frozenset(provinces or ()), frozenset(specialties or ()))


def _columns(*columns: Any) -> tuple[Any, ...]:
    return columns


_NEWEST = Direct(
    select(
        select(func.count()).select_from(ContentTerms).scalar_subquery(),
        select(func.max(ContentTerms.changed_at)).scalar_subquery(),
        func.max(Content.id),
    ),
    _columns,
)
_TERMS: Stamped[AllTerms] = Stamped(content.TERMS, _read)
_kept: tuple[AllTerms, dict[frozenset[int] | None, Compiled]] | None = None
