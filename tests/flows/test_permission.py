"""May this physician be reached: asked while others learn who is who."""

from __future__ import annotations

import pytest
from sqlalchemy import update

from app import tagging
from app.delivery import Dispatch, Way
from app.flows.allowed.permission import verdict_for
from app.identity import Identifier
from app.infra.db import Database
from tests.company import hire, meet, publish
from tests.conftest import NOON


def test_a_one_id_that_changes_in_the_middle_of_the_question_refuses_nobody(
    database: Database,
) -> None:
    """An adopted card was answered with "no consent", because a union id was seen that moment."""
    if database.engine.dialect.name == "sqlite":
        pytest.skip("on SQLite a transaction sees no other one's changes")
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep = hire(session, "rep01", NOON)
        row = meet(session, rep, "wang", NOON)
        asked = Dispatch(
            way=Way.REP_TEXT, rep_id=rep.id, identifier_id=row.id, payload={}, not_before=NOON,
            content_version_id=publish(session, "房颤", ("af",), NOON).id,
        )  # fmt: skip
        number = row.id
    with database.transaction() as session:
        read = session.get_one(Identifier, number)
        with database.transaction() as other:
            learned = update(Identifier).where(Identifier.one_id == read.one_id)
            other.execute(learned.values(one_id="YS" + "A" * len(read.one_id[2:])))
        verdict = verdict_for(session, asked, NOON)
        assert verdict is not None
        assert verdict.allowed, verdict
