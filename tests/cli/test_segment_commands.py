"""Segments and lists on the command line."""

from __future__ import annotations

import pytest

from app.infra.db import Database
from app.segments import lists, saved
from app.tagging import seed
from tests.cli.command import run, yishu
from tests.cli.test_commands import environment  # noqa: F401
from tests.company import hire, meet
from tests.conftest import NOON


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_segments_overlaps_and_lists_are_told(
    database: Database,
    environment: dict[str, str],  # noqa: F811
) -> None:
    assert "还没有保存的人群" in run(environment, "segments", "list").stdout
    with database.transaction() as session:
        seed(session, NOON)
        row = meet(session, hire(session, "rep01", NOON), "wang", NOON, tags=("af",))
        saved.save(session, name="房颤", expression="标签:房颤", author="u", now=NOON)
        draft = lists.draft(
            session, name="签到", purpose="会议", filename="a.csv", members=[row.id], figures={},
            report=[], expires_at=None, author="u", now=NOON,
        )  # fmt: skip
        lists.confirm(session, draft.id)
    (one,) = yishu(environment, "segments", "list")["items"]
    assert (one["name"], one["version"], one["size"]) == ("房颤", 1, 1)
    (listed,) = yishu(environment, "segments", "lists")["items"]
    assert (listed["name"], listed["physicians"], listed["suppressed"]) == ("签到", 1, False)
    found = yishu(environment, "segments", "overlap", "人群:房颤", "非 名单:签到")
    assert found["sizes"] == [1, 0]
    assert [region["size"] for region in found["regions"]] == [1]
    done = run(environment, "segments", "overlap", "全部")
    assert done.returncode == 1
    assert "2 到 5" in done.stderr
