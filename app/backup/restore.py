"""Putting a backup back: look at everything first, then change everything at once."""

from __future__ import annotations

import tarfile
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from sqlalchemy import select
from sqlalchemy.exc import SQLAlchemyError

from app import operations, schema
from app.backup import postgres, rows, sqlite
from app.backup.make import DATABASE, SPILL, sha256
from app.backup.manifest import NAME, Manifest, require_keys
from app.bootstrap import Parts
from app.flows.sending.restored import Held, hold_what_may_have_gone_out
from app.infra.errors import Refused
from app.infra.rotation import encrypted_columns


@dataclass(frozen=True, slots=True)
class Restored:
    """What came back."""

    made_at: str
    revision: str
    counts: dict[str, int]
    spill_files: int
    held: Held


def restore(parts: Parts, source: Path, *, overwrite: bool = False) -> Restored:
    """Put `source` in the place of the database. Raises Refused, and then nothing has changed.

    The product must be stopped. Afterwards the schema is up to date, and nothing that may have
    gone out after the backup goes out again by itself.
    """
    if not source.is_file():
        raise Refused(f"没有文件 {source}。")
    place = Path(parts.db.engine.url.database or "").absolute().parent
    beside = place if parts.db.engine.dialect.name == "sqlite" else None
    with tempfile.TemporaryDirectory(dir=beside, prefix=".yishu-") as folder:
        work = Path(folder)
        manifest, spilled = _unpack(source, work)
        _require_fitting(parts, manifest, work / DATABASE)
        _require_free(parts, overwrite)
        _put_back(parts, work / DATABASE)
        counts, held = _verify(parts, manifest)
        _put_spill_back(operations.spill_folder(parts.settings), spilled)
    return Restored(manifest.made_at, manifest.revision, counts, len(spilled), held)


def _unpack(source: Path, work: Path) -> tuple[Manifest, list[Path]]:
    """Only the members that we know, under names of our own."""
    try:
        with tarfile.open(source) as tar:
            members = {info.name: info for info in tar.getmembers() if info.isfile()}
            said = tar.extractfile(members[NAME])
            assert said
            manifest = Manifest.decode(said.read())
            _write(tar, members[DATABASE], work / DATABASE)
            spilled = []
            for name, info in members.items():
                if name.startswith(SPILL):
                    spilled.append(work / Path(name).name)
                    _write(tar, info, spilled[-1])
    except (tarfile.TarError, KeyError, EOFError, OSError):
        raise Refused(f"{source} 不是 yishu backup 的文件，或者已经损坏。") from None
    return manifest, spilled


def _write(tar: tarfile.TarFile, info: tarfile.TarInfo, target: Path) -> None:
    found = tar.extractfile(info)
    assert found
    with target.open("wb") as file:
        while chunk := found.read(1024 * 1024):
            file.write(chunk)
    if target.stat().st_size != info.size:
        raise EOFError


def _require_fitting(parts: Parts, manifest: Manifest, database: Path) -> None:
    kind = parts.db.engine.dialect.name
    if manifest.kind != kind:
        raise Refused(f"这是 {manifest.kind} 的备份，DATABASE_URL 指向 {kind}，不能互相恢复。")
    if manifest.sha256 != sha256(database):
        raise Refused("备份文件已经损坏（校验和不符），什么都没有改动。")
    if manifest.revision not in schema.revisions():
        raise Refused(
            f"这个备份的数据库结构 {manifest.revision} 比本版本新。请部署 {manifest.version} "
            "或更新的版本再恢复。"
        )
    if kind == "sqlite":
        sqlite.require_sound(database)
    require_keys(manifest)


def _require_free(parts: Parts, overwrite: bool) -> None:
    """Nobody works, and nothing is overwritten that nobody wanted to lose."""
    living: list[str] = []
    try:
        with parts.db.reading() as session:
            now = operations.database_time(session, parts.clock)
            if schema.current(parts.db.engine) is not None:
                living = [
                    row.name
                    for row in operations.processes(session)
                    if operations.is_alive(row, now)
                ]
            full = rows.holds_data(session)
    except SQLAlchemyError as problem:
        if overwrite:
            return  # broken, as after the accident that this is for
        raise Refused(
            f"现有的数据库无法读取（{type(problem).__name__}）。"
            "确定要用备份代替它，请加 --overwrite。"
        ) from None
    if living:
        raise Refused(f"请先停止产品再恢复，还在运行：{'、'.join(living)}。")
    if full and not overwrite:
        raise Refused("数据库里已经有数据，什么都没有改动。确定要用备份代替它，请加 --overwrite。")


def _put_back(parts: Parts, database: Path) -> None:
    engine = parts.db.engine
    engine.dispose()
    if engine.dialect.name == "sqlite":
        sqlite.put_in_place(database, Path(engine.url.database or ""))
    else:
        postgres.load(engine, database)
    engine.dispose()


def _verify(parts: Parts, manifest: Manifest) -> tuple[dict[str, int], Held]:
    """Counts are those of the backup and values can be read; then the schema is brought up."""
    with parts.db.reading() as session:
        counts = rows.count_rows(session)
    missing = [name for name, number in manifest.counts.items() if counts.get(name) != number]
    if missing:
        raise Refused(f"恢复后这些表的行数与备份不同：{'、'.join(missing)}。请检查磁盘后重试。")
    schema.upgrade(parts.db.engine)
    with parts.db.transaction() as session:
        for table, columns in encrypted_columns():
            session.execute(select(*columns).select_from(table).limit(1)).all()
        for row in operations.processes(session):
            session.delete(row)  # they lived when the backup was made
        held = hold_what_may_have_gone_out(session, parts.clock())
    return counts, held


def _put_spill_back(folder: Path, spilled: Sequence[Path]) -> None:
    """Beside what waits there now; what is imported twice counts once."""
    if spilled:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
    for path in spilled:
        target = folder / path.name
        if target.exists():
            target = folder / f"{path.stem}-restored{path.suffix}"
        target.write_bytes(path.read_bytes())
        target.chmod(0o600)
