"""A sandbox with two reps and two physicians, and a receiver of its callbacks."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.conftest import SetClock
from tests.sandbox.fixtures import PEOPLE, Receiver, Sandbox, running


@pytest.fixture
def receiver(clock: SetClock) -> Receiver:
    return Receiver(clock)


@pytest.fixture
def sandbox(clock: SetClock, receiver: Receiver) -> Iterator[Sandbox]:
    with running(clock=clock, post=receiver, people=PEOPLE) as ready:
        yield ready


@pytest.fixture
def external(sandbox: Sandbox) -> str:
    return str(sandbox.add_contact(userid="rep01", person="wang")["external_userid"])
