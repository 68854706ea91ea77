"""All commands, and how they end: with 0, or with one sentence and 1."""

from __future__ import annotations

import sys
from importlib import import_module

import typer

from app.infra.errors import YishuError

GROUPS = ("schema", "keys", "users", "inbox", "reconcile", "sample")

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
