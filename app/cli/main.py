"""All commands, and how they end: with 0, or with one sentence and 1."""

from __future__ import annotations

import sys
from importlib import import_module

import typer
from sqlalchemy.exc import SQLAlchemyError

import app.models  # noqa: F401  # all tables: a command may touch those that point to others
from app.infra.errors import YishuError

MODULES = {  # first word → who has it, in the order of the help
    "migrate": "schema", "revision": "schema", "doctor": "doctor", "backup": "backup",
    "restore": "backup", "keys": "keys", "users": "users", "inbox": "inbox",
    "identity": "identity", "hospitals": "hospitals", "tags": "tags", "tag-rules": "tag_rules",
    "coverage": "coverage", "segments": "segments", "reconcile": "reconcile", "sample": "sample",
    "recommend": "recommend", "meetings": "meetings",
}  # fmt: skip


def command_line(word: str = "") -> typer.Typer:
    """All commands; with a known first word only those beside it, which saves half of the start."""
    cli = typer.Typer(
        name="yishu", no_args_is_help=True, add_completion=False, pretty_exceptions_enable=False,
        help="医枢 Yishu: look after a running product. Every command takes --json.",
    )  # fmt: skip
    cli.callback()(lambda: None)  # a command that is alone keeps its name
    for module in [MODULES[word]] if word in MODULES else dict.fromkeys(MODULES.values()):
        import_module(f"app.cli.{module}").register(cli)
    return cli


def run() -> None:
    """Run the command line of this process."""
    try:
        command_line(*sys.argv[1:2])(prog_name="yishu")
    except YishuError as problem:
        print(problem, file=sys.stderr)
        sys.exit(1)
    except (SQLAlchemyError, OverflowError) as problem:
        reason = str(getattr(problem, "orig", None) or problem).strip().splitlines()[0]
        print(
            f"The database cannot do this: {reason}. If it is new: yishu migrate", file=sys.stderr
        )
        sys.exit(1)
