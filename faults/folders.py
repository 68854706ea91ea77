"""Where runs keep their files: none stays behind unless somebody shall look at it.

Whoever uses a folder holds a lock in it, which the system takes back however he ends; what an
ended run has left is removed by the next one. A folder that was kept on purpose has no such lock.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import subprocess
import tempfile
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from faults.disk import Disk

PLACE = Path("/tmp")  # short on every system: the paths of sockets may not be long
PREFIX = "yishu-faults-"
LOCK = "in-use"


class Folder:
    """A new folder at `path`, for as long as this process lives."""

    def __init__(self, name: str) -> None:
        self.path = Path(tempfile.mkdtemp(prefix=f"{PREFIX}{name}-", dir=PLACE))
        self.path.chmod(0o711)  # PostgreSQL runs as somebody else and must find his own below it
        self._lock: BinaryIO = (self.path / LOCK).open("wb")
        fcntl.flock(self._lock, fcntl.LOCK_EX)

    def mount(self, megabytes: int) -> Path:
        """A disk of so many MB in it. Needs root."""
        disk = self.path / "disk"
        disk.mkdir()
        size = f"size={megabytes}m"
        subprocess.run(["mount", "-t", "tmpfs", "-o", size, "tmpfs", str(disk)], check=True)
        return disk

    def powered(self, megabytes: int) -> Disk:
        """A disk of so many MB in it whose power can be cut. Needs root."""
        place = self.path / "disk"
        place.mkdir()
        return Disk(place, megabytes)

    def keep(self) -> None:
        """Leave it for somebody to look at; what was on a mounted disk is copied."""
        if (self.path / "disk").is_mount():
            with suppress(shutil.Error):  # sockets, and what a cut disk does not give
                shutil.copytree(self.path / "disk", self.path / "disk-copy", dirs_exist_ok=True)
            _unmount(self.path)
        (self.path / LOCK).unlink()
        self._lock.close()

    def remove(self) -> None:
        """Remove it."""
        _remove(self.path)
        self._lock.close()


def tidy() -> int:
    """Remove what runs that were cut off have left; returns how many folders."""
    removed = 0
    for path in PLACE.glob(f"{PREFIX}*"):
        with suppress(OSError), (path / LOCK).open("rb+") as lock:
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            _remove(path)
            removed += 1
    return removed


def _remove(path: Path) -> None:
    _unmount(path)
    shutil.rmtree(path, ignore_errors=True)


def _unmount(path: Path) -> None:
    if os.path.ismount(path / "disk"):
        subprocess.run(["umount", "-l", str(path / "disk")], check=False)
