"""Access tokens, fetched by one process and shared through the database by all.

The platforms punish what a naive client does: many workers asking at once, loops on a wrong
secret. So: one fetcher at a time (a lock row with an owner and an end), losers wait a little or
use the old token while it lives, a refused secret is remembered, and a token that the platform
called expired is replaced only if nobody has replaced it yet.

The lock ends before those who wait give up, so that a fetcher who was killed costs nobody an
attempt. A fetch that takes longer may be joined by another one every few seconds; whoever is first
stores. An end that lies further away than any of ours comes from a wrong clock and counts for
nothing.
"""

from __future__ import annotations

import secrets
import time
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from hashlib import sha256
from typing import Any

from sqlalchemy import or_, update

from app.connectors.errors import BadCredential, Busy, NotSent, OutcomeUnknown
from app.connectors.models import PlatformToken
from app.infra.clock import Clock
from app.infra.db import Database, insert_once
from app.infra.errors import Permanent, Transient

EARLY = timedelta(seconds=300)  # refresh so long before the end
KEPT = timedelta(seconds=10)  # used so long without looking whether it was replaced
LOCK = timedelta(seconds=3)  # of one fetcher, shorter than the others' patience
WAIT_S, WAIT_STEP_S = 5.0, 0.05
REFUSED = timedelta(minutes=10)  # after a wrong secret: repeated ones block our address
BARRED = timedelta(minutes=1)  # address or permission missing: a new setting works after a minute


@dataclass(frozen=True, slots=True)
class Token:
    """A token's text and its generation."""

    value: str
    generation: int


Fetch = Callable[[], tuple[str, int]]
"""Asks the platform: (token, seconds it lives). Raises a Permanent or a Transient error."""


def token_key(platform: str, account: str, app: str, secret: str) -> str:
    """The name of a token: a corrected secret has a new one, so nothing old stands in its way."""
    mark = sha256(secret.encode()).hexdigest()[:8]
    return f"{platform}:{account}:{app}:{mark}"


def token_in(answer: dict[str, Any], name: str) -> tuple[str, int]:
    """Token and lifetime in a platform's answer. Raises NotSent for an answer without them."""
    value, lifetime_s = answer.get(name), answer.get("expires_in")
    if not isinstance(value, str) or not value or not isinstance(lifetime_s, int):
        raise NotSent(f"{name}: the answer has none")
    return value, lifetime_s


class TokenProvider:
    """Tokens by key (see token_key)."""

    def __init__(
        self, db: Database, clock: Clock, *, pause: Callable[[float], None] = time.sleep
    ) -> None:
        self._db = db
        self._clock = clock
        self._pause = pause
        self._kept: dict[str, tuple[Token, datetime]] = {}

    def get(self, key: str, fetch: Fetch, *, not_generation: int | None = None) -> Token:
        """A living token. `not_generation`: the one that the platform just refused.

        Raises BadCredential while the platform is known to refuse us, Busy when another process
        holds the lock and no usable token appears in time, and whatever `fetch` raises; never
        OutcomeUnknown, since what the token is for has not begun.
        """
        kept = self._kept.get(key)
        if kept and not_generation is None and self._clock() < kept[1]:
            return kept[0]
        waited_s = 0.0
        while True:
            row = self._read(key)
            fresh = self._fresh(key, row, not_generation)
            if fresh:
                if row and row.expires_at:
                    until = min(self._clock() + KEPT, row.expires_at - EARLY)
                    self._kept[key] = fresh, until
                return fresh
            holder = self._lock(key, row)
            if holder:
                return self._refresh(key, fetch, holder, not_generation)
            living = self._living(row, not_generation)
            if living:
                return living  # another process refreshes; the old one still works
            if waited_s >= WAIT_S:
                raise Busy(f"{key}: waiting for another process to fetch the token")
            self._pause(WAIT_STEP_S)
            waited_s += WAIT_STEP_S

    def _refresh(self, key: str, fetch: Fetch, holder: str, not_generation: int | None) -> Token:
        row = self._read(key)
        kept: dict[str, datetime] = {}
        try:
            fresh = self._fresh(key, row, not_generation)
            known = row.generation if row else 0
            return fresh or self._store(key, known, *fetch())  # fresh: somebody was faster
        except (Transient, Permanent) as problem:
            if isinstance(problem, Permanent):
                pause = REFUSED if isinstance(problem, BadCredential) else BARRED
                kept["refused_until"] = self._clock() + pause
            living = self._living(row, not_generation)
            if living:
                return living
            if isinstance(problem, OutcomeUnknown):
                raise NotSent(f"no token: {problem}") from None
            raise
        finally:
            self._unlock(key, holder, kept)

    def _read(self, key: str) -> PlatformToken | None:
        with self._db.reading() as session:
            return session.get(PlatformToken, key)

    def _fresh(
        self, key: str, row: PlatformToken | None, not_generation: int | None
    ) -> Token | None:
        """The token if it need not be refreshed yet. Raises BadCredential while we are refused."""
        living, now = self._living(row, not_generation), self._clock()
        if living and row and row.expires_at and row.expires_at - EARLY > now:
            return living
        if row and row.refused_until and now < row.refused_until <= now + REFUSED:
            if living:
                return living
            raise BadCredential(f"{key}: the platform refused us; not asking again yet")
        return None

    def _living(self, row: PlatformToken | None, not_generation: int | None) -> Token | None:
        if row is None or row.value is None or row.generation == not_generation:
            return None
        if row.expires_at is None or row.expires_at <= self._clock():
            return None
        return Token(row.value, row.generation)

    def _lock(self, key: str, row: PlatformToken | None) -> str | None:
        holder, now = secrets.token_hex(8), self._clock()
        if row and row.lock_until and now <= row.lock_until <= now + LOCK:
            return None
        with self._db.transaction() as session:
            if row is None:
                insert_once(session, PlatformToken, {"key": key, "generation": 0}, "key")
            taken = session.execute(
                update(PlatformToken)
                .where(
                    PlatformToken.key == key,
                    or_(
                        PlatformToken.lock_until.is_(None),
                        PlatformToken.lock_until < now,
                        PlatformToken.lock_until > now + LOCK,
                    ),
                )
                .values(lock_holder=holder, lock_until=now + LOCK)
            )
            return holder if taken.rowcount else None  # type: ignore[attr-defined]

    def _unlock(self, key: str, holder: str, also: dict[str, datetime]) -> None:
        with self._db.transaction() as session:
            session.execute(
                update(PlatformToken)
                .where(PlatformToken.key == key, PlatformToken.lock_holder == holder)
                .values(lock_holder=None, lock_until=None, **also)
            )

    def _store(self, key: str, known: int, value: str, lifetime_s: int) -> Token:
        """Keep the token unless another one than `known` is kept by now."""
        now = self._clock()
        with self._db.transaction() as session:
            row = session.get_one(PlatformToken, key, with_for_update=True)
            if row.generation != known:  # we took too long: another process has gone ahead
                return Token(value, row.generation)
            row.value = value
            row.generation += 1
            row.fetched_at, row.expires_at = now, now + timedelta(seconds=lifetime_s)
            row.refused_until = None
            return Token(value, row.generation)
