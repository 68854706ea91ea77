"""What people see on the terminal: one line for each step, and sentences instead of tracebacks."""

from __future__ import annotations

import errno
import io
import sys
import time
import unicodedata
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
NAME_WIDTH = 44


class Trouble(Exception):
    """Something a person must mend; the text says what happened and what to do."""


def line(text: str = "", end: str = "\n") -> None:
    """Print at once, also into a pipe; a terminal that has gone is no reason to stop."""
    with suppress(OSError):
        print(text, end=end, flush=True)


def speak_any_charset() -> None:
    """A terminal that cannot show a sign, say GBK and ✓, gets another one instead of a crash."""
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def sentence(problem: OSError) -> str:
    """What the system refused, and where."""
    where = f" ({problem.filename})" if problem.filename else ""
    advice = {
        errno.EACCES: "You need the right to write in this folder; work in a clone of your own.",
        errno.EPERM: "You need the right to write in this folder; work in a clone of your own.",
        errno.EROFS: "This folder can only be read; work in a clone on another disk.",
        errno.ENOSPC: "Make room on the disk, then run the same command again.",
        errno.EEXIST: "Move it away, then run the same command again.",
        errno.ENOTDIR: "Move it away, then run the same command again.",
    }.get(problem.errno or 0, "")
    return f"{problem.strerror or problem}{where}. {advice}".rstrip()


def warn(text: str) -> None:
    """Print something that deserves a look, and go on."""
    with suppress(OSError):
        print(f"  ! {text}", file=sys.stderr, flush=True)


@dataclass
class Step:
    """One line on the terminal, from the name of a step to the seconds that it took."""

    name: str
    notes: list[str] = field(default_factory=list)

    def note(self, text: str) -> None:
        """Show `text` behind the seconds."""
        self.notes.append(text)

    def now(self, text: str) -> None:
        """Show what is being done, on a terminal that can take it back."""
        if sys.stdout.isatty() and not text.startswith("{"):
            line(f"\r\033[K{self._head()}{text[:NAME_WIDTH]}", end="")

    def begin(self) -> None:
        """Show the name."""
        line(self._head(), end="")

    def end(self, result: str) -> None:
        """Show how it went."""
        back = "\r\033[K" + self._head() if sys.stdout.isatty() else ""
        line(f"{back}{result}  {' '.join(self.notes)}".rstrip())

    def _head(self) -> str:
        wide = sum(unicodedata.east_asian_width(letter) in "WF" for letter in self.name)
        return f"  {self.name:<{NAME_WIDTH - wide}}"


@contextmanager
def step(name: str) -> Iterator[Step]:
    """Show `name` while the block runs, then the seconds it took."""
    shown = Step(name)
    started = time.monotonic()
    shown.begin()
    try:
        yield shown
    except BaseException:
        shown.end("✗")
        raise
    shown.end(f"✓ {time.monotonic() - started:5.1f} s")


def tail(path: Path, lines: int = 12) -> str:
    """The last lines of a log, indented."""
    try:
        text = path.read_text(errors="replace")
    except OSError:
        return ""
    shown = "".join(sign if sign.isprintable() or sign in "\n\t" else "�" for sign in text)
    return "\n".join(f"    {line}" for line in shown.splitlines()[-lines:])
