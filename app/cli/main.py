"""All commands, and how they end: with 0, or with one sentence and 1."""

from __future__ import annotations

import sys
from importlib import import_module

import typer
from sqlalchemy.exc import SQLAlchemyError

from app.infra.errors import YishuError

GROUPS = (
    "schema", "doctor", "backup", "keys", "users", "inbox", "identity", "hospitals", "segments",
    "reconcile", "sample",
)  # fmt: skip

cli = typer.Typer(
    name="yishu", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
    help="医枢 Yishu: look after a running product. Every command takes --json.",
)  # fmt: skip
for _group in GROUPS:
    import_module(f"app.cli.{_group}").register(cli)


def run() -> None:
    """Run the command line of this process."""
    try:
        cli(prog_name="yishu")
    except YishuError as problem:
        print(problem, file=sys.stderr)
        sys.exit(1)
    except (SQLAlchemyError, OverflowError) as problem:
        reason = str(getattr(problem, "orig", None) or problem).strip().splitlines()[0]
        print(
            f"The database cannot do this: {reason}. If it is new: yishu migrate", file=sys.stderr
        )
        sys.exit(1)
