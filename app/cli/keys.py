"""`yishu keys`: encryption keys."""

from __future__ import annotations

import sys

import typer

import app.models  # noqa: F401  # every encrypted column
from app.bootstrap import build
from app.cli.output import Json, show
from app.infra import crypto, rotation


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Encryption keys.", no_args_is_help=True)
    group.command()(new)
    group.command()(rotate)
    cli.add_typer(group, name="keys")


def new(as_json: Json = False) -> None:
    """Make a fresh key for YISHU_ENCRYPTION_KEYS; the newest stands first there."""
    key = crypto.new_key()
    show({"key": key}, key, as_json)


def rotate(as_json: Json = False) -> None:
    """Encrypt everything again under the newest key; then the older ones can be taken out."""
    parts = build(process="cli")
    number = rotation.rotate(
        parts.db, lambda table, n: print(f"  … {table} {n:,}", file=sys.stderr)
    )
    show(
        {"values": number},
        f"已重新加密 {number:,} 个值。旧密钥现在可以从 YISHU_ENCRYPTION_KEYS 中移除"
        "（没有单独的 index 密钥时，最旧的一个要保留）。",
        as_json,
    )
