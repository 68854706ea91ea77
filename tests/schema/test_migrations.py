"""The revisions build what the models say, on both databases, up and down."""

from __future__ import annotations

import threading
from typing import Any

import pytest
from sqlalchemy import Connection, Engine, event, inspect

import app.models
from app import schema
from app.infra.db import build_engine

VERSION_TABLE = "alembic_version"


def test_the_migrated_schema_is_that_of_the_models(empty_engine: Engine) -> None:
    schema.upgrade(empty_engine)
    migrated = described(empty_engine)
    schema.downgrade(empty_engine, "base")
    assert described(empty_engine) == {}, "a downgrade left something behind"
    app.models.metadata.create_all(empty_engine)
    wanted = described(empty_engine)
    assert migrated == wanted, "models changed: yishu revision 'what changed'"


def test_every_revision_goes_up_down_and_up_again(empty_engine: Engine) -> None:
    before = described(empty_engine)
    for revision in schema.revisions():
        previous = schema.current(empty_engine) or "base"
        schema.upgrade(empty_engine, revision)
        after = described(empty_engine)
        assert after != before
        schema.downgrade(empty_engine, previous)
        assert described(empty_engine) == before
        schema.upgrade(empty_engine, revision)
        assert described(empty_engine) == after
        before = after
    assert schema.current(empty_engine) == schema.newest()


@pytest.mark.parametrize("empty_engine", ["postgresql"], indirect=True)
def test_a_revision_of_a_large_table_may_take_as_long_as_it_needs(empty_engine: Engine) -> None:
    limits: list[str | None] = []

    def look(connection: Connection, _cursor: object, said: str, *_more: object) -> None:
        if "pg_advisory_lock" in said or said.strip().startswith("CREATE TABLE"):
            limits.append(connection.exec_driver_sql("SHOW statement_timeout").scalar())

    event.listen(empty_engine, "before_cursor_execute", look)
    schema.upgrade(empty_engine, schema.revisions()[0])
    assert len(limits) > 2
    assert set(limits) == {"0"}


def test_two_processes_may_migrate_at_once(empty_engine: Engine) -> None:
    problems: list[Exception] = []

    def one() -> None:
        engine = build_engine(empty_engine.url.render_as_string(hide_password=False))
        try:
            schema.upgrade(engine)
        except Exception as problem:
            problems.append(problem)
        engine.dispose()

    threads = [threading.Thread(target=one) for _ in range(2)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert problems == []
    assert schema.current(empty_engine) == schema.newest()


def test_revisions_import_nothing_from_the_product() -> None:
    for path in (schema.FOLDER / "versions").glob("*.py"):
        lines = path.read_text().splitlines()
        assert not [line for line in lines if line.startswith(("from app", "import app"))], path


def described(engine: Engine) -> dict[str, dict[str, Any]]:
    """Every table with its columns, keys, indexes and checks, in an order that means nothing."""
    found = inspect(engine)  # asks for all tables at once
    columns, keys = found.get_multi_columns(), found.get_multi_pk_constraint()
    unique, foreign = found.get_multi_unique_constraints(), found.get_multi_foreign_keys()
    indexes, checks = found.get_multi_indexes(), found.get_multi_check_constraints()
    return {
        at[1]: {
            "columns": sorted(
                (column["name"], str(column["type"]), column["nullable"], str(column["default"]))
                for column in columns[at]
            ),
            "key": keys[at]["constrained_columns"],
            "unique": sorted((str(one["name"]), tuple(one["column_names"])) for one in unique[at]),
            "foreign": sorted(
                (tuple(key["constrained_columns"]), key["referred_table"], str(key["options"]))
                for key in foreign[at]
            ),
            "indexes": sorted(
                (str(index["name"]), str(index["column_names"]), index["unique"],
                 sorted((name, str(value)) for name, value in index["dialect_options"].items()))
                for index in indexes[at]
            ),
            "checks": sorted((str(check["name"]), check["sqltext"]) for check in checks[at]),
        }
        for at in columns
        if at[1] != VERSION_TABLE
    }  # fmt: skip
