"""The callback benchmark runs, counts every answer and prints what the drawing promises."""

from __future__ import annotations

import json

import pytest

from benchmarks import callbacks


@pytest.mark.slow
def test_a_small_run_ends_in_one_json_object_with_a_ratio(
    capsys: pytest.CaptureFixture[str],
) -> None:
    code = callbacks.main(["--json", "--rounds", "1", "--requests", "60", "--no-postgres"])
    lines = capsys.readouterr().out.splitlines()
    result = json.loads(lines[-1])
    assert code == 0
    assert result["ratio"] > 0
    assert set(result["servers"]) == {callbacks.PEER, callbacks.SQLITE}
    for row in result["servers"].values():
        assert row["other"] == 0
        assert row["p99_ms"] >= row["p50_ms"] > 0
    assert any(callbacks.SQLITE in line for line in lines[:-1])
