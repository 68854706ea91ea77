"""F16: everything that can happen, in any order, against a small model (`tests/stateful`)."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import time

from faults.outcome import Outcome, Wish
from launcher.tell import ROOT

TEST = "tests/stateful/test_any_order.py::test_any_order_keeps_every_promise"
TOLD = re.compile(r"'(\w+)': (\d+)")
LAST_LINES = 60


def f16(wish: Wish) -> Outcome:
    """Receive, repeat, reorder, drain, crash, send, tick, withdraw in any order, by Hypothesis.

    An event of the wish is a story of 50 steps.
    """
    outcome = Outcome(wish)
    begun = time.monotonic()
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", "-n0", "-x", f"{TEST}[{wish.database}]"],
        cwd=ROOT, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        env=os.environ | {"PROOF_EXAMPLES": str(wish.events), "PROOF_SEED": str(wish.seed)},
    )  # fmt: skip
    outcome.seconds = round(time.monotonic() - begun, 1)
    figures = {name: int(count) for name, count in TOLD.findall(done.stdout)}
    if done.returncode == 0 and not figures:
        outcome.skipped = "the test did not run: NOT TESTED HERE"
        return outcome
    outcome.figures |= {
        "events": figures.get("acknowledged", 0), "kills": figures.get("crashes", 0),
        "acked": figures.get("acknowledged", 0), "messages": figures.get("sent", 0),
        "stories": figures.get("examples", 0), "steps": figures.get("steps", 0),
    }  # fmt: skip
    if done.returncode:
        told = done.stdout.splitlines()[-LAST_LINES:]
        outcome.problems.append("a story does not hold:\n" + "\n".join(told))
    else:
        outcome.figures |= {"never acked": 0, "lost": 0, "doubled": 0}
        outcome.notes.append(f"{outcome.figures['stories']} stories of 50 steps")
    return outcome
