"""The approved contents that fit one physician best, for the Official Account's menu."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app import content, tagging
from app.content import ContentVersion
from app.flows import eligible
from app.flows.scoring import interests_of, scorer_of
from app.recommend import Piece


def best_for(session: Session, one_id: str, limit: int, now: datetime) -> list[ContentVersion]:
    """By tag affinity; the newest approved contents for somebody without tags."""
    library = content.usable(session, now)
    barred = eligible.compiled(session, None, library, [one_id], now).barred(one_id)
    library = [usable for usable in library if usable.version.content_id not in barred]
    pieces = {u.version.id: piece_of(u) for u in library}
    versions = {u.version.id: u.version for u in library}
    held = tagging.weights(session, [one_id], now)
    scorer, response = scorer_of(session, list(pieces.values()), now)
    mine = interests_of(session, held, response, now)[one_id]
    fits = scorer.best(mine, limit)
    if fits:
        return [versions[fit.piece.version_id] for fit in fits]
    newest = sorted(library, key=lambda u: (u.version.decided_at or now, u.version.id))
    return [u.version for u in newest[::-1][:limit]]


def piece_of(usable: content.Usable) -> Piece:
    """A usable version as the scorer sees it."""
    version = usable.version
    approved = version.decided_at or version.created_at
    return Piece(version.id, version.content_id, usable.tags, approved)
