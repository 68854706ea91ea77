"""Lists ask the database the same number of questions whatever their length."""

from __future__ import annotations

from typing import Any

from sqlalchemy import event

from app import identity, tagging
from app.infra.db import Database
from app.web.api.physicians import as_json
from tests.company import hire, meet
from tests.conftest import NOON


def test_a_long_list_of_physicians_asks_no_more_than_a_short_one(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep = hire(session, "rep01", NOON)
        for number in range(12):
            meet(session, rep, f"n{number}", NOON, tags=("af",))
    asked: list[str] = []
    event.listen(
        database.engine, "before_cursor_execute",
        lambda _c, _cursor, statement, *_more: asked.append(statement),
    )  # fmt: skip

    def told(limit: int) -> list[dict[str, Any]]:
        with database.reading() as session:
            people, _total = identity.search(session, limit=limit)
            return as_json(session, people, NOON)

    told(1)  # the vocabulary is read once
    asked.clear()
    (one,) = told(1)
    short = len(asked)
    asked.clear()
    assert len(told(12)) == 12
    assert len(asked) == short
    assert [tag["key"] for tag in one["tags"]] == ["af"]
    assert [row["kind"] for row in one["identifiers"]] == ["wecom_external_userid"]
