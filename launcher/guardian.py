"""Leaves no process behind: stops the groups it was told of when its parent is gone.

A small process of its own that reads `+group` and `-group` lines from a pipe. The pipe ends when
the parent ends, also by `kill -9`; then it ends every group that is left.
"""

from __future__ import annotations

import os
import signal
import subprocess
import sys
import time
from contextlib import suppress
from pathlib import Path

GRACE_S = 6.0


class Guardian:
    """The parent's end: `watch` a process group, `release` it when it has ended by itself."""

    def __init__(self, keep_open: int | None = None) -> None:
        self._process = subprocess.Popen(
            [sys.executable, "-S", str(Path(__file__).resolve())],
            stdin=subprocess.PIPE,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.DEVNULL,
            start_new_session=True,
            pass_fds=() if keep_open is None else (keep_open,),
        )

    def watch(self, group: int) -> None:
        """End `group` if this process dies before `release`."""
        self._say(f"+{group}\n")

    def release(self, group: int) -> None:
        """Forget `group`."""
        self._say(f"-{group}\n")

    def close(self) -> None:
        """Let the guardian end; what is still watched is stopped."""
        assert self._process.stdin
        with suppress(OSError):
            self._process.stdin.close()
        self._process.wait()

    def _say(self, text: str) -> None:
        assert self._process.stdin
        with suppress(OSError):
            self._process.stdin.write(text.encode())
            self._process.stdin.flush()


def end(groups: set[int], grace_s: float = GRACE_S) -> None:
    """SIGTERM to every group, SIGKILL to those that are left after `grace_s`."""
    left = {group for group in groups if _signal(group, signal.SIGTERM)}
    deadline = time.monotonic() + grace_s
    while left and time.monotonic() < deadline:
        time.sleep(0.05)
        left = {group for group in left if _signal(group, 0)}
    for group in left:
        _signal(group, signal.SIGKILL)


def _signal(group: int, number: int) -> bool:
    try:
        os.killpg(group, number)
    except (ProcessLookupError, PermissionError):  # macOS says so of a group of zombies
        return False
    return True


def main() -> None:
    """Listen until the parent is gone, then end what is left."""
    for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(number, signal.SIG_IGN)
    groups: set[int] = set()
    for line in sys.stdin:
        group = int(line[1:])
        groups.add(group) if line[0] == "+" else groups.discard(group)
    end(groups)


if __name__ == "__main__":
    main()
