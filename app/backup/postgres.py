"""PostgreSQL: pg_dump and pg_restore of the machine, over the product's own address."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from psycopg.conninfo import make_conninfo
from sqlalchemy import URL, Engine, inspect, text

from app.infra.errors import Refused

SET_ASIDE = "yishu_before_restore"


def dump(url: URL, target: Path, snapshot: str) -> None:
    """Everything that `snapshot` saw. Raises Refused with the program's own words."""
    _run(
        "pg_dump", url, "--format=custom", "--no-owner", "--no-privileges", "--compress=1",
        f"--snapshot={snapshot}", f"--file={target}",
    )  # fmt: skip


def load(engine: Engine, source: Path) -> None:
    """Put `source` in the place of everything that is there, or change nothing.

    What is there is set aside first, so that a restore that fails half-way is undone.
    """
    with _set_aside(engine):
        _run(
            "pg_restore", engine.url, "--no-owner", "--no-privileges", "--exit-on-error",
            "--single-transaction", f"--dbname={_address(engine.url)}", str(source),
        )  # fmt: skip


@contextmanager
def _set_aside(engine: Engine) -> Iterator[None]:
    _bring_back(engine)  # an earlier restore may have been cut off
    with engine.begin() as connection:
        schema = inspect(connection).default_schema_name
        names = inspect(connection).get_table_names()
        connection.execute(text(f"CREATE SCHEMA {SET_ASIDE}"))
        for name in names:
            connection.execute(text(f'ALTER TABLE "{schema}"."{name}" SET SCHEMA {SET_ASIDE}'))
    try:
        yield
    except BaseException:
        _bring_back(engine)
        raise
    with engine.begin() as connection:
        connection.execute(text(f"DROP SCHEMA {SET_ASIDE} CASCADE"))


def _bring_back(engine: Engine) -> None:
    with engine.begin() as connection:
        found = inspect(connection)
        if SET_ASIDE not in found.get_schema_names():
            return
        schema, names = found.default_schema_name, found.get_table_names()
        if not names:  # nothing took their place
            for name in found.get_table_names(SET_ASIDE):
                connection.execute(text(f'ALTER TABLE {SET_ASIDE}."{name}" SET SCHEMA "{schema}"'))
        connection.execute(text(f"DROP SCHEMA {SET_ASIDE} CASCADE"))


def _run(program: str, url: URL, *arguments: str) -> None:
    path = shutil.which(program)
    if path is None:
        raise Refused(
            f"这台机器上没有 {program}。请安装与服务器同版本或更新的 PostgreSQL 客户端"
            "（Debian：apt install postgresql-client）。"
        )
    if program == "pg_dump":
        arguments = (*arguments, f"--dbname={_address(url)}")
    environment = {**os.environ, "LC_ALL": "C"}
    if url.password:
        environment["PGPASSWORD"] = url.password  # never on the command line
    done = subprocess.run(  # noqa: S603
        [path, *arguments], env=environment, capture_output=True, text=True, check=False
    )
    if done.returncode:
        said = (done.stderr.strip().splitlines() or ["没有说明"])[0]
        raise Refused(f"{program} 没有成功：{said}")


def _address(url: URL) -> str:
    """A libpq address without the password."""
    parts: dict[str, Any] = {
        "host": url.host, "port": url.port, "user": url.username, "dbname": url.database,
        **{key: value for key, value in url.query.items() if isinstance(value, str)},
    }  # fmt: skip
    return make_conninfo(**{key: value for key, value in parts.items() if value})
