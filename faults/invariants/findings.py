"""What is compared, and what does not hold."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from sqlalchemy.orm import Session

from app.sandbox.world import Json
from faults import ledger
from faults.sender import Posted

SHOWN = 5


@dataclass(slots=True)
class Finding:
    """How often one invariant does not hold, with some examples."""

    invariant: str
    what: str
    count: int = 0
    examples: list[str] = field(default_factory=list)

    def add(self, example: str) -> None:
        """One more."""
        self.count += 1
        if len(self.examples) < SHOWN:
            self.examples.append(example)


class Findings(dict[tuple[str, str], Finding]):
    """Findings by invariant and sentence."""

    def note(self, invariant: str, what: str, example: object) -> None:
        """It does not hold here."""
        key = invariant, what
        self.setdefault(key, Finding(invariant, what)).add(str(example))

    def count(self, *invariants: str) -> int:
        """How often these do not hold."""
        return sum(found.count for (name, _), found in self.items() if name in invariants)


@dataclass(frozen=True, slots=True)
class Witnesses:
    """What is compared. `tolerated`: event kinds that may end dead (poison)."""

    session: Session
    posted: Iterable[Posted]
    deliveries: list[Json]
    world: Json
    logs: Iterable[Path]
    files: Iterable[Path]
    spill: Path
    waiting: ledger.Waiting
    now: datetime
    poison: frozenset[int] = frozenset()
    untold: frozenset[str] = frozenset()  # about whom not everything was sent
