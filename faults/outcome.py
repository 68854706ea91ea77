"""What to run, and what came of it."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from prometheus_client import CollectorRegistry
from prometheus_client.multiprocess import MultiProcessCollector

from faults.invariants import Findings
from faults.shape import Kill

HEAL_S = 180.0


@dataclass(frozen=True, slots=True)
class Wish:
    """What to run."""

    name: str
    database: str
    seed: int
    events: int
    per_s: float = 0.0  # events a second; 0: as fast as they are answered and worked on
    heal_s: float = HEAL_S
    kills: int = 0  # F1: so many, spread over the events; 0: about one a second

    @property
    def at_most_s(self) -> float:
        """Seconds that sending may take."""
        return max(3600.0, self.events / 10)


@dataclass(slots=True)
class Outcome:
    """What came of it. `problems`: expectations of this class that did not hold."""

    wish: Wish
    figures: dict[str, Any] = field(default_factory=dict)
    findings: Findings = field(default_factory=Findings)
    problems: list[str] = field(default_factory=list)
    notes: list[str] = field(default_factory=list)
    kills: list[Kill] = field(default_factory=list)
    deaths: list[Kill] = field(default_factory=list)
    folder: str = ""
    skipped: str = ""
    seconds: float = 0.0

    @property
    def passed(self) -> bool:
        """True when everything held."""
        return not self.findings and not self.problems and not self.skipped


def spilled(counters: Path) -> int:
    """How many callbacks went to the spill, counted by processes that may have died since."""
    registry = CollectorRegistry()
    MultiProcessCollector(registry, path=str(counters))  # type: ignore[no-untyped-call]
    return int(registry.get_sample_value("yishu_callbacks_spilled_total") or 0)


def percentile(ordered: list[float], percent: float) -> float:
    """The value below which `percent` of an ordered list lies; 0 for none."""
    return ordered[min(len(ordered) - 1, int(len(ordered) * percent / 100))] if ordered else 0.0
