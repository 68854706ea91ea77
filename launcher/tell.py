"""What people see on the terminal: one line for each step, and sentences instead of tracebacks."""

from __future__ import annotations

import sys
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAME_WIDTH = 44


class Trouble(Exception):
    """Something a person must mend; the text says what happened and what to do."""


def line(text: str = "", end: str = "\n") -> None:
    """Print at once, also into a pipe; a terminal that has gone is no reason to stop."""
    with suppress(OSError):
        print(text, end=end, flush=True)


def warn(text: str) -> None:
    """Print something that deserves a look, and go on."""
    with suppress(OSError):
        print(f"  ! {text}", file=sys.stderr, flush=True)


@contextmanager
def step(name: str) -> Iterator[list[str]]:
    """Show `name` while the block runs, then the seconds it took.

    What the block appends to the yielded list is shown behind them.
    """
    notes: list[str] = []
    started = time.monotonic()
    wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in name)
    line(f"  {name:<{NAME_WIDTH - wide}}", end="")
    try:
        yield notes
    except BaseException:
        line("✗")
        raise
    line(f"✓ {time.monotonic() - started:5.1f} s  {' '.join(notes)}".rstrip())


def tail(path: Path, lines: int = 12) -> str:
    """The last lines of a log, indented."""
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return ""
    return "\n".join(f"    {line}" for line in text.splitlines()[-lines:])
