"""What a check says."""

from __future__ import annotations

from dataclasses import dataclass
from enum import StrEnum
from typing import Any


class State(StrEnum):
    """How things are."""

    GOOD = "good"
    ATTENTION = "attention"  # works, but should be looked at
    BAD = "bad"  # something is or will be lost or late

    @property
    def mark(self) -> str:
        """✓, ! or ✗."""
        return {State.GOOD: "✓", State.ATTENTION: "!", State.BAD: "✗"}[self]


@dataclass(frozen=True, slots=True)
class Finding:
    """`check` names it for programs; `found` and `advice` are sentences for people."""

    check: str
    state: State
    found: str
    advice: str = ""

    @property
    def line(self) -> str:
        """One line of text."""
        return f"{self.state.mark} {self.found}" + (f" → {self.advice}" if self.advice else "")

    def as_json(self) -> dict[str, Any]:
        """For programs."""
        return {
            "check": self.check, "state": self.state.value, "found": self.found,
            "advice": self.advice,
        }  # fmt: skip


def good(check: str, found: str) -> Finding:
    """As it should be."""
    return Finding(check, State.GOOD, found)


def attention(check: str, found: str, advice: str) -> Finding:
    """Works, but should be looked at."""
    return Finding(check, State.ATTENTION, found, advice)


def bad(check: str, found: str, advice: str) -> Finding:
    """Somebody must act."""
    return Finding(check, State.BAD, found, advice)
