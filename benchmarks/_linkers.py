"""What is measured beside the product's linkage: the same table in, labels and seconds out."""

from __future__ import annotations

import csv
import json
import subprocess
import sys
import tempfile
import time
from collections.abc import Mapping, Sequence
from pathlib import Path

from app.identity import make_id
from app.identity.partition import RULES
from app.infra.errors import Misconfigured
from app.linkage.features import features
from app.linkage.rows import link, said
from benchmarks._peers import PYTHON

Table = Sequence[Mapping[str, str]]
Made = tuple[Sequence[int], float]
THRESHOLD = 0.95  # at which Splink's own examples cluster


class Missing(Exception):
    """What is to be measured is not installed."""


def ours(table: Table, meanings: Mapping[str, str], source: str) -> tuple[dict[str, Made], list]:
    """By step, and the marks of the rows."""
    begun = time.perf_counter()
    linked = link(table, meanings, source=source)
    took = time.perf_counter() - begun
    return {name: (labels, took) for name, labels in linked.steps.items()}, list(linked.marks)


def components(table: Table) -> Made:
    """Plain connected components: whoever shares any identifier, phones as they are written."""
    begun = time.perf_counter()
    parent = list(range(len(table)))

    def root(one: int) -> int:
        while parent[one] != one:
            parent[one] = parent[parent[one]]
            one = parent[one]
        return one

    first: dict[tuple[str, str], int] = {}
    for number, row in enumerate(table):
        for kind in RULES:
            value = row.get(kind, "")
            if value:
                one = make_id(kind, value)
                other = first.setdefault((kind, one.value if one else value), number)
                parent[root(other)] = root(number)
    return [root(one) for one in range(len(table))], time.perf_counter() - begun


def splink_physicians(table: Table) -> Made:
    """Splink alone, row by row, trained on them; phones are compared, other identifiers not."""
    try:
        from app.linkage.splink_engine import linker, train

        begun = time.perf_counter()
        columns = {name: name for name in ("name", "hospital", "department", "title", "city")}
        phones = [make_id("phone", row.get("phone", "")) for row in table]
        records = [
            features(said(table, [n], columns), [one.value] if one else ())
            for n, (row, one) in enumerate(zip(table, phones, strict=True))
        ]
        with linker(records) as linking:
            train(linking, len(records), version="bench", trained_on="the table")
            labels = _clusters(linking, len(table))
    except (Misconfigured, ImportError) as problem:
        raise Missing(f"Splink: {problem}") from problem
    return labels, time.perf_counter() - begun


def splink_febrl(table: Table) -> Made:
    """Splink alone on FEBRL 4, with the comparisons of its own examples."""
    try:
        import duckdb
        import pyarrow as pa
        import splink.comparison_library as cl
        from splink import DuckDBAPI, Linker, SettingsCreator, block_on
    except ImportError as problem:
        raise Missing(f"Splink: {problem}") from problem
    begun = time.perf_counter()
    rules = [block_on("soc_sec_id"), block_on("given_name"), block_on("surname"),
             block_on("date_of_birth"), block_on("postcode")]  # fmt: skip
    settings = SettingsCreator(
        link_type="link_only", unique_id_column_name="number",
        comparisons=[
            cl.JaroWinklerAtThresholds("given_name"), cl.JaroWinklerAtThresholds("surname"),
            cl.LevenshteinAtThresholds("date_of_birth", [1, 2]),
            cl.DamerauLevenshteinAtThresholds("soc_sec_id", [1, 2]), cl.ExactMatch("street_number"),
            cl.DamerauLevenshteinAtThresholds("postcode", [1, 2]),
            cl.JaroWinklerAtThresholds("address_1"), cl.ExactMatch("suburb"),
        ],
        blocking_rules_to_generate_predictions=rules,
    )  # fmt: skip
    with duckdb.connect(":memory:") as connection:
        api = DuckDBAPI(connection)
        sources = sorted({row["source"] for row in table})
        sides = []
        for source in sources:
            rows = [
                {k: v or None for k, v in row.items() if k != "source"} | {"number": n}
                for n, row in enumerate(table) if row["source"] == source
            ]  # fmt: skip
            sides.append(api.register(pa.Table.from_pylist(rows)))
        linking = Linker(sides, settings, log_level="ERROR")
        training = linking.training
        training.estimate_probability_two_random_records_match(rules[:1], recall=0.9)
        training.estimate_u_using_random_sampling(max_pairs=1e6, seed=1)
        for rule in (block_on("date_of_birth"), block_on("postcode")):
            training.estimate_parameters_using_expectation_maximisation(rule)
        labels = _clusters(linking, len(table), "number")
    return labels, time.perf_counter() - begun


def _clusters(linking: object, number: int, key: str = "unique_id") -> list[int]:
    found = linking.inference.predict(threshold_match_probability=THRESHOLD)  # type: ignore[attr-defined]
    made = linking.clustering.cluster_pairwise_predictions_at_threshold(found, THRESHOLD)  # type: ignore[attr-defined]
    rows = made.as_pyarrow_table()
    labels = [-1] * number
    names: dict[object, int] = {}
    for one, label in zip(rows[key].to_pylist(), rows["cluster_id"].to_pylist(), strict=True):
        labels[one] = names.setdefault(label, one)
    return labels


def recordlinkage(table: Table, kind: str) -> Made:
    """In its own environment. `kind`: febrl or physicians."""
    columns = list(dict.fromkeys(name for row in table for name in row))
    script = Path(__file__).with_name("_recordlinkage.py")
    with tempfile.TemporaryDirectory(prefix="yishu-bench-") as folder:
        path = Path(folder) / "table.csv"
        with path.open("w", newline="", encoding="utf-8") as file:
            writer = csv.DictWriter(file, columns, restval="")
            writer.writeheader()
            writer.writerows(table)
        if not PYTHON.exists():
            raise Missing("recordlinkage: ./dev bench identity installs it")
        done = subprocess.run(
            [str(PYTHON), str(script), str(path), kind], capture_output=True, text=True
        )
    if done.returncode:
        raise Missing(f"recordlinkage: {(done.stderr.strip().splitlines() or ['it failed'])[-1]}")
    answer = json.loads(done.stdout.splitlines()[-1])
    return answer["labels"], answer["seconds"]


def say(text: str) -> None:
    """Progress."""
    print(text, file=sys.stderr, flush=True)
