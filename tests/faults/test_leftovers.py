"""Nothing stays behind: no folder of a run that was cut off, no process of a nursery."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from faults import folders
from faults.folders import LOCK, Folder, tidy
from faults.nursery import Child, Nursery
from launcher.guardian import Guardian


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.setattr(folders, "PLACE", tmp_path)
    return tmp_path


def test_what_a_run_that_was_killed_has_left_is_removed_by_the_next(place: Path) -> None:
    left = place / f"{folders.PREFIX}sqlite-1-abc"
    (left / "log").mkdir(parents=True)
    (left / LOCK).touch()  # its owner's lock went with him
    (place / "somebody-elses").mkdir()
    here = Folder("sqlite-2")
    kept = Folder("sqlite-3")
    kept.keep()
    assert tidy() == 1
    assert not left.exists()
    assert here.path.exists()
    assert kept.path.exists()
    assert (place / "somebody-elses").exists()
    here.remove()
    assert not here.path.exists()


@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
def test_a_nursery_takes_its_children_with_it_and_who_is_left_below_them(tmp_path: Path) -> None:
    guardian = Guardian()
    nursery = Nursery(guardian, tmp_path)

    def spawn(does: str) -> Child:
        argv = ["timeit", "-n", "1", "-r", "1", f"import os, time; {does}"]
        return nursery.spawn(argv, dict(os.environ), tmp_path / "log")

    lives, ended = spawn("time.sleep(600)"), spawn("os.fork() or time.sleep(600)")
    ended.wait(20)
    groups = lives.pid, ended.pid
    assert [len(alive(group)) for group in groups] == [1, 1]
    nursery.close()
    assert [alive(group) for group in groups] == [[], []]
    guardian.close()


def alive(group: int) -> list[int]:
    """Who of a process group has not ended."""
    found = []
    for path in Path("/proc").iterdir():
        with suppress(OSError, ValueError):
            state, _parent, its = (path / "stat").read_text().rpartition(")")[2].split()[:3]
            if int(its) == group and state != "Z":
                found.append(int(path.name))
    return found
