"""`yishu migrate` and `yishu revision`: the database schema."""

from __future__ import annotations

from tempfile import TemporaryDirectory

import typer
from sqlalchemy import Engine
from sqlalchemy.exc import SQLAlchemyError

from app import identity, schema
from app.cli.output import Json, show
from app.infra import crypto, settings
from app.infra.db import Database, build_engine
from app.infra.errors import Misconfigured


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    cli.command()(migrate)
    cli.command()(revision)


def migrate(as_json: Json = False) -> None:
    """Bring the database of DATABASE_URL up to date."""
    given = settings.load()
    engine = build_engine(given.database_url)
    try:
        before = schema.current(engine)
        schema.upgrade(engine)
        after = schema.current(engine)
    except SQLAlchemyError as problem:
        reason = str(getattr(problem, "orig", problem)).strip().splitlines()[0]
        raise Misconfigured(f"The database cannot be brought up to date: {reason}") from None
    _require_fitting_keys(engine, given.yishu_encryption_keys)
    text = f"schema {after}, was {before or 'empty'}" if before != after else f"schema {after}"
    show({"before": before, "after": after}, text, as_json)


def _require_fitting_keys(engine: Engine, keys: str) -> None:
    """With other keys we would start, find nobody, and write every physician a second time."""
    crypto.install(crypto.KeyRing.parse(keys))
    with Database(engine).reading() as session:
        fit = identity.keys_fit(session)
    if not fit:
        raise Misconfigured(
            "The keys do not fit this database: YISHU_ENCRYPTION_KEYS must hold the keys that it "
            "was written with."
        )


def revision(message: str, as_json: Json = False) -> None:
    """Write what the models have and the migrations have not as a new revision."""
    with TemporaryDirectory() as folder:
        engine = build_engine(f"sqlite:///{folder}/now.db")
        schema.upgrade(engine)
        path = schema.write_revision(engine, message)
        engine.dispose()
    show({"path": str(path)}, f"wrote {path}; read it, then format it with ruff", as_json)
