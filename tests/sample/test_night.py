"""Whoever starts the product in the middle of China's night finds it working, too."""

from __future__ import annotations

from datetime import UTC, datetime

import pytest

from app import reps
from app.flows.planning.plan_day import plan_day
from app.infra.clock import local
from app.sample.load import open_at_any_hour
from tests.scenarios.conftest import Line, line  # noqa: F401
from tests.scenarios.test_suggestion_line import card_of, prepare, texts


@pytest.mark.parametrize("hour", [3, 8, 22])
def test_the_first_cards_arrive_and_can_be_adopted_at_any_hour(
    line: Line,  # noqa: F811
    hour: int,
) -> None:
    prepare(line)
    line.clock.now = datetime(2026, 11, 25, hour, tzinfo=local(line.clock()).tzinfo).astimezone(UTC)
    with line.parts.db.transaction() as session:
        rep = reps.find_rep(session, "wwtestcorp", "rep01")
        assert rep is not None
        day = local(line.clock()).date()
        plan_day(session, rep, day, base_url="http://x", now=line.clock())
        open_at_any_hour(session, line.clock())
    line.work()
    line.do("tap_card", task_id=card_of(line)["task_id"], key="adopt")
    assert "/t/" in "".join(texts(line))
