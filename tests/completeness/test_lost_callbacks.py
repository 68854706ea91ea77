"""Callbacks that never come: everything is found, nothing is doubled when they come after all."""

from __future__ import annotations

import shutil
from pathlib import Path
from typing import Any

import pytest

from app.completeness import Kind
from tests.completeness.days import first_day, second_day
from tests.completeness.pulling import pull, reconciled, release, snapshot, trouble
from tests.conftest import SetClock
from tests.flows.seen import all_done
from tests.scenarios.conftest import Line, opened


@pytest.fixture(scope="module")
def undisturbed(
    sqlite_template: Path, valkey_url: str, tmp_path_factory: pytest.TempPathFactory
) -> dict[str, Any]:
    """Where the two days lead when every callback comes."""
    path = tmp_path_factory.mktemp("undisturbed") / "yishu.db"
    shutil.copy(sqlite_template, path)
    with opened(f"sqlite:///{path}", valkey_url, SetClock()) as line:
        first_day(line)
        second_day(line)
        assert pull(line).found == {}, "nothing is found where nothing is lost"
        return snapshot(line)


@pytest.mark.parametrize(("share", "seed"), [(0.01, 34), (0.3, 1), (1.0, 0)])
def test_whatever_is_lost_is_found_and_ends_like_undisturbed_days(
    line: Line, undisturbed: dict[str, Any], share: float, seed: int
) -> None:
    first_day(line)
    trouble(line, drop=share, drop_seed=seed)
    second_day(line)
    trouble(line)
    run = pull(line, Kind.HOURLY)
    assert run.lost > 0
    assert all_done(line)
    assert snapshot(line) == undisturbed
    told = reconciled(line)
    assert pull(line).found == {}
    assert reconciled(line) == told, "one look finds it once"
    assert release(line) > 0
    assert all_done(line)
    assert snapshot(line) == undisturbed, "callbacks that come late change nothing"
    assert pull(line).found == {}
