"""`yishu backup` and `yishu restore`."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from pathlib import Path
from typing import Annotated

import typer
from sqlalchemy.exc import SQLAlchemyError

from app import backup as backups
from app.backup.rows import MAIN
from app.bootstrap import build
from app.cli.output import Json, quiet, show
from app.infra.clock import local
from app.infra.errors import Misconfigured

Overwrite = Annotated[bool, typer.Option("--overwrite", help="Replace what is there.")]


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    cli.command()(backup)
    cli.command()(restore)


def backup(path: Path, overwrite: Overwrite = False, as_json: Json = False) -> None:
    """Copy database and waiting callbacks into one file, while the product works."""
    quiet()
    with _in_one_sentence():
        made = backups.make(build(process="cli"), path, overwrite=overwrite)
    text = (
        f"备份完成：{made.path}（{made.bytes:,} 字节）\n{_rows(made.counts)}"
        f"{_spill(made.spill_files)}\n读取它需要现在的 YISHU_ENCRYPTION_KEYS，请与备份分开保存。"
    )
    show(
        {"path": str(made.path), "bytes": made.bytes, "rows": made.counts,
         "spill_files": made.spill_files},
        text, as_json,
    )  # fmt: skip


def restore(path: Path, overwrite: Overwrite = False, as_json: Json = False) -> None:
    """Put a backup in the place of the database, after checking that it fits. Stop all first."""
    quiet()
    with _in_one_sentence():
        done = backups.restore(build(process="cli"), path, overwrite=overwrite)
    made = local(datetime.fromisoformat(done.made_at))
    text = (
        f"已恢复 {made:%Y-%m-%d %H:%M:%S}（北京时间）的备份。\n"
        f"{_rows(done.counts)}{_spill(done.spill_files)}\n"
        f"为避免重复联系：{done.held.messages} 条当时待发的消息改为需要确认，"
        f"{done.held.schedules} 个定时从现在继续。\n现在可以启动 web、worker 和 scheduler。"
    )
    show(
        {"made_at": done.made_at, "revision": done.revision, "rows": done.counts,
         "spill_files": done.spill_files, "held": asdict(done.held)},
        text, as_json,
    )  # fmt: skip


@contextmanager
def _in_one_sentence() -> Iterator[None]:
    """What goes wrong outside of us is one sentence, too."""
    try:
        yield
    except SQLAlchemyError as problem:
        kind = type(problem).__name__
        raise Misconfigured(f"数据库无法使用（{kind}）：检查 DATABASE_URL。") from None
    except OSError as problem:
        what = problem.strerror or type(problem).__name__
        raise Misconfigured(f"{problem.filename or ''}：{what}") from None


def _rows(counts: dict[str, int]) -> str:
    return "\n".join(f"  {name:<16} {counts[name]:>12,}" for name in MAIN if name in counts)


def _spill(files: int) -> str:
    return f"\n  另有 {files} 个文件的回调等待导入" if files else ""
