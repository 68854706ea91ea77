"""What people read: a line for each run, what did not hold, and how to run it again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faults.classes import CLASSES
from faults.run import Outcome
from launcher.tell import ROOT, line

COLUMNS = (
    ("kills", "kills", 6), ("acked", "acked", 8), ("never acked", "never", 6),
    ("spilled", "spilled", 8), ("lost", "lost", 5), ("doubled", "doubled", 8),
    ("messages", "messages", 9), ("ack_p50_ms", "p50 ms", 8), ("ack_p99_ms", "p99 ms", 8),
    ("ack_max_ms", "max ms", 8), ("lag_p99_s", "lag s", 7),
    ("heal_s", "heal s", 7), ("events_per_s", "ev/s", 7),
)  # fmt: skip
BEGIN, END = "<!-- faults: begin -->", "<!-- faults: end -->"
PAGE = ROOT / "docs" / "reliability.md"
LOG_LINES = 40


def head() -> None:
    """The names of the columns."""
    names = "".join(f"{title:>{width}}" for _, title, width in COLUMNS)
    line(f"{'':16}{'database':11}{'seed':>5}{'events':>8}{names}  result")


def show(outcome: Outcome) -> None:
    """One line, and everything about what did not hold."""
    wish, cells = outcome.wish, ""
    for key, _, width in COLUMNS:
        cells += f"{outcome.figures.get(key, '–'):>{width}}"
    result = "SKIPPED" if outcome.skipped else "held" if outcome.passed else "FAILED"
    line(f"{wish.name:16}{wish.database:11}{wish.seed:>5}{wish.events:>8}{cells}  {result}")
    if outcome.skipped:
        line(f"    !! {outcome.skipped}")
    if outcome.figures.get("never acked"):
        line(f"    attempts that were not acknowledged: {outcome.figures['not acked at once']}")
    for note in outcome.notes:
        line(f"    {note}")
    if not outcome.passed and not outcome.skipped:
        _explain(outcome)


def _explain(outcome: Outcome) -> None:
    for problem in outcome.problems:
        line(f"    ✗ {problem}")
    for found in outcome.findings.values():
        line(f"    ✗ {found.invariant}: {found.what}, {found.count} times")
        for example in found.examples:
            line(f"        {example}")
    log = " ".join(f"{kill.at:.1f}:{kill.name}/{kill.how}" for kill in outcome.kills[:LOG_LINES])
    more = f" … {len(outcome.kills) - LOG_LINES} more" if len(outcome.kills) > LOG_LINES else ""
    line(f"    kill log (s:who/how): {log or 'empty'}{more}")
    if outcome.deaths:
        ended = " ".join(f"{d.at:.1f}:{d.name}/{d.how}" for d in outcome.deaths[:LOG_LINES])
        line(f"    ended by themselves: {ended}")
    line(f"    files: {outcome.folder}")
    line(f"    again: {again(outcome)}")


def again(outcome: Outcome) -> str:
    """The command that runs exactly this once more."""
    wish = outcome.wish
    more = f" --per-s {wish.per_s:g}" if wish.per_s else ""
    more += f" --kills {wish.kills}" if wish.kills else ""
    return (
        f"./dev faults {wish.name} --events {wish.events} --seeds {wish.seed} "
        f"--database {wish.database}{more}"
    )


def as_json(outcomes: Sequence[Outcome]) -> str:
    """Everything as one object on one line."""
    return json.dumps({"faults": [_plain(one) for one in outcomes]}, ensure_ascii=False)


def write_page(outcomes: Sequence[Outcome], page: Path = PAGE) -> None:
    """Put the table into docs/reliability.md, between its two marks."""
    text = page.read_text() if page.exists() else f"# Reliability\n\n{BEGIN}\n{END}\n"
    before, _, rest = text.partition(BEGIN)
    _, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{_table(outcomes)}\n\n{END}{after}")


def _table(outcomes: Sequence[Outcome]) -> str:
    titles = ["class", "what", "database", "seed", "events",
              *(title for _, title, _ in COLUMNS), "result"]  # fmt: skip
    rows = ["| " + " | ".join(titles) + " |", "|" + " --- |" * len(titles)]
    for one in outcomes:
        what = (CLASSES[one.wish.name].__doc__ or "").partition("\n")[0].rstrip(".")
        result = one.skipped or ("held" if one.passed else "failed")
        cells = [one.wish.name, what, one.wish.database, one.wish.seed, one.wish.events]
        cells += [one.figures.get(key, "–") for key, _, _ in COLUMNS]
        rows.append("| " + " | ".join(map(str, [*cells, result])) + " |")
    return "\n".join(rows)


def _plain(outcome: Outcome) -> dict[str, Any]:
    wish = outcome.wish
    return {
        "class": wish.name, "database": wish.database, "seed": wish.seed, "events": wish.events,
        "passed": outcome.passed, "skipped": outcome.skipped, "seconds": outcome.seconds,
        "figures": outcome.figures, "problems": outcome.problems,
        "findings": [
            {"invariant": f.invariant, "what": f.what, "count": f.count, "examples": f.examples}
            for f in outcome.findings.values()
        ],
        "kills": [[kill.at, kill.name, kill.how] for kill in outcome.kills],
        "ended": [[d.at, d.name, d.how] for d in outcome.deaths],
        "again": again(outcome), "folder": outcome.folder,
    }  # fmt: skip
