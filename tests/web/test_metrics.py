"""docs/operations.md tells every number that /metrics shows, and no other."""

from __future__ import annotations

import pkgutil
import re
from importlib import import_module
from pathlib import Path

import pytest
from prometheus_client import REGISTRY

import app
import workers
from app.bootstrap import build
from app.web.health import Tables
from tests.conftest import make_settings

PAGE = (Path(__file__).parents[2] / "docs" / "operations.md").read_text()
NOT_MODULES = ("__main__", "recommend.fit.loops")  # the latter needs numpy


def exposed(database_url: str) -> set[str]:
    for package in (app, workers):
        for module in pkgutil.walk_packages(package.__path__, f"{package.__name__}."):
            if not module.name.endswith(NOT_MODULES):
                import_module(module.name)
    parts = build(make_settings(database_url, "unix:///nowhere.sock"))
    families = [*REGISTRY.collect(), *Tables(parts).collect()]
    parts.db.engine.dispose()
    return {
        family.name + ("_total" if family.type == "counter" else "")
        for family in families
        if family.name.startswith("yishu_")
    }


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_the_table_of_metrics_is_complete(database_url: str) -> None:
    section = PAGE.split("\n## Metrics\n")[1].split("\n## ")[0]
    told = re.findall(r"^\| `(yishu_\w+)", section, flags=re.MULTILINE)
    assert len(told) == len(set(told))
    assert set(told) == exposed(database_url)


def test_every_metric_says_when_to_be_alarmed() -> None:
    section = PAGE.split("\n## Metrics\n")[1].split("\n## ")[0]
    for row in re.findall(r"^\| `yishu_.*", section, flags=re.MULTILINE):
        cells = [cell.strip() for cell in row.strip("|").split("|")]
        assert len(cells) == 3, row
        assert cells[2], row
