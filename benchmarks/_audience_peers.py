"""The same questions in SQL: DuckDB, SQLite and PostgreSQL, each as it answers best."""

from __future__ import annotations

import sqlite3
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple

import numpy as np
import psycopg
from sqlalchemy.engine import make_url

from benchmarks._audiences import WINDOW, World
from launcher import postgres

LEAST = 2  # tenths: weaker tags do not count


class Question(NamedTuple):
    """`a` and (`b` or `c`) and not `d` and opened at least `times` in the last thirty days."""

    a: int
    b: int
    c: int
    d: int
    times: int

    @property
    def text(self) -> str:
        """As the product reads it."""
        return (
            f"标签:t{self.a} 且 (标签:t{self.b} 或 标签:t{self.c}) 且 非 标签:t{self.d} "
            f"且 近{WINDOW}天打开 ≥ {self.times}"
        )

    @property
    def sql(self) -> str:
        """As every database reads it; the rarest condition is left to its planner."""
        has = f"exists (select 1 from m x where x.tag = %d and x.pid = m.pid and x.w >= {LEAST})"
        return (
            f"select count(*) from m where m.tag = {self.a} and m.w >= {LEAST} "
            f"and ({has % self.b} or {has % self.c}) and not {has % self.d} "
            f"and m.pid in (select pid from o group by pid having sum(n) >= {self.times})"
        )


Ask = Callable[[str], int]


@contextmanager
def duckdb(data: World, folder: Path) -> Iterator[Ask]:
    """Columns in a file, two threads. Raises ImportError."""
    import duckdb as engine

    connection = engine.connect(str(folder / "duck.db"))
    connection.execute("set threads = 2")
    connection.execute("create table m (tag smallint, pid integer, w tinyint)")
    connection.execute("create table o (pid integer, day smallint, n smallint)")
    for number, (who, strength) in enumerate(data.tags, 1):
        piece = {"pid": who.astype(np.int32), "w": strength.astype(np.int8)}
        connection.execute(f"insert into m select {number}, pid, w from piece")
    for day, who in enumerate(data.opened):
        people, times = np.unique(who, return_counts=True)
        piece = {"pid": people.astype(np.int32), "n": times.astype(np.int16)}  # noqa: F841
        connection.execute(f"insert into o select pid, {day}, n from piece")
    yield lambda sql: int(connection.execute(sql).fetchone()[0])
    connection.close()


@contextmanager
def sqlite(data: World, folder: Path) -> Iterator[Ask]:
    """One table clustered by tag and person."""
    connection = sqlite3.connect(folder / "peer.db")
    connection.executescript(
        "pragma journal_mode=off; pragma synchronous=off; pragma cache_size=-400000;"
        "create table m (tag int, pid int, w int, primary key (tag, pid)) without rowid;"
        "create table o (pid int, day int, n int, primary key (pid, day)) without rowid;"
    )
    for table, rows in _rows(data):
        connection.executemany(f"insert into {table} values (?, ?, ?)", rows)
    connection.execute("analyze")
    connection.commit()
    yield lambda sql: int(connection.execute(sql).fetchone()[0])
    connection.close()


@contextmanager
def postgresql(data: World, folder: Path) -> Iterator[Ask]:
    """Index-only scans over one covering index. Raises NoPostgres."""
    with postgres.running() as server, postgres.copy_of(server, "template0") as url:
        at = make_url(url)
        plain = at.set(drivername="postgresql").render_as_string(hide_password=False)
        with psycopg.connect(plain, autocommit=True) as connection:
            connection.execute("create table m (tag smallint, pid integer, w smallint)")
            connection.execute("create table o (pid integer, day smallint, n smallint)")
            for table, rows in _rows(data):
                with connection.cursor().copy(f"copy {table} from stdin") as copy:
                    copy.write("".join(f"{a}\t{b}\t{c}\n" for a, b, c in rows))
            connection.execute("create unique index on m (tag, pid) include (w)")
            connection.execute("create index on o (pid) include (n)")
            connection.execute("vacuum analyze m")
            connection.execute("vacuum analyze o")
            connection.execute("set work_mem = '256MB'")
            yield lambda sql: int(_first(connection, sql))


def _first(connection: Any, sql: str) -> Any:
    row = connection.execute(sql).fetchone()
    return row[0]


def _rows(data: World) -> Iterator[tuple[str, list[tuple[int, int, int]]]]:
    for number, (who, strength) in enumerate(data.tags, 1):
        columns = [number] * len(who), who.tolist(), strength.tolist()
        yield "m", list(zip(*columns, strict=True))
    for day, who in enumerate(data.opened):
        people, times = np.unique(who, return_counts=True)
        columns = people.tolist(), [day] * len(people), times.tolist()
        yield "o", list(zip(*columns, strict=True))


PEERS = {"DuckDB": duckdb, "SQLite": sqlite, "PostgreSQL": postgresql}
