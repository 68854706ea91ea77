"""The database schema as revisions: bring a database up to date, and write new revisions.

Revisions live in `migrations/versions` and import nothing from `app`: a revision must mean the same
for ever, whatever becomes of the models.
"""

from __future__ import annotations

import fcntl
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from alembic import command
from alembic.config import Config
from alembic.runtime.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import Engine, text
from sqlalchemy.types import TypeEngine

from app.infra.errors import Permanent

FOLDER = Path(__file__).parents[1] / "migrations"
LOCK_NUMBER = 0x59_69_73_68  # any number that only we use


class Unknown(Permanent):
    """The database is at a revision that this version of the product does not have."""


def upgrade(engine: Engine, revision: str = "head") -> None:
    """Bring the database to `revision`. Safe when two processes do it at once. Raises Unknown."""
    with _alone(engine):
        now = current(engine)
        if now is not None and now not in revisions():
            raise Unknown(
                f"The database is at revision {now}, which this version does not know: a newer "
                f"version has used it. Run that version, or go back to a backup."
            )
        command.upgrade(_config(engine), revision)


def downgrade(engine: Engine, revision: str) -> None:
    """Take the database back to `revision`; "base" removes everything."""
    with _alone(engine):
        command.downgrade(_config(engine), revision)


def current(engine: Engine) -> str | None:
    """The revision of the database, None when it is empty. Waits for no writer."""
    with engine.execution_options(yishu_reading=True).connect() as connection:
        return MigrationContext.configure(connection).get_current_revision()


def newest() -> str | None:
    """The newest revision that this version of the product knows."""
    return ScriptDirectory(str(FOLDER)).get_current_head()


def revisions() -> list[str]:
    """All revisions, oldest first."""
    scripts = ScriptDirectory(str(FOLDER))
    return [script.revision for script in reversed(list(scripts.walk_revisions()))]


def write_revision(engine: Engine, message: str) -> Path:
    """Write what the models have and the database at `engine` has not as a new revision."""
    from app.models import metadata  # here: running a revision needs no model

    config = _config(engine)
    config.attributes.update(metadata=metadata, render_item=_render)
    number = f"{len(revisions()) + 1:04d}"
    script = command.revision(config, message, autogenerate=True, rev_id=number)
    assert not isinstance(script, list)
    assert script is not None
    path = Path(script.path)
    lines = path.read_text().splitlines(keepends=True)
    path.write_text("".join(line for line in lines if "### " not in line))
    return path


def _config(engine: Engine) -> Config:
    config = Config()
    config.set_main_option("script_location", str(FOLDER).replace("%", "%%"))
    config.set_main_option("path_separator", "os")
    config.attributes["engine"] = engine
    return config


@contextmanager
def _alone(engine: Engine) -> Iterator[None]:
    """One migration at a time: an advisory lock on PostgreSQL, a file lock beside SQLite."""
    if engine.dialect.name == "postgresql":
        with engine.connect() as connection:
            connection.execute(text("SET LOCAL statement_timeout = 0"))  # for the other's tables
            connection.execute(text("SELECT pg_advisory_lock(:n)"), {"n": LOCK_NUMBER})
            connection.commit()
            try:
                yield
            finally:
                connection.execute(text("SELECT pg_advisory_unlock(:n)"), {"n": LOCK_NUMBER})
        return
    if not engine.url.database:
        yield
        return
    with Path(f"{engine.url.database}.migrating").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _render(kind: str, item: Any, context: Any) -> str | bool:
    """Our own column types as the plain types that they are stored as."""
    from alembic.autogenerate.render import _repr_type
    from sqlalchemy.types import TypeDecorator

    if kind != "type" or not isinstance(item, TypeDecorator):
        return False
    stored: TypeEngine[Any] = item.impl_instance
    return _repr_type(stored, context)
