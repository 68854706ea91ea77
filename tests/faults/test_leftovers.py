"""Nothing stays behind: no folder of a run that was cut off, no process of a nursery."""

from __future__ import annotations

import os
import sys
from contextlib import suppress
from pathlib import Path

import pytest

from faults import folders
from faults.folders import LOCK, Folder, tidy
from faults.nursery import Nursery
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


def test_a_nursery_takes_its_children_with_it(tmp_path: Path) -> None:
    guardian = Guardian()
    nursery = Nursery(guardian, tmp_path)
    child = nursery.spawn(["timeit", "-n", "1", "import time; time.sleep(600)"],
                          dict(os.environ), tmp_path / "log")  # fmt: skip
    assert child.poll() is None
    nursery.close()
    guardian.close()
    with suppress(ProcessLookupError):
        os.kill(child.pid, 0)
        if sys.platform == "linux":
            state = Path(f"/proc/{child.pid}/stat").read_text().rpartition(")")[2].split()[0]
            assert state == "Z"
