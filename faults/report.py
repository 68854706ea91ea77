"""What people read: a line for each run, what did not hold, and how to run it again."""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from faults.outcome import HEAL_S, Outcome
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
    more += f" --heal {wish.heal_s:g}" if wish.heal_s != HEAL_S else ""
    return (
        f"./dev faults {wish.name} --events {wish.events} --seeds {wish.seed} "
        f"--database {wish.database}{more}"
    )


def as_json(outcomes: Sequence[Outcome]) -> str:
    """Everything as one object on one line."""
    return json.dumps({"faults": [_plain(one) for one in outcomes]}, ensure_ascii=False)


def write_page(outcomes: Sequence[Outcome], page: Path = PAGE) -> None:
    """Put the table into docs/reliability.md, between its two marks.

    A row takes the place of the one with the same class, database, seed and number of events;
    other rows stay.
    """
    text = page.read_text() if page.exists() else f"# Reliability\n\n{BEGIN}\n{END}\n"
    before, _, rest = text.partition(BEGIN)
    old, _, after = rest.partition(END)
    page.write_text(f"{before}{BEGIN}\n\n{_table(outcomes, old)}\n\n{END}{after}")


def _table(outcomes: Sequence[Outcome], old: str) -> str:
    titles = ["class", "database", "seed", "events", *(title for _, title, _ in COLUMNS), "result"]
    head = ["| " + " | ".join(titles) + " |", "|" + " --- |" * len(titles)]
    rows = _rows_of(old) if head[0] in old else {}
    for one in outcomes:
        row = _row(one)
        rows[_key(row)] = row
    return "\n".join([*head, *(rows[key] for key in sorted(rows))])


def _row(one: Outcome) -> str:
    result = "skipped" if one.skipped else "held" if one.passed else "failed"
    cells = [one.wish.name, one.wish.database, one.wish.seed,
             one.figures.get("events", one.wish.events)]  # fmt: skip
    cells += [one.figures.get(key, "–") for key, _, _ in COLUMNS]
    return "| " + " | ".join(map(str, [*cells, result])) + " |"


def _rows_of(table: str) -> dict[tuple[int, str, int, int], str]:
    return {_key(row): row for row in table.splitlines() if row.startswith("| F")}


def _key(row: str) -> tuple[int, str, int, int]:
    name, database, seed, events = (cell.strip() for cell in row.split("|")[1:5])
    return int(name[1:]), database, int(seed), int(events)


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
