"""Bearer tokens for systems. A token is shown once; the database keeps its SHA-256."""

from __future__ import annotations

import hashlib
import hmac
import secrets
from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.accounts.models import ApiToken, Role
from app.infra.errors import NotFound, Refused

PREFIX = "ys_"
TOUCH_EVERY = timedelta(minutes=5)  # `last_used_at` need not be written on each request


@dataclass(frozen=True, slots=True)
class TokenHolder:
    """Which system calls, and what it may do."""

    name: str
    role: Role
    token_id: int | None = None  # None: the set-up token of the environment
    last_used_at: datetime | None = None


def create_token(session: Session, name: str, role: Role, *, now: datetime) -> str:
    """A new token; the returned text cannot be read again. Raises Refused for a used name."""
    name = name.strip()
    if not name:
        raise Refused("请给令牌取一个名字，例如系统名称。")
    if role is Role.REP:
        raise Refused("接口令牌不能使用代表角色。")
    if session.scalar(select(ApiToken.id).where(ApiToken.name == name)):
        raise Refused(f"令牌 {name} 已存在，请换一个名字。")
    text = PREFIX + secrets.token_urlsafe(32)
    session.add(ApiToken(name=name, token_hash=_digest(text), role=role, created_at=now))
    session.flush()
    return text


def token_holder(session: Session, text: str, setup_token: str) -> TokenHolder | None:
    """Who holds `text`, or None. `setup_token` (from the environment, may be empty) is an admin."""
    if setup_token and hmac.compare_digest(text.encode(), setup_token.encode()):
        return TokenHolder("setup", Role.ADMIN)
    token = session.scalar(
        select(ApiToken).where(ApiToken.token_hash == _digest(text), ApiToken.revoked_at.is_(None))
    )
    if token is None:
        return None
    return TokenHolder(token.name, Role(token.role), token.id, token.last_used_at)


def touch_is_due(holder: TokenHolder, now: datetime) -> bool:
    """True when the last use should be written down again."""
    used = holder.last_used_at
    return holder.token_id is not None and (used is None or now - used > TOUCH_EVERY)


def touch_token(session: Session, holder: TokenHolder, now: datetime) -> None:
    """Note that the token was used."""
    session.execute(update(ApiToken).where(ApiToken.id == holder.token_id).values(last_used_at=now))


def list_tokens(session: Session) -> Sequence[ApiToken]:
    """All tokens, newest first."""
    return session.scalars(select(ApiToken).order_by(ApiToken.id.desc())).all()


def revoke_token(session: Session, token_id: int, *, now: datetime) -> ApiToken:
    """The token stops working at once. Raises NotFound."""
    token = session.get(ApiToken, token_id)
    if token is None:
        raise NotFound("没有这个令牌。")
    token.revoked_at = token.revoked_at or now
    return token


def _digest(text: str) -> bytes:
    return hashlib.sha256(text.encode()).digest()
