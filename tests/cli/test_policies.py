"""Policies, gate and lift from the command line."""

from __future__ import annotations

import pytest

from app.infra.db import Database
from app.recommend.policy import policies
from app.recommend.policy.policies import Settings
from tests.cli.command import run, yishu
from tests.cli.test_commands import environment
from tests.conftest import NOON

__all__ = ["environment"]


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_policies_are_listed_judged_and_the_lift_says_when_it_knows_nothing(
    environment: dict[str, str], database: Database
) -> None:
    assert "起步策略" in run(environment, "recommend", "policies").stdout
    with database.transaction() as session:
        policies.draft(session, Settings("只留底线", floor=0.02), by="user:1", now=NOON)
        policies.draft(session, Settings("均衡", alpha=0.25, floor=0.02), by="user:1", now=NOON)
    listed = yishu(environment, "recommend", "policies")["policies"]
    assert [(one["version"], one["state"]) for one in listed] == [
        (3, "draft"), (2, "draft"), (1, "live"),
    ]  # fmt: skip
    judged = yishu(environment, "recommend", "gate", "2")
    assert (judged["basis"], judged["passed"]) == ("bounded", True)
    assert not yishu(environment, "recommend", "gate", "3")["passed"], "nothing is known yet"
    states = [one["state"] for one in yishu(environment, "recommend", "policies")["policies"]]
    assert states == ["failed", "gated", "live"]
    none = run(environment, "recommend", "gate", "9")
    assert (none.returncode, none.stderr.strip()) == (1, "没有这个策略。")
    lift = yishu(environment, "recommend", "lift")
    assert lift["opened"]["gain"] is None
    assert "太少" in run(environment, "recommend", "lift").stdout
