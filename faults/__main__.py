"""`./dev faults`: the fault classes, one run after the other.

./dev faults [F1 F2 …] [--events N] [--seeds 1,2,3] [--database sqlite|postgresql|both]
             [--per-s N] [--kills N] [--heal S] [--ci] [--json] [--write]
"""

from __future__ import annotations

import argparse
import signal
import sys
import time
from collections.abc import Iterator

from app.infra import log
from faults import report
from faults.classes import CLASSES
from faults.folders import tidy
from faults.outcome import HEAL_S, Outcome, Wish
from launcher.postgres import NoPostgres
from launcher.tell import Trouble, line
from launcher.valkey import NoServer

# Events; of F16: stories of 50 steps.
USUAL = {"F1": 1000, "F2": 900, "F3": 500, "F4": 1500, "F5": 300, "F6": 1400, "F7": 1500,
         "F8": 800, "F9": 1, "F10": 400, "F11": 700, "F12": 1500, "F13": 800, "F14": 1000,
         "F16": 100}  # fmt: skip
DATABASES = ("sqlite", "postgresql")
CI_BUDGET_S = 240.0
# Three seeds, both databases, 1,000 events, all crash points once. F2 sends until all are reached.
CI = (
    Wish("F1", "sqlite", 1, 500, per_s=40.0),
    Wish("F1", "postgresql", 2, 500, per_s=40.0),
    Wish("F2", "postgresql", 3, 600),
)


def main(arguments: list[str] | None = None) -> int:
    """Run what is asked for; 1 when something did not hold."""
    asked = _options(arguments)
    begun = time.monotonic()
    outcomes: list[Outcome] = []
    log.configure("CRITICAL")  # what fails inside the runs is in their own logs
    report.head()
    signal.signal(signal.SIGTERM, _leave)
    tidy()
    for wish in CI if asked.ci else _wishes(asked):
        outcomes.append(_carry_out(wish))
        report.show(outcomes[-1])
    took = time.monotonic() - begun
    failed = [one for one in outcomes if not one.passed and not one.skipped]
    line(f"\n{len(outcomes) - len(failed)} of {len(outcomes)} runs held, {took:.0f} s")
    if asked.ci and took > CI_BUDGET_S:
        line(f"!! The budget of a check is {CI_BUDGET_S:.0f} s on two idle processors.")
    for one in failed:
        line(f"again: {report.again(one)}")
    if asked.write:
        report.write_page(outcomes)
    if asked.json:
        print(report.as_json(outcomes))
    return 1 if failed else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        prog="./dev faults", description=__doc__,
        formatter_class=argparse.RawDescriptionHelpFormatter,
    )  # fmt: skip
    parser.add_argument("names", nargs="*", metavar="CLASS", help=f"of {', '.join(CLASSES)}")
    parser.add_argument("--events", type=int, help="for each run; each class has its usual number")
    parser.add_argument("--seeds", default="1", help="numbers, separated by commas")
    parser.add_argument("--database", choices=(*DATABASES, "both"), default="both")
    parser.add_argument("--per-s", type=float, default=0.0, help="events a second")
    parser.add_argument("--heal", type=float, default=HEAL_S, help="seconds to get well in")
    parser.add_argument("--kills", type=int, default=0, help="F1: so many, spread over the events")
    parser.add_argument(
        "--ci", action="store_true", help="what `./dev check` runs, about four minutes"
    )
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--write", action="store_true", help="the table into docs/reliability.md")
    asked = parser.parse_args(arguments)
    unknown = [name for name in asked.names if name.upper() not in CLASSES]
    if unknown:
        parser.error(f"there is no {', '.join(unknown)}; there are {', '.join(CLASSES)}")
    return asked


def _wishes(asked: argparse.Namespace) -> Iterator[Wish]:
    names = [name.upper() for name in asked.names] or list(CLASSES)
    databases = DATABASES if asked.database == "both" else (asked.database,)
    for name in names:
        for database in databases:
            for seed in asked.seeds.split(","):
                yield Wish(
                    name, database, int(seed), asked.events or USUAL[name], asked.per_s,
                    asked.heal, asked.kills,
                )  # fmt: skip


def _carry_out(wish: Wish) -> Outcome:
    try:
        return CLASSES[wish.name](wish)
    except (NoPostgres, NoServer) as problem:
        return Outcome(wish, skipped=f"{problem}: NOT TESTED HERE")
    except Trouble as problem:
        return Outcome(wish, problems=[str(problem)])
    except (KeyboardInterrupt, SystemExit):
        line(f"cut off; again: {report.again(Outcome(wish))}")
        raise


def _leave(*_: object) -> None:
    raise SystemExit(128 + signal.SIGTERM)  # so that runs end as after Ctrl-C: nothing is left


if __name__ == "__main__":
    sys.exit(main())
