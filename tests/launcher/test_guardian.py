"""Nothing that we started outlives us, however we end."""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time

import pytest

from launcher.guardian import end

PARENT = """
import subprocess, sys, time
from launcher.guardian import Guardian
child = subprocess.Popen({child!r}, start_new_session=True, stdout=subprocess.DEVNULL)
Guardian().watch(child.pid)
print(child.pid, flush=True)
time.sleep(60)
"""
STUBBORN = [sys.executable, "-c", "import signal, time; signal.signal(15, signal.SIG_IGN); "
            "print('ready', flush=True); time.sleep(60)"]  # fmt: skip


@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_child_ends_when_its_parent_is_killed(number: signal.Signals) -> None:
    parent = subprocess.Popen(
        [sys.executable, "-c", PARENT.format(child=["sleep", "60"])],
        stdout=subprocess.PIPE, text=True,
    )  # fmt: skip
    assert parent.stdout
    child = int(parent.stdout.readline())
    assert is_alive(child)
    parent.send_signal(number)
    parent.wait()
    assert ends_soon(child)


def test_a_group_that_ignores_sigterm_is_killed() -> None:
    child = subprocess.Popen(STUBBORN, stdout=subprocess.PIPE, start_new_session=True)
    assert child.stdout
    child.stdout.readline()
    end({child.pid}, grace_s=0.2)
    assert child.wait(5) == -signal.SIGKILL


def is_alive(pid: int) -> bool:
    """True when the process exists and is not a zombie."""
    state = subprocess.run(["ps", "-o", "stat=", "-p", str(pid)], capture_output=True, text=True)
    return state.stdout.strip()[:1] not in ("", "Z")


def ends_soon(pid: int, within_s: float = 5.0) -> bool:
    """True when the process is gone within that time."""
    deadline = time.monotonic() + within_s
    while is_alive(pid):
        if time.monotonic() > deadline:
            os.kill(pid, signal.SIGKILL)
            return False
        time.sleep(0.05)
    return True
