"""PostgreSQL databases that tests use one after the other: emptying one is cheaper than making one.

    with pool.lent() as url:      # every table of the template, no row, every sequence at its start

A database is lent again only when its catalogue is as it was made, to the last altered column, and
what the test left in it is small. Otherwise the next one is new, and this one is dropped in the end.
"""

from __future__ import annotations

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import psycopg
from psycopg.sql import SQL, Identifier
from sqlalchemy import MetaData

from launcher import postgres

LARGEST_BYTES = 8 * 1024 * 1024
PATIENCE_S = 5.0
FIRST_OWN_OID = 16384  # what is below belongs to PostgreSQL itself
CATALOGUES = ("pg_class", "pg_type", "pg_constraint", "pg_trigger", "pg_proc", "pg_rewrite",
              "pg_attrdef", "pg_namespace", "pg_extension")  # fmt: skip
OTHERS = """
    SELECT pid, pg_terminate_backend(pid) FROM pg_stat_activity
    WHERE datname = current_database() AND pid <> pg_backend_pid()
"""
USED = """
    SELECT relname, pg_relation_size(oid) FROM pg_class
    WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace AND pg_relation_size(oid) > 0
"""
RESTART = """
    SELECT setval(format('%I.%I', schemaname, sequencename)::regclass, start_value, false)
    FROM pg_sequences WHERE last_value IS NOT NULL
"""


class Pool:
    """Databases of one template on one server, made when needed and dropped with the pool."""

    def __init__(self, server: str, template: str, metadata: MetaData) -> None:
        self._server, self._template, self._stack = server, template, ExitStack()
        self._children_first = [table.name for table in reversed(metadata.sorted_tables)]
        self._free: list[tuple[str, str]] = []

    def __enter__(self) -> Pool:
        return self

    def __exit__(self, *_: object) -> None:
        self._stack.close()

    @contextmanager
    def lent(self) -> Iterator[str]:
        """The URL of an empty database for the length of the block."""
        url, made = self._free.pop() if self._free else self._new()
        yield url
        if self._emptied(url, made):
            self._free.append((url, made))

    def _new(self) -> tuple[str, str]:
        url = self._stack.enter_context(postgres.copy_of(self._server, self._template))
        with psycopg.connect(url, autocommit=True) as connection:
            return url, _catalogue(connection)

    def _emptied(self, url: str, made: str) -> bool:
        with psycopg.connect(url, autocommit=True) as connection:
            _alone(connection)
            if _catalogue(connection) != made:
                return False
            sizes = dict(connection.execute(USED).fetchall())
            if sum(sizes.values()) > LARGEST_BYTES:
                return False
            used = [Identifier(name) for name in self._children_first if name in sizes]
            with connection.transaction():
                for name in used:
                    connection.execute(SQL("DELETE FROM {}").format(name))
            connection.execute(RESTART)
            if used:  # so that no test waits for what others deleted
                connection.execute(SQL("VACUUM {}").format(SQL(", ").join(used)))
            return connection.execute(USED).fetchall() == []


def _alone(connection: psycopg.Connection) -> None:
    """Everybody else is thrown out; their locks and transactions end with them."""
    deadline = time.monotonic() + PATIENCE_S
    while connection.execute(OTHERS).fetchall():
        if time.monotonic() > deadline:
            raise TimeoutError("somebody cannot be disconnected from a test's database")
        time.sleep(0.001)


def _catalogue(connection: psycopg.Connection) -> str:
    """A mark of every definition: a changed row of a catalogue has another xmin."""
    marks = [
        f"(SELECT string_agg(concat(oid, ':', xmin), ',' ORDER BY oid) FROM {name} "
        f"WHERE oid >= {FIRST_OWN_OID})"
        for name in CATALOGUES
    ]
    columns = (
        "(SELECT string_agg(concat(attrelid, ':', attnum, ':', xmin), ',' ORDER BY attrelid, attnum)"
        f" FROM pg_attribute WHERE attrelid >= {FIRST_OWN_OID})"
    )
    settings = "(SELECT string_agg(concat(setdatabase, setconfig), ',') FROM pg_db_role_setting)"
    found = connection.execute(
        f"SELECT md5(concat_ws(';', {', '.join([*marks, columns, settings])}))"
    )
    return str(found.fetchall()[0][0])
