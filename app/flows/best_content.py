"""The approved contents that fit one physician best, for the Official Account's menu."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app import content, recommend, tagging
from app.content import ContentVersion
from app.recommend import Piece


def best_for(session: Session, one_id: str, limit: int, now: datetime) -> list[ContentVersion]:
    """By tag affinity; the newest approved contents for somebody without tags."""
    library = content.usable(session, now)
    pieces = {u.version.id: piece_of(u) for u in library}
    versions = {u.version.id: u.version for u in library}
    weights = tagging.weights(session, [one_id], now)[one_id]
    parents = {tag.id: tag.parent_id for tag in tagging.tags(session) if tag.parent_id}
    scorer = recommend.Scorer(list(pieces.values()), now, parents)
    fits = scorer.best({tag: weight.value for tag, weight in weights.items()}, limit)
    if fits:
        return [versions[fit.piece.version_id] for fit in fits]
    newest = sorted(library, key=lambda u: (u.version.decided_at or now, u.version.id))
    return [u.version for u in newest[::-1][:limit]]


def piece_of(usable: content.Usable) -> Piece:
    """A usable version as the scorer sees it."""
    version = usable.version
    approved = version.decided_at or version.created_at
    return Piece(version.id, version.content_id, usable.tags, approved)
