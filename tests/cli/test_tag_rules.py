"""Automatic tags and coverage from the command line."""

from __future__ import annotations

import pytest

from app import tagging
from app.infra.db import Database
from tests.cli.command import run, yishu
from tests.cli.test_commands import environment
from tests.company import hire, meet, publish
from tests.conftest import NOON

__all__ = ["environment"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_rule_is_tried_and_switched_on(environment: dict[str, str], database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        meet(session, hire(session, "rep01", NOON), "a", NOON, tags=("vte",))
        publish(session, "房颤", ("af", "anticoagulation"), NOON)
    empty = run(environment, "tag-rules", "list")
    assert "yishu tag-rules starter" in empty.stdout
    made = yishu(environment, "tag-rules", "starter")["made"]
    assert len(made) == 9
    assert yishu(environment, "tag-rules", "starter")["made"] == []
    hasty = run(environment, "tag-rules", "switch", str(made[0]), "live")
    assert (hasty.returncode, hasty.stderr[:5]) == (1, "请先回测这")
    tried = yishu(environment, "tag-rules", "test", str(made[0]), "--days", "90")
    assert tried["tagged"] == 0
    assert yishu(environment, "tag-rules", "switch", str(made[0]), "live")["state"] == "live"
    assert yishu(environment, "tag-rules", "run")["looked"] == 1
    (live, *_) = yishu(environment, "tag-rules", "list")["rules"]
    assert (live["name"], live["state"]) == ("近期活跃", "live")
    covered = yishu(environment, "coverage")
    assert [one["tag"] for one in covered["gaps"]] == ["vte"]
