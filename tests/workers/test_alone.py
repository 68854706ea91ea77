"""One thread at a time, and nobody's wish is forgotten."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from workers.alone import Alone


def test_who_comes_meanwhile_does_not_wait_and_is_not_forgotten() -> None:
    alone, inside, go_on = Alone(), threading.Event(), threading.Event()
    looks: list[str] = []

    def look() -> int:
        looks.append(threading.current_thread().name)
        inside.set()
        assert go_on.wait(5)
        return 1

    with ThreadPoolExecutor(1, "first") as pool:
        first = pool.submit(alone.work, look)
        assert inside.wait(5)
        assert alone.answer(look) == 0
        assert alone.answer(look) == 0
        go_on.set()
        assert first.result(5) == 2  # once more for both
    assert set(looks) == {"first_0"}


def test_a_bell_is_answered_once_however_many_ring_meanwhile() -> None:
    """RQ ends a job after some minutes, wherever it is."""
    alone, looks = Alone(), 0

    def look() -> int:
        nonlocal looks
        looks += 1
        with ThreadPoolExecutor(1) as pool:  # somebody asks, each time
            assert pool.submit(alone.answer, look).result(5) == 0
        return 1

    assert alone.answer(look) == 1
    assert looks == 1
    assert alone.work(look) == 2  # once for what was left, once for who asked meanwhile
    assert looks == 3


def test_no_wish_is_lost_between_two_looks() -> None:
    alone, wishes, seen = Alone(), 0, 0
    lock = threading.Lock()

    def look() -> int:
        nonlocal seen
        seen = wishes
        return 1

    def wish(_: int) -> None:
        nonlocal wishes
        with lock:
            wishes += 1
        alone.answer(look)

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(wish, range(2000)))
    alone.work(look)
    assert seen == 2000


def test_a_failure_leaves_the_place_free() -> None:
    alone = Alone()

    def fail() -> int:
        raise ValueError

    with pytest.raises(ValueError):
        alone.work(fail)
    assert alone.work(lambda: 3) == 3


def test_the_thread_that_looks_by_itself_waits_for_its_turn_and_then_looks() -> None:
    """A bell at home is used up by its look, which must not find somebody at the end of his."""
    alone, inside, go_on = Alone(), threading.Event(), threading.Event()
    looks: list[str] = []

    def last_of_a_bell() -> int:
        inside.set()
        assert go_on.wait(5)
        looks.append("bell")
        return 0

    with ThreadPoolExecutor(2) as pool:
        bell = pool.submit(alone.answer, last_of_a_bell)
        assert inside.wait(5)
        own = pool.submit(alone.work, lambda: looks.append("own") or 7)
        go_on.set()
        assert bell.result(5) == 0
        assert own.result(5) == 7
    assert looks == ["bell", "own"]
