"""A disk of its own whose power can be cut: what was not synced is lost, as when a machine dies.

An ext4 file system in a file. Its shutdown (EXT4_IOC_SHUTDOWN without a flush of the journal, which
file system developers use for the same purpose) stops all writing at once: pages that were written
but not synced are gone, and a sync that is under way fails. At the next mount the journal is
replayed. Linux, and root.
"""

from __future__ import annotations

import fcntl
import os
import shutil
import struct
import subprocess
import time
from pathlib import Path

SHUTDOWN = 0x8004587D  # _IOR('X', 125, __u32)
NO_LOG_FLUSH = 2
UNMOUNTED_WITHIN_S = 10.0
TOOLS = ("mkfs.ext4", "mount", "umount", "sync")


def why_not() -> str:
    """Why there can be no such disk here; empty when there can be."""
    if os.geteuid() != 0:
        return "needs root to mount a disk of its own"
    missing = [tool for tool in TOOLS if shutil.which(tool) is None]
    if missing:
        return f"needs {', '.join(missing)}"
    return "" if Path("/dev/loop-control").exists() else "needs loop devices"


class Disk:
    """A new disk of so many MB at `place`, an empty folder; mounted."""

    def __init__(self, place: Path, megabytes: int) -> None:
        self.place, self._image = place, place.with_suffix(".img")
        with self._image.open("wb") as image:
            image.truncate(megabytes << 20)
        _run("mkfs.ext4", "-q", "-F", "-m", "0", str(self._image))
        self.mount()

    def mount(self) -> None:
        """As when the machine starts."""
        _run("mount", "-o", "loop", str(self._image), str(self.place))

    def settle(self) -> None:
        """What is there now stays: a database that was made a moment ago has not synced itself."""
        _run("sync", "-f", str(self.place))

    def cut(self) -> None:
        """The power fails."""
        folder = os.open(self.place, os.O_RDONLY)
        try:
            fcntl.ioctl(folder, SHUTDOWN, struct.pack("I", NO_LOG_FLUSH))
        finally:
            os.close(folder)

    def unmount(self) -> None:
        """Everybody who had files open is dead. Raises CalledProcessError when somebody is not."""
        end = time.monotonic() + UNMOUNTED_WITHIN_S
        while subprocess.run(["umount", str(self.place)], capture_output=True).returncode:
            if time.monotonic() > end:
                _run("umount", str(self.place))
            time.sleep(0.05)


class Witness:
    """Two files before a cut, one synced and one not: whether it was a cut at all."""

    def __init__(self, disk: Disk) -> None:
        self._disk = disk
        self._synced, self._loose = disk.place / "synced", disk.place / "loose"

    def before(self, cut: int) -> None:
        """Write both."""
        self._loose.unlink(missing_ok=True)
        self._write(self._synced, cut, sync=True)
        folder = os.open(self._disk.place, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
        self._write(self._loose, cut, sync=False)

    def after(self, cut: int) -> str:
        """What is wrong; empty when the one is there and the other is not."""
        if not self._synced.exists() or self._synced.read_text() != _text(cut):
            return "what was synced is lost: this disk loses more than a disk may"
        if self._loose.exists() and self._loose.read_text() == _text(cut):
            return "what was not synced is there: this was no power cut"
        return ""

    def _write(self, path: Path, cut: int, *, sync: bool) -> None:
        with path.open("w") as file:
            file.write(_text(cut))
            file.flush()
            if sync:
                os.fsync(file.fileno())


def _text(cut: int) -> str:
    return f"cut {cut}\n" * 1000


def _run(*command: str) -> None:
    subprocess.run(command, check=True, capture_output=True)
