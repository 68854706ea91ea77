"""What exploring costs and brings: regret beside random, static, greedy, LinTS, Vowpal Wabbit.

    ./dev bench explore [--seeds 10] [--days 30] [--worlds fits,off] [--only NAME,…] [--json]
    ./dev bench explore --tune          only where settings may be chosen: the world `tuning`

Two invented companies (`_explore_worlds`), 3,600 decisions each and seed; ours is the product's
scorer, nightly learning and `explore`. Regret is what somebody who knows every chance would have
got in the same company, minus what was got, per decision, in expected worth (0.4 accepted, 0.4
opened, 0.2 read); intervals are over seeds. vowpalwabbit and mabwiser are left out when they are
not installed.
"""

from __future__ import annotations

import os

os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")

import argparse
import json
import sys
import time
from collections.abc import Callable, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor
from importlib.util import find_spec
from pathlib import Path
from statistics import fmean, stdev
from typing import Any

from benchmarks._explore_policies import POLICIES, TRIED, Ask, Policy, missing
from benchmarks._explore_speed import speed
from benchmarks._explore_worlds import CARDS, REPS, WORLDS, Run, world

T_95 = (0, 12.71, 4.303, 3.182, 2.776, 2.571, 2.447, 2.365, 2.306, 2.262)  # by degrees of freedom
KNOWN = "oracle"
Job = tuple[str, int, str, int]  # world, seed, policy, days


def main(arguments: Sequence[str] | None = None) -> None:
    asked = _arguments(arguments)
    policies = dict(POLICIES)
    if asked.tune:
        policies |= TRIED
    chosen = [
        name for name, (package, _) in policies.items()
        if (not package or find_spec(package)) and (not asked.only or name in asked.only.split(";"))
    ]  # fmt: skip
    chosen = list(dict.fromkeys([KNOWN, *chosen]))
    worlds = ("tuning",) if asked.tune else tuple(asked.worlds.split(","))
    jobs = [(w, asked.first + s, name, asked.days)
            for s in range(asked.seeds) for w in worlds for name in chosen]  # fmt: skip
    done = _all(jobs, asked)
    data = {
        "days": asked.days, "decisions": asked.days * REPS * CARDS, "seeds": asked.seeds,
        "chances_us": speed(), "missing": missing(), "load": os.getloadavg()[0],
        "worlds": {w: _judged(done, w, chosen) for w in worlds},
    }  # fmt: skip
    others = [
        o["regret"][0] for n, o in data["worlds"][worlds[-1]].items() if n not in (KNOWN, "ours")
    ]
    ours = data["worlds"][worlds[-1]].get("ours", {}).get("regret", [1.0])[0]
    data["ratio"] = round(min(others, default=1.0) / ours, 3)
    print(json.dumps(data) if asked.json else as_text(data))


def _all(jobs: Sequence[Job], asked: argparse.Namespace) -> dict[Job, dict[str, Any]]:
    """Every job; with `--keep`, those that an earlier run has done are read from its file."""
    kept = Path(asked.keep) if asked.keep else None
    lines = kept.read_text().splitlines() if kept and kept.exists() else []
    read = {tuple(job): found for job, found in map(json.loads, lines)}
    done = {job: read[job] for job in jobs if job in read}
    left = [job for job in jobs if job not in done]
    with ProcessPoolExecutor(asked.jobs) as pool:
        for job, found in zip(left, pool.map(measured, left), strict=True):
            done[job] = found
            print(f"{len(done)} of {len(jobs)}: {job[0]}, seed {job[1]}, {job[2]}", file=sys.stderr)
            if kept:
                with kept.open("a") as file:
                    file.write(json.dumps([job, found]) + "\n")
    return {job: done[job] for job in jobs}


def measured(job: Job) -> dict[str, Any]:
    """One policy in one company."""
    name, seed, policy, days = job
    return play(name, seed, (POLICIES | TRIED)[policy][1], days)


def play(name: str, seed: int, make: Callable[[int], Policy], days: int) -> dict[str, Any]:
    """Worth of each day's decisions, and processor seconds of deciding and of nights."""
    run, policy = Run.of(world(name, seed, days)), make(seed)
    deciding = learning = 0.0
    for day in range(days):
        for rep, physicians in enumerate(run.world.asked[day]):
            for card, physician in enumerate(physicians):
                candidates = run.candidates(day, rep, physician)
                if not candidates:
                    continue
                begun = time.process_time()
                choice = policy.choose(Ask(run, day, rep, card, physician, candidates))
                deciding += time.process_time() - begun
                run.give(day, rep, card, physician, choice)
        run.night(day)
        begun = time.process_time()
        policy.night(run, day)
        learning += time.process_time() - begun
    by_day: list[list[float]] = [[] for _ in range(days)]
    for one in run.given:
        by_day[one.day].append(one.value)
    return {
        "worth": [sum(values) for values in by_day], "decisions": len(run.given),
        "deciding_s": deciding, "learning_s": learning,
    }  # fmt: skip


def _judged(
    done: Mapping[Job, Mapping[str, Any]], name: str, chosen: Sequence[str]
) -> dict[str, Any]:
    def of(policy: str) -> list[Mapping[str, Any]]:
        return [one for job, one in done.items() if job[0] == name and job[2] == policy]

    best, found = of(KNOWN), {}
    ours = [sum(one["worth"]) for one in of("ours")]
    for policy in chosen:
        mine = of(policy)
        missed = [_missed(b, m, 0) for b, m in zip(best, mine, strict=True)]
        late = [_missed(b, m, 0.75) for b, m in zip(best, mine, strict=True)]
        number = fmean(one["decisions"] for one in mine)
        found[policy] = {
            "regret": interval(missed), "last_quarter": interval(late),
            "cumulative": round(fmean(missed) * number),
            "worth": round(fmean(sum(one["worth"]) / one["decisions"] for one in mine), 4),
            "decide_us": round(fmean(o["deciding_s"] / o["decisions"] for o in mine) * 1e6),
            "decisions_per_s": round(number / fmean(
                o["deciding_s"] + o["learning_s"] for o in mine)),
        }  # fmt: skip
        if ours and policy not in ("ours", KNOWN):
            more = [(o - sum(m["worth"])) / m["decisions"] for o, m in zip(ours, mine, strict=True)]
            found[policy]["ours_more"] = interval(more)
    return found


def _missed(best: Mapping[str, Any], mine: Mapping[str, Any], after: float) -> float:
    """Per decision, from that part of the days on."""
    first = int(after * len(best["worth"]))
    days = len(best["worth"]) - first
    number = mine["decisions"] * days / len(best["worth"])
    return float(sum(best["worth"][first:]) - sum(mine["worth"][first:])) / number


def interval(values: Sequence[float]) -> list[float]:
    """Mean, and its 95 % interval over seeds (Student)."""
    middle = fmean(values)
    if len(values) < 2:
        return [round(middle, 4)] * 3
    t = T_95[len(values) - 1] if len(values) <= len(T_95) else 1.96
    wide = t * stdev(values) / len(values) ** 0.5
    return [round(middle, 4), round(middle - wide, 4), round(middle + wide, 4)]


def as_text(data: Mapping[str, Any]) -> str:
    lines = [f"{data['decisions']:,} decisions, {data['seeds']} seeds, load {data['load']:.1f}"]
    if data["missing"]:
        lines.append(f"left out, not installed: {', '.join(data['missing'])}")
    each = ", ".join(f"{us} ({name})" for name, us in data["chances_us"].items())
    lines.append(f"chances of one physician: {each} µs of processor time")
    for name, found in data["worlds"].items():
        lines.append(f"\n{name:32}{'regret per decision':>26}{'last quarter':>13}{'in all':>8}"
                     f"{'ours gets more':>28}{'µs each':>9}{'per s':>8}")  # fmt: skip
        for policy, one in found.items():
            more = one.get("ours_more")
            lines.append(
                f"{policy:32}{_figure(one['regret']):>26}{one['last_quarter'][0]:>13.4f}"
                f"{one['cumulative']:>8}{_figure(more) if more else '':>28}"
                f"{one['decide_us']:>9}{one['decisions_per_s']:>8}"
            )
    if "tuning" in data["worlds"]:
        lines.append("\nSettings are chosen here and nowhere else.")
    return "\n".join(lines)


def _figure(values: Sequence[float]) -> str:
    return f"{values[0]:.4f} [{values[1]:.4f} {values[2]:.4f}]"


def _arguments(arguments: Sequence[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="./dev bench explore")
    parser.add_argument("--seeds", type=int, default=10)
    parser.add_argument("--first", type=int, default=0, help="the first seed")
    parser.add_argument("--days", type=int, default=30)
    parser.add_argument("--worlds", default=",".join(WORLDS))
    parser.add_argument("--only", default="", help="policies, parted by ;")
    parser.add_argument("--jobs", type=int, default=1)
    parser.add_argument("--keep", help="a file that an interrupted run goes on from")
    parser.add_argument("--tune", action="store_true")
    parser.add_argument("--json", action="store_true")
    return parser.parse_args(arguments)


if __name__ == "__main__":
    main()
