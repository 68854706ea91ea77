"""How often the gate lets a bad policy through, and a good one: many invented logs.

    python -m benchmarks.gate [--json] [--seeds 40] [--reps 60] [--each 80]

Answers grow with the score, contents have an appeal that no score knows, reps differ. The log is
drawn with the product's own rule; policies whose true value is known are put to the gate. An
accept is false when the policy is truly worse than the gate's own margin. Where obp is installed
it estimates the same decisions (see `_obp_peer.py`). The ratio is obp's IPW / our IPS without clip.
"""

from __future__ import annotations

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from app.recommend import explore
from app.recommend.policy import drawing, gate
from app.recommend.policy.drawing import Knobs
from app.recommend.policy.ope import Logged
from benchmarks import _obp_peer

LOGGING = Knobs(alpha=0.25, floor=0.05)
CONTENTS, OPTIONS, DRAWS = 40, 6, 20
Chances = list[list[float]]


@dataclass
class World:
    """One log, with the true chance of a good answer of each option and each draw's deviations."""

    rows: list[Logged] = field(default_factory=list)
    truth: list[list[float]] = field(default_factory=list)
    draws: list[drawing.Deviations] = field(default_factory=list)

    def under(self, knobs: Knobs) -> Chances:
        """What a policy of the product would do."""
        pairs = zip(self.rows, self.draws, strict=True)
        return [drawing.chances(row.scores, draws, knobs) for row, draws in pairs]

    def value(self, new: Sequence[Sequence[float]]) -> float:
        """What a policy is truly worth."""
        pairs = zip(self.truth, new, strict=True)
        total = sum(sum(p * c for p, c in zip(t, n, strict=True)) for t, n in pairs)
        return total / len(self.rows)


def invent(seed: int, reps: int, each: int) -> World:
    """The same for the same seed."""
    rng, made = random.Random(seed), World()
    appeal = [rng.gauss(0, 0.04) for _ in range(CONTENTS)]
    for rep in range(reps):
        usual = rng.gauss(0.25, 0.06)
        for n in range(each):
            fits = sorted(((rng.random(), c) for c in rng.sample(range(CONTENTS), OPTIONS)),
                          reverse=True)  # fmt: skip
            scores, contents = [f[0] for f in fits], [f[1] for f in fits]
            draws = [[rng.gauss(0, 0.4) for _ in fits] for _ in range(DRAWS)]
            chances = drawing.chances(scores, draws, LOGGING)
            chosen = explore.pick(chances, f"{seed}:{rep}:{n}")
            truth = [min(0.95, max(0.01, usual + 0.2 * s + appeal[c])) for s, c in fits]
            made.rows.append(
                Logged(rep, chosen, chances, scores, contents, float(rng.random() < truth[chosen]),
                       float(rng.random() < 0.08), 0.0, (f"region:{rep % 4}",))
            )  # fmt: skip
            made.truth.append(truth)
            made.draws.append(draws)
    return made


def _same(world: World) -> Chances:
    return [list(row.chances) for row in world.rows]


def _even(world: World) -> Chances:
    return [[1 / len(row.chances)] * len(row.chances) for row in world.rows]


def _half(world: World) -> Chances:
    pairs = zip(_same(world), _even(world), strict=True)
    return [[(a + b) / 2 for a, b in zip(x, y, strict=True)] for x, y in pairs]


def _inverted(world: World) -> Chances:
    return [one[::-1] for one in world.under(Knobs(0.0, 0.02))]


def _one(world: World) -> Chances:
    places = [row.contents.index(min(row.contents)) for row in world.rows]
    return [[float(n == place) for n in range(OPTIONS)] for place in places]


POLICIES: dict[str, Callable[[World], Chances]] = {
    "the same (A/A)": _same,
    "nearly greedy, floor 2 %": lambda world: world.under(Knobs(0.0, 0.02)),
    "bolder (alpha 0.5, floor 5 %)": lambda world: world.under(Knobs(0.5, 0.05)),
    "half of it even": _half,
    "even": _even,
    "inverted scorer": _inverted,
    "one content for all": _one,
}


def main(arguments: list[str] | None = None) -> int:
    """Run, print a table, and with --json one JSON object on the last line."""
    options = _options(arguments)
    found: dict[str, dict[str, float]] = {}
    begun, apart = time.process_time(), []
    spent = 0.0
    for seed in range(options.seeds):
        world = invent(seed, options.reps, options.each)
        logged = world.value(_same(world))
        for name, make in POLICIES.items():
            new = make(world)
            gain = world.value(new) - logged
            start = time.process_time()
            verdict = gate.by_logs(world.rows, new, seed=seed)
            spent += time.process_time() - start
            _note(found.setdefault(name, {}), verdict, gain, -gate.DELTA * logged)
            if _obp_peer.available() and name.startswith("bolder"):
                apart.append(_apart(world, new, verdict))
    number = options.seeds
    print(f"{number} logs of {options.reps * options.each:,} decisions by {options.reps} reps")
    print(f"{'policy':<32}{'true gain':>11}{'accepted':>10}{'falsely':>9}{'interval holds it':>19}")
    for name, row in found.items():
        print(f"{name:<32}{row['gain'] / number:>+11.4f}{row['accepted'] / number:>10.0%}"
              f"{row['false'] / number:>9.0%}{row['inside'] / number:>19.0%}")  # fmt: skip
    each_s = spent / number / len(POLICIES)
    print(f"{each_s:.2f} CPU-s a judgement; all of it {time.process_time() - begun:.0f} CPU-s")
    said = f"largest distance to obp over {len(apart)} logs: {max(apart):.2e}" if apart else (
        "obp is not installed beside this interpreter: see benchmarks/_obp_peer.py")  # fmt: skip
    print(said)
    if options.json:
        rates = {name: {k: round(v / number, 4) for k, v in row.items()}
                 for name, row in found.items()}  # fmt: skip
        print(json.dumps({"policies": rates, "cpu_s": round(each_s, 3),
                          "apart_from_obp": max(apart, default=None)}))  # fmt: skip
    return 0


def _note(row: dict[str, float], verdict: gate.Verdict, gain: float, margin: float) -> None:
    assert verdict.estimate is not None
    interval = verdict.estimate.gain
    for key, value in {
        "gain": gain, "accepted": float(verdict.passed),
        "false": float(verdict.passed and gain < margin),
        "inside": float(interval.low <= gain <= interval.high),
    }.items():  # fmt: skip
        row[key] = row.get(key, 0.0) + value


def _apart(world: World, new: Chances, verdict: gate.Verdict) -> float:
    """The largest distance of IPS (where nothing is clipped) and SNIPS."""
    theirs, ours = _obp_peer.estimates(world.rows, new), verdict.estimate
    assert ours is not None
    pairs = [(theirs["SNIPW"], ours.snips)]
    if ours.largest <= 20:
        pairs.append((theirs["IPW"], ours.ips))
    return max(abs(a - b) for a, b in pairs)


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--seeds", type=int, default=40)
    parser.add_argument("--reps", type=int, default=60)
    parser.add_argument("--each", type=int, default=80)
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    sys.exit(main())
