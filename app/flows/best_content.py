"""The approved contents that fit one physician best, for the Official Account's menu."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app import content
from app.content import ContentVersion
from app.flows.fits import Asked, fits_of
from app.recommend import Piece


def best_for(session: Session, one_id: str, limit: int, now: datetime) -> list[ContentVersion]:
    """By tag affinity; the newest approved contents for somebody without tags."""
    fits = fits_of(session, [one_id], now).best({one_id: Asked()}, limit)[one_id]
    if fits:
        return [content.get_version(session, fit.piece.version_id) for fit in fits]
    library = content.usable(session, now)
    newest = sorted(library, key=lambda u: (u.version.decided_at or now, u.version.id))
    return [u.version for u in newest[::-1][:limit]]


def piece_of(usable: content.Usable) -> Piece:
    """A usable version as the scorer sees it."""
    version = usable.version
    approved = version.decided_at or version.created_at
    return Piece(version.id, version.content_id, usable.tags, approved)
