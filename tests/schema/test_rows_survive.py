"""Every revision, up and down, with rows in every table: none is lost, and none loses its parent.

The rows are made from the schema as it is at that moment, so a new revision is tried with rows
in all older tables without a word here.
"""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, date, datetime
from typing import Any

import pytest
from alembic import command
from sqlalchemy import Column, Engine, MetaData, Table, func, insert, inspect, select, types

from app import schema
from tests.schema.test_migrations import VERSION_TABLE

ROWS = 3
MOVED = {"content_tag": "content_version_tag"}
"""Tables whose rows went on living in another one."""
BEGUN = {"stamp": "library"}
"""Rows that a revision begins, by the name that they have: no data of anybody."""


def test_no_row_is_lost_on_the_way_up_and_down(empty_engine: Engine) -> None:
    known = schema.revisions()
    schema.upgrade(empty_engine, known[0])
    fill(empty_engine, reflected(empty_engine))
    for revision in known[1:]:
        before = content(empty_engine)
        schema.upgrade(empty_engine, revision)
        same(before, content(empty_engine), revision)
        fill(empty_engine, reflected(empty_engine))
    after = content(empty_engine)
    for revision in reversed(known[:-1]):
        before = after
        schema.downgrade(empty_engine, revision)
        after = content(empty_engine)
        same(before, {name: after[name] for name in before if name in after}, revision)
    assert all(after.values()), "a table has lost its rows"


def test_all_revisions_at_once_keep_the_rows(empty_engine: Engine) -> None:
    first, *_ = schema.revisions()
    schema.upgrade(empty_engine, first)
    fill(empty_engine, reflected(empty_engine))
    before = content(empty_engine)
    schema.upgrade(empty_engine)
    same(before, content(empty_engine), "head")


def test_foreign_keys_hold_again_after_a_migration(empty_engine: Engine) -> None:
    schema.upgrade(empty_engine)
    tables = reflected(empty_engine)
    orphan = row_of(tables["schedule_run"], 1) | {"schedule_id": 404}
    for _ in range(2):  # the connection that migrated goes back to the pool
        with pytest.raises(Exception, match=r"(?i)foreign key"), empty_engine.begin() as connection:
            connection.execute(insert(tables["schedule_run"]), orphan)


def test_a_revision_that_leaves_rows_without_parents_changes_nothing(
    empty_engine: Engine, monkeypatch: pytest.MonkeyPatch
) -> None:
    if empty_engine.dialect.name != "sqlite":
        pytest.skip("PostgreSQL looks after its keys by itself")
    schema.upgrade(empty_engine)
    fill(empty_engine, reflected(empty_engine))
    before = content(empty_engine)
    with pytest.raises(RuntimeError, match="schedule_run → schedule"):
        careless_downgrade(empty_engine, monkeypatch)
    assert content(empty_engine) == before


def careless_downgrade(engine: Engine, monkeypatch: pytest.MonkeyPatch) -> None:
    """Steps down that also forget the parents of some rows."""
    from alembic import op

    real = op.drop_table

    def also_forget(name: str, *args: Any, **options: Any) -> None:
        op.execute("DELETE FROM schedule")
        real(name, *args, **options)

    monkeypatch.setattr(op, "drop_table", also_forget)
    command.downgrade(schema._config(engine), schema.revisions()[0])


def reflected(engine: Engine) -> Mapping[str, Table]:
    """The tables as they are now, parents first."""
    found = MetaData()
    found.reflect(engine)
    return {table.name: table for table in found.sorted_tables if table.name != VERSION_TABLE}


def fill(engine: Engine, tables: Mapping[str, Table]) -> None:
    """Rows in every table that has none, parents first."""
    with engine.begin() as connection:
        for table in tables.values():
            if connection.scalar(select(func.count()).select_from(table)):
                continue
            pairs = "b_id" in table.columns
            for number in range(1, ROWS + (not pairs)):
                connection.execute(insert(table), row_of(table, number))


def row_of(table: Table, number: int) -> dict[str, Any]:
    """A row whose foreign keys point at the parents' rows of the same number; the second of a pair
    at the next one."""
    row = {}
    for column in table.columns:
        told = column
        while told.foreign_keys:
            told = next(iter(told.foreign_keys)).column
        row[column.name] = value_of(told, number + (column.name == "b_id"))
    return row


def value_of(column: Column[Any], number: int) -> Any:
    match column.type:
        case types.Boolean():
            return number % 2 == 0
        case types.DateTime():
            return datetime(2026, 11, number, 4, 0, tzinfo=UTC)
        case types.Date():
            return date(2026, 11, number)
        case types.Integer() | types.Float() | types.Numeric():
            return number
        case types.LargeBinary():
            return f"{number} {column}".encode().ljust(32)[:32]
        case types.JSON():
            return [number]
        case _:
            longest = getattr(column.type, "length", None)
            return f"{number} {column}"[:longest]


def content(engine: Engine) -> dict[str, list[dict[str, Any]]]:
    """All rows of all tables, as the driver reads them."""
    names = [name for name in inspect(engine).get_table_names() if name != VERSION_TABLE]
    found = {}
    with engine.execution_options(yishu_reading=True).connect() as connection:
        for name in names:
            rows = connection.exec_driver_sql(f'select * from "{name}"').mappings().all()
            begun = BEGUN.get(name)
            kept = [dict(row) for row in rows if begun is None or row["name"] != begun]
            found[name] = sorted(kept, key=repr)
    return found


def same(
    before: dict[str, list[dict[str, Any]]], after: dict[str, list[dict[str, Any]]], revision: str
) -> None:
    """What was there is there, value by value in the columns that both have."""
    for name, rows in before.items():
        if name not in after:
            continue
        assert len(after[name]) == len(rows), (revision, name)
        for old, new in zip(rows, after[name], strict=True):
            both = old.keys() & new.keys()
            assert {key: old[key] for key in both} == {key: new[key] for key in both}, name
    for name, heir in MOVED.items():
        if name in before and name not in after and heir in after:
            assert after[heir], (revision, heir)
