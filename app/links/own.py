"""Keys of physicians' own pages: 144 random bits, good for a day, kept as SHA-256 only."""

from __future__ import annotations

import hashlib
import re
import secrets
from datetime import datetime, timedelta

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.links.models import OwnLink

LIFETIME = timedelta(hours=24)
_TOKEN = re.compile(r"[A-Za-z0-9_-]{24}")
_IN_TEXT = re.compile(r"/me/[A-Za-z0-9_-]+")


def create_own(session: Session, identifier_id: int, now: datetime) -> str:
    """A new token for the person behind this identifier; it cannot be read again. Those that are
    over are removed."""
    session.execute(delete(OwnLink).where(OwnLink.expires_at <= now))
    token = secrets.token_urlsafe(18)
    session.add(
        OwnLink(
            token_hash=_digest(token), identifier_id=identifier_id, created_at=now,
            expires_at=now + LIFETIME,
        )
    )  # fmt: skip
    session.flush()
    return token


def find_own(session: Session, token: str, now: datetime) -> OwnLink | None:
    """What a token opens; None for one that is unknown or over."""
    if not _TOKEN.fullmatch(token):
        return None
    return session.scalar(
        select(OwnLink).where(OwnLink.token_hash == _digest(token), OwnLink.expires_at > now)
    )


def without_own(text: str) -> str:
    """A message as staff may read it: the links to own pages are not theirs."""
    return _IN_TEXT.sub("/me/…", text)


def _digest(token: str) -> bytes:
    return hashlib.sha256(token.encode()).digest()
