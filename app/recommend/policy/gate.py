"""May another policy be tried on people? Pure; words are the page's.

Two bases. **logs**: what was drawn before, with known chances, says that the new policy does not
do worse than the one that is live, whoever drew it (doubly robust, by rep), that enough of what was
logged speaks about it, and that nobody is neglected. **bounded**: little was drawn yet, as on the
first days; then a policy may be tried that hardly changes anything, because the trial itself is
small and ends by itself.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from app.recommend.policy.drawing import Knobs
from app.recommend.policy.ope import Estimate, Logged, estimate

DELTA = 0.05  # of what the live one is worth: how much worse is still “not worse”
EFFECTIVE, EFFECTIVE_SHARE = 1000, 0.10
LARGEST, MEAN_OFF = 100.0, 0.05
REPS = 10  # fewer say nothing about reps
MORE_REFUSED = MORE_BLOCKED = 0.02
COVERAGE = 0.8  # of the contents that are in use
GROUP = 200  # decisions of a specialty or region that may be judged by itself
BOUND, BOUND_LEAST = 0.3, 50  # share of suggestions that would differ; decisions to know it from


@dataclass(frozen=True, slots=True)
class Check:
    """One condition: `value` must not be beyond `limit`; `name` has words on the page."""

    name: str
    value: float
    limit: float
    passed: bool
    detail: str = ""


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether it may go on, on which basis, and every condition."""

    basis: str  # logs, bounded
    checks: Sequence[Check]
    estimate: Estimate | None = None
    differs: float = 0.0  # share of suggestions that would be others

    @property
    def passed(self) -> bool:
        """All conditions hold."""
        return all(check.passed for check in self.checks)

    def as_json(self) -> dict[str, Any]:
        """As it is kept with the policy."""
        found: dict[str, Any] = {
            "basis": self.basis, "passed": self.passed, "differs": round(self.differs, 4),
            "checks": [
                {"name": c.name, "value": round(c.value, 4), "limit": c.limit,
                 "passed": c.passed, "detail": c.detail}
                for c in self.checks
            ],
        }  # fmt: skip
        if (e := self.estimate) is not None:
            found |= {
                "number": e.number, "reps": e.reps, "logged": round(e.logged, 4),
                "now": round(e.now, 4),
                "ips": round(e.ips, 4), "snips": round(e.snips, 4), "dr": round(e.dr, 4),
                "gain": [round(v, 4) for v in (e.gain.value, e.gain.low, e.gain.high)],
                "effective": round(e.effective), "largest": round(e.largest, 2),
                "mean_weight": round(e.mean_weight, 4),
            }  # fmt: skip
        return found


def by_logs(
    rows: Sequence[Logged],
    new: Sequence[Sequence[float]],
    live: Sequence[Sequence[float]] | None = None,
    seed: int = 0,
) -> Verdict:
    """By decisions that were drawn and have come to something. `live`: the chances of the policy
    that this one would follow; without them it is the one that was logged."""
    usual = [r.chances for r in rows] if live is None else live
    found = estimate(rows, new, live=live, seed=seed)
    least = -DELTA * found.now
    checks = [
        Check("gain", found.gain.low, least, found.gain.low >= least),
        Check("effective", found.effective, EFFECTIVE, found.effective >= EFFECTIVE),
        Check("effective_share", found.effective / found.number, EFFECTIVE_SHARE,
              found.effective >= EFFECTIVE_SHARE * found.number),
        Check("largest", found.largest, LARGEST, found.largest <= LARGEST),
        Check("mean_weight", found.mean_weight, 1 + MEAN_OFF,
              abs(found.mean_weight - 1) <= MEAN_OFF),
        Check("reps", found.reps, REPS, found.reps >= REPS),
        _not_more("refused", rows, new, live, MORE_REFUSED, seed),
        _not_more("blocked", rows, new, live, MORE_BLOCKED, seed),
        _coverage(rows, new, usual),
        *_parity(rows, new, live, seed),
    ]  # fmt: skip
    return Verdict("logs", checks, found, differs(usual, new))


def bounded(
    live: Sequence[Sequence[float]], new: Sequence[Sequence[float]], usual: Knobs, knobs: Knobs
) -> Verdict:
    """By how little it changes; with hardly any log only by what the settings of both (`usual`:
    of the live one) bound: without draws, only their floors take something from the best."""
    unknown = 1.0 if usual.alpha or knobs.alpha else max(usual.floor, knobs.floor)
    share = differs(live, new) if len(live) >= BOUND_LEAST else unknown
    return Verdict("bounded", [Check("differs", share, BOUND, share <= BOUND)], None, share)


def differs(live: Sequence[Sequence[float]], new: Sequence[Sequence[float]]) -> float:
    """The share of suggestions that would be others, at least."""
    if not live:
        return 0.0
    apart = [
        sum(abs(a - b) for a, b in zip(one, other, strict=True)) / 2
        for one, other in zip(live, new, strict=True)
    ]
    return sum(apart) / len(apart)


def _not_more(
    name: str,
    rows: Sequence[Logged],
    new: Sequence[Sequence[float]],
    live: Sequence[Sequence[float]] | None,
    more: float,
    seed: int,
) -> Check:
    gain = estimate(rows, new, lambda row: getattr(row, name), live=live, seed=seed).gain
    return Check(name, gain.high, more, gain.high <= more)


def _coverage(
    rows: Sequence[Logged], new: Sequence[Sequence[float]], usual: Sequence[Sequence[float]]
) -> Check:
    share = _in_use(rows, new) / _in_use(rows, usual)
    return Check("coverage", share, COVERAGE, share >= COVERAGE)


def _in_use(rows: Sequence[Logged], chances: Sequence[Sequence[float]]) -> float:
    """How many contents share the slots, counted by evenness."""
    used: dict[int, float] = defaultdict(float)
    for row, one in zip(rows, chances, strict=True):
        for content, chance in zip(row.contents, one, strict=True):
            used[content] += chance
    total = sum(used.values())
    return math.exp(-sum(u / total * math.log(u / total) for u in used.values() if u > 0))


def _parity(
    rows: Sequence[Logged],
    new: Sequence[Sequence[float]],
    live: Sequence[Sequence[float]] | None,
    seed: int,
) -> list[Check]:
    """No specialty and no region surely gets worse; only those that say enough."""
    places: dict[str, list[int]] = defaultdict(list)
    for n, row in enumerate(rows):
        for group in row.groups:
            places[group].append(n)
    checks = []
    for group, found in sorted(places.items()):
        mine = [rows[n] for n in found]
        if len(found) < GROUP or len({r.rep for r in mine}) < REPS:
            continue
        usual = None if live is None else [live[n] for n in found]
        one = estimate(mine, [new[n] for n in found], live=usual, seed=seed)
        least = -DELTA * max(one.now, 1e-9)
        checks.append(Check("parity", one.gain.high, least, one.gain.high >= least, group))
    return checks
