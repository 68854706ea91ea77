"""For whom contents are: what marketing and reviewers say beyond the approval."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.content.models import Content, ContentTerms
from app.infra import stamp
from app.infra.errors import NotFound, Refused

TERMS = "content terms"  # the stamp of these and of brands
MOST_NAMES, LONGEST_NAME = 60, 40


def terms_of(session: Session, content_ids: Collection[int]) -> dict[int, ContentTerms]:
    """By content, where any were set."""
    rows = session.scalars(select(ContentTerms).where(ContentTerms.content_id.in_(content_ids)))
    return {row.content_id: row for row in rows}


def set_terms(
    session: Session,
    content_id: int,
    *,
    verified_only: bool,
    provinces: Sequence[str],
    specialties: Sequence[str],
    refusal_for_all: bool,
    by: str,
    now: datetime,
) -> ContentTerms:
    """From now on, at the next planning and at each sending. Raises NotFound, Refused."""
    if session.get(Content, content_id) is None:
        raise NotFound("没有这份内容。")
    row = session.get(ContentTerms, content_id, with_for_update=True) or ContentTerms(
        content_id=content_id
    )
    row.verified_only, row.refusal_for_all = verified_only, refusal_for_all
    row.provinces, row.specialties = _names(provinces), _names(specialties)
    row.changed_by, row.changed_at = by, now
    session.add(row)
    session.flush()
    stamp.change(session, TERMS)
    return row


def _names(given: Sequence[str]) -> list[str]:
    names = list(dict.fromkeys(name.strip() for name in given if name.strip()))
    if len(names) > MOST_NAMES or any(not 2 <= len(name) <= LONGEST_NAME for name in names):
        raise Refused(f"每个名称 2 到 {LONGEST_NAME} 字，最多 {MOST_NAMES} 个。")
    return names
