"""How right the linkage is, beside others on the same rows."""

from __future__ import annotations

import argparse
import csv
from collections.abc import Callable, Sequence
from typing import Any

from app.linkage.fields import guess
from app.linkage.figures import figures, over_merged
from benchmarks import _linkers
from benchmarks._linkers import Made, Missing, say
from benchmarks._physicians import COLUMNS, DATA, NoData, World

ROWS_OF_ONE = 2.4  # that a physician has, on average
HEAD = (
    f"{'':34}{'pairwise':^24}{'B-cubed (per record)':^24}{'exact':>8}{'largest':>9}{'over-':>8}\n"
    f"{'':34}{'P':>8}{'R':>8}{'F1':>8}{'P':>8}{'R':>8}{'F1':>8}{'F1':>8}{'':>9}{'merges':>8}"
    f"{'seconds':>9}"
)


def run(options: argparse.Namespace) -> dict[str, Any]:
    """FEBRL 4, then physicians."""
    febrl, physicians = _febrl(), _physicians(options.records)
    ratio = _ratio(physicians, "Splink alone")
    found = {"febrl4": febrl, "physicians": physicians}
    return found | ({"ratio": ratio} if ratio else {})


def _febrl() -> dict[str, Any]:
    if not (DATA / "linkage").exists():
        raise NoData("FEBRL 4 (../shared/data/linkage) is not beside the project")
    table, truth = [], []
    for side in "ab":
        path = DATA / "linkage" / f"dataset4{side}.csv"
        with path.open(encoding="utf-8", newline="") as file:
            for raw in csv.DictReader(file, skipinitialspace=True):
                row = {key.strip(): value.strip() for key, value in raw.items()}
                truth.append(row.pop("rec_id").split("-")[1])
                table.append(row | {"source": side})
    meanings = {name: str(guess(name)) for name in table[0] if name != "source"}
    steps, marks = _linkers.ours(table, meanings, "source")
    rows = {"Yishu": steps["all candidates"]}
    _try(rows, "Splink alone", lambda: _linkers.splink_febrl(table))
    _try(rows, "recordlinkage", lambda: _linkers.recordlinkage(table, "febrl"))
    return _show("FEBRL 4", rows, truth, marks)


def _physicians(records: int) -> dict[str, Any]:
    world = list(World(round(records / ROWS_OF_ONE)).rows())
    truth, table = [who for who, _ in world], [row for _, row in world]
    say(f"{len(table):,} rows of invented physicians")
    meanings = {name: name for name in COLUMNS[2:]}
    steps, marks = _linkers.ours(table, meanings, "")
    rows = {f"Yishu, {name}": made for name, made in steps.items()}
    _try(rows, "Splink alone", lambda: _linkers.splink_physicians(table))
    _try(rows, "recordlinkage", lambda: _linkers.recordlinkage(table, "physicians"))
    rows["connected components"] = _linkers.components(table)
    return _show(f"{len(table):,} rows, {len(set(truth)):,} physicians", rows, truth, marks)


def _try(rows: dict[str, Made], name: str, measure: Callable[[], Made]) -> None:
    try:
        rows[name] = measure()
    except Missing as problem:
        say(f"left out: {problem}")


def _show(
    title: str, rows: dict[str, Made], truth: Sequence[Any], marks: Sequence[Any]
) -> dict[str, Any]:
    print(f"\n{title}\n{HEAD}")
    result = {}
    for name, (labels, took) in rows.items():
        one, over = figures(truth, labels), over_merged(labels, marks)
        p, b = one.pairwise, one.b_cubed
        print(
            f"{name:34}{p.precision:8.4f}{p.recall:8.4f}{p.f1:8.4f}{b.precision:8.4f}{b.recall:8.4f}"
            f"{b.f1:8.4f}{one.exact.f1:8.4f}{one.largest:9}{over:8}{took:9.1f}"
        )
        result[name] = one.as_json() | {"over_merges": over, "seconds": round(took, 2)}
    return result


def _ratio(found: dict[str, Any], peer: str) -> float | None:
    if peer not in found:
        return None
    mine = found["Yishu, all candidates"]["pairwise"]["f1"]
    return round(mine / found[peer]["pairwise"]["f1"], 4)
