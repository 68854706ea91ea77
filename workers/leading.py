"""One scheduler leads; another takes over within seconds when it dies."""

from __future__ import annotations

import os
import secrets
import socket
import time

from prometheus_client import Gauge

from app.bootstrap import Parts
from app.infra import leader, log
from app.infra.leader import Deposed
from workers.sweeping import OFFICE, keep_plans, tick

TICK_EVERY_S = 10.0
PLANS_EVERY_S = 30.0

_leads = Gauge("yishu_scheduler_term", "Term in which this scheduler leads; 0: another does")
_log = log.get(__name__)


class Leadership:
    """What this process knows of its office. `beat` once a second."""

    def __init__(self, parts: Parts) -> None:
        self._parts = parts
        self.holder = f"{socket.gethostname()[:40]}:{os.getpid()}:{secrets.token_hex(4)}"
        self.term = 0
        self._tick_at = self._plans_at = 0.0

    def beat(self) -> None:
        """Hold, take or respect the office; do a leader's work when it is time."""
        term = self._stand() or 0
        if term != self.term:
            _log.info("leading" if term else "another scheduler leads", term=term or self.term)
            self.term = term
            self._tick_at = self._plans_at = 0.0
            _leads.set(term)
        if not term:
            return
        try:
            self._work(term)
        except Deposed:
            _log.warning("a newer term has begun, nothing was written", term=term)
            self.term = 0
            _leads.set(0)

    def resign(self) -> None:
        """Leave the office to whoever asks next, instead of letting the lease run out."""
        with self._parts.db.transaction() as session:
            leader.resign(session, OFFICE, self.holder, self._parts.clock())
        self.term = 0
        _leads.set(0)

    def _stand(self) -> int | None:
        db, now = self._parts.db, self._parts.clock()
        with db.reading() as session:
            if not leader.wants_writing(session, OFFICE, self.holder, now):
                return leader.term_of(session, OFFICE, self.holder, now)
        with db.transaction() as session:
            return leader.lead(session, OFFICE, self.holder, now)

    def _work(self, term: int) -> None:
        here = time.monotonic()
        if here >= self._plans_at:
            keep_plans(self._parts, term)
            self._plans_at = here + PLANS_EVERY_S
        if here >= self._tick_at:
            tick(self._parts, term)
            self._tick_at = here + TICK_EVERY_S
