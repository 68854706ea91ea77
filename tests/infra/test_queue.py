"""Bells: quick, harmless when lost, and never in anybody's way."""

from __future__ import annotations

import socket
import threading
import time
from pathlib import Path

import pytest
import redis

from app.infra import queue
from app.infra.queue import FAST, NORMAL, BackgroundBell, RedisBell, connect_bell

JOB = "workers.jobs.inbox.drain"


class Listener:
    """A bell that remembers, and is slow when told so."""

    def __init__(self) -> None:
        self.heard: list[tuple[str, tuple[int | str, ...], str]] = []
        self.open = threading.Event()
        self.open.set()

    def ring(self, job: str, *ids: int | str, lane: str = NORMAL) -> None:
        self.open.wait(5)
        self.heard.append((job, ids, lane))


def heard(listener: Listener, number: int) -> bool:
    deadline = time.monotonic() + 5
    while len(listener.heard) < number and time.monotonic() < deadline:
        threading.Event().wait(0.005)
    return len(listener.heard) >= number


def test_a_dead_redis_costs_a_ringer_next_to_nothing(tmp_path: Path) -> None:
    bell = RedisBell(connect_bell(f"unix://{tmp_path}/nobody.sock"))
    began = time.monotonic()
    for _ in range(1000):
        bell.ring(JOB)
    assert time.monotonic() - began < 0.5


def test_a_redis_that_hangs_costs_one_time_out_and_not_one_each(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "s"))
        silent.listen(10)
        bell = RedisBell(connect_bell(f"unix://{tmp_path}/s"))
        began = time.monotonic()
        for _ in range(100):
            bell.ring(JOB)
        assert time.monotonic() - began < 1.0


def test_ringing_in_the_background_never_waits() -> None:
    listener = Listener()
    listener.open.clear()
    bell = BackgroundBell(listener)
    began = time.monotonic()
    for _ in range(500):
        bell.ring(JOB)
    assert time.monotonic() - began < 0.5
    listener.open.set()
    assert heard(listener, 1)


def test_bells_that_wait_together_ring_once_and_none_is_lost() -> None:
    listener = Listener()
    listener.open.clear()
    bell = BackgroundBell(listener)
    bell.ring("workers.jobs.sends.send", 1)
    threading.Event().wait(0.05)  # the first is being rung, the rest waits
    for _ in range(20):
        bell.ring(JOB)
        bell.ring("workers.jobs.sends.send", 2)
        bell.ring(JOB, lane=FAST)
    listener.open.set()
    assert heard(listener, 4)
    assert listener.heard[1] == (JOB, (), FAST)  # the fast lane first
    assert len(listener.heard) == 4


def test_a_bell_carries_a_name_and_ids_only(valkey_url: str) -> None:
    store = redis.Redis.from_url(valkey_url)
    store.flushdb()
    RedisBell(queue.connect_bell(valkey_url)).ring("workers.jobs.sends.send", 42)
    (key,) = store.keys("rq:job:*")
    fields = store.hgetall(key)
    assert fields[b"description"] == b"workers.jobs.sends.send(42)"
    assert 0 < store.ttl(key) <= queue.BELL_TTL_S
    assert b"result_ttl" in fields
    assert fields[b"result_ttl"] == b"0"
    store.flushdb()


def test_after_a_while_a_returned_redis_is_heard_again(
    valkey_url: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(queue, "DEAF_S", 0.05)
    bell = RedisBell(connect_bell("unix:///nowhere/at.all"))
    bell.ring(JOB)
    listener = RedisBell(connect_bell(valkey_url))
    bell._queues = listener._queues
    store = redis.Redis.from_url(valkey_url)
    store.flushdb()
    bell.ring(JOB)
    assert store.llen("rq:queue:normal") == 0
    threading.Event().wait(0.06)
    bell.ring(JOB)
    assert store.llen("rq:queue:normal") == 1
    store.flushdb()
