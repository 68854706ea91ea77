"""Splink beside: the same levels in SQL, and weights that the product can apply."""

from __future__ import annotations

import pytest

from app.linkage.compare import COLUMNS, compare
from app.linkage.model import loads
from tests.linkage.people import people

pytest.importorskip("splink", reason="Splink (requirements-linkage.lock) is not installed")


def test_every_level_in_sql_is_that_in_python_and_what_is_learned_can_be_applied() -> None:
    from app.linkage.splink_engine import linker, train

    records = people()
    with linker(records, threads=1, keep_levels=True) as linking:
        table = linking.inference.predict(threshold_match_weight=-200).as_pyarrow_table()
        model = train(linking, len(records), version="test", trained_on="test")
    names = list(COLUMNS)
    told = [table[f"gamma_{name}"].to_pylist() for name in names]
    left, right = (table[f"unique_id_{side}"].to_pylist() for side in "lr")
    assert len(left) > 1000
    for n, (a, b) in enumerate(zip(left, right, strict=True)):
        mine = compare(records[a], records[b])
        his = tuple(
            g[n] if g[n] < 0 else len(COLUMNS[name]) - 1 - g[n]
            for name, g in zip(names, told, strict=True)
        )
        assert mine == his, (tuple(records[a]), tuple(records[b]))
    assert loads(model.dumps(), COLUMNS) == model
