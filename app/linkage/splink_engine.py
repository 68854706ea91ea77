"""Splink on DuckDB, on this machine: training, and scoring all pairs at once.

DuckDB keeps a connection busy until all of a result is fetched, and Splink leaves tables behind;
so each linker has a database in memory of its own, which is closed in the end.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from typing import Any

from app.linkage.features import Features
from app.linkage.model import Model
from app.linkage.splink_settings import as_columns, model_of, settings, teachers

U_PAIRS = 2e6
RECALL = 0.5  # of the rules by which Splink guesses how many match; corrected by training


@contextmanager
def linker(
    records: Sequence[Features], threads: int = 0, *, keep_levels: bool = False
) -> Iterator[Any]:
    """A `Linker` over these records. Raises Misconfigured without Splink."""
    chosen = settings(keep_levels=keep_levels)
    import duckdb
    import pyarrow as pa
    from splink import DuckDBAPI, Linker

    with duckdb.connect(":memory:") as connection:
        if threads:
            connection.execute(f"set threads to {int(threads)}").fetchall()
        api = DuckDBAPI(connection)
        table = pa.table(as_columns(records), schema=_schema(pa))
        yield Linker(api.register(table), chosen, log_level="ERROR")


def train(linking: Any, records: int, *, version: str, trained_on: str) -> Model:
    """Learn the weights of a linker's own records, and give them as a model."""
    from splink import block_on

    training = linking.training
    sure = [block_on("name", "institution", "department"), block_on("name", "institution", "title")]
    training.estimate_probability_two_random_records_match(sure, recall=RECALL)
    training.estimate_u_using_random_sampling(max_pairs=U_PAIRS, seed=1)
    for rule in teachers():
        training.estimate_parameters_using_expectation_maximisation(
            rule, estimate_without_term_frequencies=True
        )
    learned = linking.misc.save_model_to_json()
    return model_of(learned, version=version, trained_on=trained_on, records=records)


def predict(linking: Any, least: float) -> list[tuple[float, int, int]]:
    """(bits, and the positions of the two, the smaller first) of every pair from `least` bits."""
    found = linking.inference.predict(threshold_match_weight=least).as_pyarrow_table()
    columns = (found[name].to_pylist() for name in ("match_weight", "unique_id_l", "unique_id_r"))
    return [(bits, min(a, b), max(a, b)) for bits, a, b in zip(*columns, strict=True)]


def _schema(pa: Any) -> Any:
    """Without it a column in which nothing is known would have no type."""
    kinds = {"unique_id": pa.int64(), "title": pa.int64()}
    kinds |= {name: pa.list_(pa.string()) for name in ("phones", "tails", "heads")}
    names = as_columns([])
    return pa.schema([(name, kinds.get(name, pa.string())) for name in names])
