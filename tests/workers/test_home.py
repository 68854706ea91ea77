"""A worker's own bells wake its own threads; all others ring where other processes hear them."""

from __future__ import annotations

import threading

from app import delivery, inbox
from app.infra.queue import FAST, NORMAL
from workers.home import HomeBell
from workers.jobs import ALLOWED
from workers.polling import AT_HOME, LOOKS


class Elsewhere:
    def __init__(self) -> None:
        self.heard: list[tuple[str, tuple[int | str, ...], str]] = []

    def ring(self, job: str, *ids: int | str, lane: str = NORMAL) -> None:
        self.heard.append((job, ids, lane))


def test_only_what_this_process_looks_for_anyway_stays_at_home() -> None:
    other, awake = Elsewhere(), threading.Event()
    bell = HomeBell(other, {delivery.DRAIN: awake})
    bell.ring(delivery.DRAIN, lane=FAST)
    assert awake.is_set()
    assert other.heard == []
    awake.clear()
    bell.ring(delivery.DRAIN, 12)  # one message, and not all
    bell.ring(inbox.DRAIN, lane=FAST)
    assert other.heard == [(delivery.DRAIN, (12,), NORMAL), (inbox.DRAIN, (), FAST)]
    assert not awake.is_set()


def test_what_stays_at_home_is_a_job_that_a_look_does() -> None:
    assert set(AT_HOME) <= ALLOWED
    assert set(AT_HOME.values()) <= set(LOOKS)
