"""SQLite: its online backup, which copies a consistent moment while others write."""

from __future__ import annotations

import os
import sqlite3
from contextlib import closing
from pathlib import Path

from app.infra.errors import Refused

SIDE_FILES = ("-wal", "-shm", "-journal")


def copy_out(source: Path, target: Path) -> None:
    """A consistent copy of `source`, as one file without side files.

    In one step: in WAL mode a reader stands in nobody's way, and a copy in several steps would
    begin again whenever another process writes.
    """
    with (
        closing(sqlite3.connect(source, timeout=15)) as here,
        closing(sqlite3.connect(target)) as there,
    ):
        here.backup(there)
        there.execute("PRAGMA journal_mode=DELETE")
    require_sound(target)


def require_sound(file: Path) -> None:
    """Raises Refused when the file is no whole database."""
    try:
        with closing(sqlite3.connect(f"file:{file}?mode=ro", uri=True)) as connection:
            said = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
    except sqlite3.DatabaseError as problem:
        said = str(problem)
    if said != "ok":
        raise Refused(f"数据库文件 {file.name} 不完整（{said}）。")


def put_in_place(copy: Path, target: Path) -> None:
    """`copy` becomes `target` in one step; whatever was there is gone, broken or not."""
    copy.chmod(target.stat().st_mode & 0o777 if target.exists() else 0o600)
    for suffix in SIDE_FILES:  # they belong to the old file and would spoil the new one
        Path(f"{target}{suffix}").unlink(missing_ok=True)
    copy.replace(target)
    handle = os.open(target.parent, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
