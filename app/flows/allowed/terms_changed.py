"""For whom a content is, or what a rep speaks for, is otherwise from now on: whom a moment is
already marked for is judged again at once."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app import content, delivery, reps
from app.content import ContentTerms


def set_terms(
    session: Session, content_id: int, *, verified_only: bool, provinces: Sequence[str],
    specialties: Sequence[str], refusal_for_all: bool, by: str, now: datetime,
) -> ContentTerms:  # fmt: skip
    """As `content.set_terms`."""
    row = content.set_terms(
        session, content_id, verified_only=verified_only, provinces=provinces,
        specialties=specialties, refusal_for_all=refusal_for_all, by=by, now=now,
    )  # fmt: skip
    versions = [version.id for version in content.versions_of(session, content_id)]
    delivery.moments.wake(session, now, content_version_ids=versions)
    return row


def set_brands(session: Session, rep_id: int, brand_ids: Collection[int], now: datetime) -> None:
    """As `reps.set_brands`."""
    reps.set_brands(session, rep_id, brand_ids)
    delivery.moments.wake(session, now, rep_id=rep_id)
