"""Room on this host, and the folder for callbacks while the database is away."""

from __future__ import annotations

import os
import tempfile
from collections.abc import Iterator
from pathlib import Path

from app import operations
from app.bootstrap import Parts
from app.doctor.finding import Finding, State, attention, bad, good
from app.operations import Room

GIB = 1024**3
LITTLE, SCARCE = (10 * GIB, 0.10), (GIB // 2, 0.02)  # below both: bytes and share


def disk(parts: Parts) -> Iterator[Finding]:
    """Room where the database file and the spill lie. A database elsewhere is not ours to see."""
    url = parts.db.engine.url
    if url.get_backend_name() == "sqlite" and url.database:
        yield _room("disk.database", "数据库所在磁盘", Path(url.database))
    yield _room("disk.spill", "回调暂存所在磁盘", operations.spill_folder(parts.settings))


def spill(parts: Parts) -> Iterator[Finding]:
    """A file can be written and synced there, only we can read it, and nothing waits."""
    folder = operations.spill_folder(parts.settings)
    try:
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        with tempfile.NamedTemporaryFile(dir=folder, prefix=".doctor-") as probe:
            probe.write(b"can this be written?")
            probe.flush()
            os.fsync(probe.fileno())
    except OSError as problem:
        yield bad(
            "spill", f"回调暂存目录 {folder} 不可写（{type(problem).__name__}）",
            "修正权限，或设置 YISHU_SPILL_DIR：数据库不可用时靠它收下回调",
        )  # fmt: skip
        return
    if folder.stat().st_mode & 0o077:
        yield attention("spill.mode", f"{folder} 可被其他用户读取", f"chmod 700 {folder}")
    waiting = operations.spilled_in(folder)
    if waiting.bytes:
        yield attention(
            "spill", f"{waiting.files} 个文件、{waiting.bytes:,} 字节的回调等待导入",
            "数据库恢复后会自动导入，不要删除",
        )  # fmt: skip
    else:
        yield good("spill", f"回调暂存目录 {folder} 可写，没有等待导入的回调")


def judge_room(room: Room) -> State:
    """Pure."""
    for state, (least, share) in ((State.BAD, SCARCE), (State.ATTENTION, LITTLE)):
        if room.free < least and room.free < room.total * share:
            return state
    return State.GOOD


def _room(check: str, name: str, path: Path) -> Finding:
    room = operations.room_of(path)
    found = f"{name}剩余 {room.free / GIB:,.1f} GB（{room.free / room.total:.0%}）"
    state = judge_room(room)
    return Finding(check, state, found, "" if state is State.GOOD else "清理或扩容")
