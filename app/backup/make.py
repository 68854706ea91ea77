"""Making a backup: spill first, then the database.

In this order an event that is imported meanwhile is in both (and is imported once), and never in
none of them.
"""

from __future__ import annotations

import hashlib
import io
import os
import shutil
import tarfile
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import Engine, create_engine, text
from sqlalchemy.orm import Session

from app import operations, schema
from app.backup import postgres, rows, sqlite
from app.backup.manifest import NAME, Manifest, index_check, take_samples
from app.bootstrap import Parts
from app.infra.errors import Refused
from app.infra.version import version

DATABASE, SPILL = "database", "spill/"


@dataclass(frozen=True, slots=True)
class Made:
    """A finished backup."""

    path: Path
    bytes: int
    counts: dict[str, int]
    spill_files: int


def make(parts: Parts, target: Path, *, overwrite: bool = False) -> Made:
    """Write a backup to `target`, a file or a folder. Raises Refused.

    The file appears complete or not at all, readable by its owner only.
    """
    now = parts.clock()
    if target.is_dir():
        target = target / f"yishu-{now:%Y%m%d-%H%M%S}.backup"
    if target.exists() and not overwrite:
        raise Refused(f"{target} 已经存在。请换一个名字，或加 --overwrite。")
    if not target.absolute().parent.is_dir():
        raise Refused(f"目录 {target.absolute().parent} 不存在，请先建立。")
    with tempfile.TemporaryDirectory(dir=target.absolute().parent, prefix=".yishu-") as folder:
        work = Path(folder)
        spilled = _copy_spill(operations.spill_folder(parts.settings), work)
        manifest = _copy_database(parts, work / DATABASE)
        _pack(work / "packed", manifest, work / DATABASE, spilled)
        (work / "packed").replace(target)
    return Made(target, target.stat().st_size, manifest.counts, len(spilled))


def _copy_spill(folder: Path, work: Path) -> list[Path]:
    """What waits there now; a file that is imported in this moment may be gone."""
    copies = work / "spill"
    copies.mkdir()
    for path in sorted(folder.glob("*")) if folder.is_dir() else ():
        if path.is_file() and not path.name.startswith("."):
            try:
                shutil.copyfile(path, copies / path.name)
            except FileNotFoundError:
                continue
    return [path for path in sorted(copies.iterdir()) if path.stat().st_size]


def _copy_database(parts: Parts, target: Path) -> Manifest:
    revision = schema.current(parts.db.engine)
    if revision is None:
        raise Refused("数据库还没有建立，没有可备份的内容。先运行 yishu migrate。")
    is_file = parts.db.engine.dialect.name == "sqlite"
    copied = _sqlite_copy if is_file else _postgres_copy
    with copied(parts.db.engine, target) as session:
        counts, samples = rows.count_rows(session), take_samples(session)
    return Manifest(
        kind=parts.db.engine.dialect.name, revision=revision, version=version(),
        made_at=parts.clock().isoformat(), sha256=sha256(target), index_check=index_check(),
        counts=counts, samples=samples,
    )  # fmt: skip


@contextmanager
def _sqlite_copy(engine: Engine, target: Path) -> Iterator[Session]:
    """A copy at `target`, and a session that reads it."""
    sqlite.copy_out(Path(engine.url.database or ""), target)
    copy = create_engine(f"sqlite:///{target}")  # ours would turn the write-ahead log on again
    with Session(copy) as session:
        yield session
    copy.dispose()


@contextmanager
def _postgres_copy(engine: Engine, target: Path) -> Iterator[Session]:
    """A dump at `target`, and a session that reads the very moment that was dumped."""
    moment = engine.execution_options(isolation_level="REPEATABLE READ")
    with Session(moment) as session:
        snapshot = str(session.execute(text("select pg_export_snapshot()")).scalar_one())
        session.execute(text("set local statement_timeout = 0"))  # counting may take long
        postgres.dump(engine.url, target, snapshot)
        yield session


def _pack(target: Path, manifest: Manifest, database: Path, spilled: list[Path]) -> None:
    handle = os.open(target, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "wb") as file:
        with tarfile.open(fileobj=file, mode="w") as tar:
            said = manifest.encode()
            info = tarfile.TarInfo(NAME)
            info.size = len(said)
            tar.addfile(info, io.BytesIO(said))
            tar.add(database, DATABASE, filter=_plain)
            for path in spilled:
                tar.add(path, SPILL + path.name, filter=_plain)
        file.flush()
        os.fsync(file.fileno())


def _plain(info: tarfile.TarInfo) -> tarfile.TarInfo:
    info.uid = info.gid = 0
    info.uname = info.gname = ""
    info.mode = 0o600
    return info


def sha256(path: Path) -> str:
    """Hex digest of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()
