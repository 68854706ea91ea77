"""Access tokens, fetched by one process and shared through the database by all.

The platforms punish what a naive client does: many workers asking at once, loops on a wrong
secret. So: one fetcher at a time (a lock row with an owner and an end), losers wait a little or
use the old token while it lives, a refused secret is remembered, and a token that the platform
called expired is replaced only if nobody has replaced it yet.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import or_, update

from app.connectors.errors import BadCredential, Busy
from app.connectors.models import PlatformToken
from app.infra.clock import Clock
from app.infra.db import Database, insert_once

EARLY = timedelta(seconds=300)  # refresh so long before the end
LOCK = timedelta(seconds=20)  # longer than any token call may take
WAIT_S, WAIT_STEP_S = 3.0, 0.05
REFUSED = timedelta(minutes=10)  # after a wrong secret: repeated ones block our address


@dataclass(frozen=True, slots=True)
class Token:
    """A token's text and its generation."""

    value: str
    generation: int


Fetch = Callable[[], tuple[str, int]]
"""Asks the platform: (token, seconds it lives). Raises BadCredential or a Transient error."""


class TokenProvider:
    """Tokens by key; a key names platform, account and app, never a secret."""

    def __init__(
        self, db: Database, clock: Clock, *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._db = db
        self._clock = clock
        self._pause = pause

    def get(self, key: str, fetch: Fetch, *, not_generation: int | None = None) -> Token:
        """A living token. `not_generation`: the one that the platform just refused.

        Raises BadCredential while the secret is known to be wrong, Busy when another process
        holds the lock and no usable token appears in time, and whatever `fetch` raises.
        """
        deadline = WAIT_S
        while True:
            row = self._read(key)
            now = self._clock()
            usable = self._usable(row, now, not_generation)
            if usable and row and row.expires_at and row.expires_at - EARLY > now:
                return usable
            if row and row.refused_until and row.refused_until > now:
                raise BadCredential(f"{key}: the platform refused the secret; not asking again yet")
            holder = self._lock(key, now)
            if holder:
                return self._refresh(key, fetch, holder, not_generation)
            if usable:
                return usable  # another process refreshes; the old one still lives
            if deadline <= 0:
                raise Busy(f"{key}: waiting for another process to fetch the token")
            self._pause(WAIT_STEP_S)
            deadline -= WAIT_STEP_S

    def _refresh(self, key: str, fetch: Fetch, holder: str, not_generation: int | None) -> Token:
        row = self._read(key)
        now = self._clock()
        usable = self._usable(row, now, not_generation)
        if usable and row and row.expires_at and row.expires_at - EARLY > now:
            self._unlock(key, holder)  # somebody was faster between our look and our lock
            return usable
        try:
            value, lifetime_s = fetch()
        except BadCredential:
            self._unlock(key, holder, refused_until=now + REFUSED)
            raise
        except BaseException:
            self._unlock(key, holder)
            raise
        return self._store(key, holder, value, lifetime_s)

    def _read(self, key: str) -> PlatformToken | None:
        with self._db.reading() as session:
            return session.get(PlatformToken, key)

    def _usable(
        self, row: PlatformToken | None, now: datetime, not_generation: int | None
    ) -> Token | None:
        if row is None or row.value is None or row.expires_at is None or row.expires_at <= now:
            return None
        if row.generation == not_generation:
            return None
        return Token(row.value, row.generation)

    def _lock(self, key: str, now: datetime) -> str | None:
        holder = secrets.token_hex(8)
        with self._db.transaction() as session:
            if session.get(PlatformToken, key) is None:
                insert_once(session, PlatformToken, {"key": key, "generation": 0}, "key")
            taken = session.execute(
                update(PlatformToken)
                .where(
                    PlatformToken.key == key,
                    or_(PlatformToken.lock_until.is_(None), PlatformToken.lock_until < now),
                )
                .values(lock_holder=holder, lock_until=now + LOCK)
            )
            return holder if taken.rowcount else None  # type: ignore[attr-defined]

    def _unlock(self, key: str, holder: str, refused_until: datetime | None = None) -> None:
        with self._db.transaction() as session:
            session.execute(
                update(PlatformToken)
                .where(PlatformToken.key == key, PlatformToken.lock_holder == holder)
                .values(lock_holder=None, lock_until=None, refused_until=refused_until)
            )

    def _store(self, key: str, holder: str, value: str, lifetime_s: int) -> Token:
        now = self._clock()
        with self._db.transaction() as session:
            row = session.get_one(PlatformToken, key)
            row.value = value
            row.generation += 1
            row.fetched_at, row.expires_at = now, now + timedelta(seconds=lifetime_s)
            row.refused_until = None
            if row.lock_holder == holder:
                row.lock_holder = row.lock_until = None
            return Token(value, row.generation)
