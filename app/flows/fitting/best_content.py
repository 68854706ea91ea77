"""The approved contents that fit one physician best, for the Official Account's menu."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app import content
from app.content import ContentVersion
from app.flows.allowed import eligible
from app.flows.fitting.fits import Asked, fits_of
from app.recommend import Piece


def best_for(session: Session, one_id: str, limit: int, now: datetime) -> list[ContentVersion]:
    """By tag affinity; the newest approved contents for somebody without tags."""
    known = fits_of(session, [one_id], now)
    library = {piece.content_id: piece.tags for piece in known.basis.pieces}
    barred = eligible.compiled(session, None, library, [one_id], now).barred(one_id)
    fits = known.best({one_id: Asked(without=barred)}, limit)[one_id]
    if fits:
        return [content.get_version(session, fit.piece.version_id) for fit in fits]
    allowed = [piece for piece in known.basis.pieces if piece.content_id not in barred]
    allowed.sort(key=lambda piece: (piece.approved_at, piece.version_id), reverse=True)
    return [content.get_version(session, piece.version_id) for piece in allowed[:limit]]


def piece_of(usable: content.Usable) -> Piece:
    """A usable version as the scorer sees it."""
    version = usable.version
    approved = version.decided_at or version.created_at
    return Piece(version.id, version.content_id, usable.tags, approved)
