"""`yishu keys`: encryption keys."""

from __future__ import annotations

import typer

from app.cli.output import Json, show
from app.infra import crypto


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Encryption keys.", no_args_is_help=True)
    group.command()(new)
    cli.add_typer(group, name="keys")


def new(as_json: Json = False) -> None:
    """Make a fresh key for YISHU_ENCRYPTION_KEYS; the newest stands first there."""
    key = crypto.new_key()
    show({"key": key}, key, as_json)
