"""Children of `up`: restarted with patience, loud when something is wrong, gone at the end."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from launcher import processes
from launcher.guardian import Guardian
from launcher.processes import Family, Leaving
from launcher.tell import Trouble
from tests.launcher.test_guardian import is_alive


@pytest.fixture
def family(monkeypatch: pytest.MonkeyPatch) -> Iterator[Family]:
    monkeypatch.setattr(processes, "FIRST_PAUSE_S", 0.1)
    made = Family({"PATH": "/usr/bin:/bin"}, Guardian())
    yield made
    made.stop()


def python(code: str) -> list[str]:
    return [sys.executable, "-c", code]


def look_until(family: Family, is_so: Callable[[], bool], within_s: float = 10.0) -> None:
    deadline = time.monotonic() + within_s
    while not is_so():
        assert time.monotonic() < deadline
        for child in family.children:
            family._look_after(child)
        time.sleep(0.02)


def test_a_child_that_crashes_comes_back_and_the_pause_grows(
    family: Family, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    child = family.start("worker", python("raise SystemExit(3)"), tmp_path)
    child.pause_s = 0.1
    pauses = []
    for _ in range(2):
        look_until(family, lambda: child.process is None)
        pauses.append(child.pause_s)
        look_until(family, lambda: child.process is not None)
    assert pauses == [0.2, 0.4]
    assert "worker ended (exit code 3); starting it again" in capsys.readouterr().err


def test_warnings_reach_the_terminal_and_the_rest_only_the_log(
    family: Family, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    code = """
import time
print('{"event": "fine", "level": "info"}')
print('{"event": "trouble", "level": "warning"}', flush=True)
time.sleep(60)
"""
    child = family.start("web", python(code), tmp_path)
    look_until(family, lambda: child.read > 0)
    said = capsys.readouterr().out
    assert "trouble" in said
    assert "fine" not in said
    assert "fine" in child.log.read_text()


def test_a_child_that_does_not_start_is_explained_by_its_log(
    family: Family, tmp_path: Path
) -> None:
    child = family.start("web", python("raise SystemExit('no such setting')"), tmp_path)
    with pytest.raises(Trouble, match="web does not start") as trouble:
        family.wait_until(child, lambda: False, within_s=10)
    assert "no such setting" in str(trouble.value)


def test_a_failing_command_is_explained_by_its_log(family: Family, tmp_path: Path) -> None:
    with pytest.raises(Trouble, match="exit code 1") as trouble:
        family.finish("migrate", python("raise SystemExit('the disk is full')"), tmp_path)
    assert "the disk is full" in str(trouble.value)
    assert family.finish("migrate", python("print('schema 1')"), tmp_path) == "schema 1\n"


def test_leaving_interrupts_waiting_and_stopping_leaves_nobody(tmp_path: Path) -> None:
    family = Family({"PATH": "/usr/bin:/bin"}, Guardian())
    code = "import subprocess, time; subprocess.Popen(['sleep', '60']); print(1); time.sleep(60)"
    child = family.start("web", python(code), tmp_path)
    assert child.process
    family.leaving.set()
    with pytest.raises(Leaving):
        family.wait_until(child, lambda: False, within_s=10)
    pid = child.process.pid
    family.stop()
    assert not is_alive(pid)
    with pytest.raises(ProcessLookupError):
        processes.os.killpg(pid, 0)
