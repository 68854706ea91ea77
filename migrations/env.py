"""Alembic's entry: runs revisions over the engine that `app.schema` hands in.

SQLite changes a column by copying the table and dropping the old one, and a dropped table counts
as emptied: with foreign keys on, rows that point at it would be deleted with it, or the revision
would fail. So keys are off while revisions run, and before the commit a look makes sure that no
row points at nothing which did not before.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager

from alembic import context
from sqlalchemy import Connection

engine = context.config.attributes["engine"]


@contextmanager
def keys_off(connection: Connection) -> Iterator[None]:
    """SQLite enforces no foreign keys inside. Must begin outside a transaction, where alone the
    switch works."""
    driver = connection.connection
    driver.cursor().execute("PRAGMA foreign_keys=OFF")
    try:
        yield
    finally:
        connection.rollback()  # what failed; after a commit nothing
        driver.cursor().execute("PRAGMA foreign_keys=ON")


def pointing_at_nothing(connection: Connection) -> Counter[str]:
    """How many rows of each table point at a row that is not there, as "table → parent"."""
    rows = connection.exec_driver_sql("PRAGMA foreign_key_check").all()
    return Counter(f"{row[0]} → {row[2]}" for row in rows)


def run(connection: Connection) -> None:
    """All revisions that are asked for, in one transaction."""
    context.configure(
        connection=connection,
        target_metadata=context.config.attributes.get("metadata"),
        render_item=context.config.attributes.get("render_item"),
        render_as_batch=True,
        compare_type=False,
    )
    with context.begin_transaction():
        if connection.dialect.name == "postgresql":  # tables of a large company take their time
            connection.exec_driver_sql("SET LOCAL statement_timeout = 0")
        context.run_migrations()


with engine.connect() as connection:
    if engine.dialect.name == "sqlite":
        with keys_off(connection):
            before = pointing_at_nothing(connection)
            run(connection)
            new = pointing_at_nothing(connection) - before
            if new:
                raise RuntimeError(f"the revision would leave rows without parents: {dict(new)}")
            connection.commit()
    else:
        run(connection)
        connection.commit()
