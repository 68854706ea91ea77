"""Does the database answer, keep what it commits, and fit this version?"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import Connection, Engine, text
from sqlalchemy.exc import SQLAlchemyError

from app import operations, schema
from app.bootstrap import Parts
from app.doctor.finding import Finding, attention, bad, good
from app.operations.judge import SKEW_S

OLDEST_POSTGRES = 14
DURABLE_COMMITS = ("on", "local", "remote_write", "remote_apply")
READ_THROUGH_BYTES = 512 * 1024 * 1024


def reachable(parts: Parts) -> Iterator[Finding]:
    """One question."""
    url = parts.db.engine.url
    where = (
        url.database if url.get_backend_name() == "sqlite" else f"{url.host or ''}/{url.database}"
    )
    try:
        with _looking(parts.db.engine) as connection:
            connection.execute(text("select 1"))
    except SQLAlchemyError as problem:
        yield bad(
            "database", f"数据库 {where} 无法连接（{type(problem).__name__}）",
            "检查 DATABASE_URL、网络和数据库服务；期间回调会暂存在本机文件。"
            "恢复后请再运行一次：结构、平台、进程和积压要靠数据库才能检查",
        )  # fmt: skip
        return
    yield good("database", f"数据库可用：{url.get_backend_name()} {where}")


def durable(parts: Parts) -> Iterator[Finding]:
    """What is committed survives a power cut, and the file is whole."""
    with _looking(parts.db.engine) as connection:
        if connection.dialect.name == "postgresql":
            yield from _postgres(connection)
        else:
            yield from _sqlite(connection)


def migrated(parts: Parts) -> Iterator[Finding]:
    """The schema is the one that this version knows."""
    now, newest = schema.current(parts.db.engine), schema.newest()
    if now == newest:
        yield good("migrations", f"数据库结构是最新的（{now}）")
    elif now is not None and now not in schema.revisions():
        yield bad("migrations", f"数据库结构 {now} 来自更新的版本", "部署与数据库相同或更新的版本")
    else:
        yield bad(
            "migrations", f"数据库结构是 {now or '空的'}，需要 {newest}", "运行 yishu migrate"
        )


def clock(parts: Parts) -> Iterator[Finding]:
    """Our clock against the database's. SQLite has ours."""
    if parts.db.engine.dialect.name != "postgresql":
        return
    began = datetime.now(UTC)
    with parts.db.reading() as session:
        theirs = operations.database_time(session, parts.clock)
    ended = datetime.now(UTC)
    skew_s = (began + (ended - began) / 2 - theirs).total_seconds()
    yield skew("clock.database", "数据库", skew_s)


def skew(check: str, other: str, skew_s: float) -> Finding:
    """A finding about the distance of two clocks, in seconds."""
    if abs(skew_s) > SKEW_S:
        return bad(
            check, f"本机时钟与{other}相差 {skew_s:+.0f} 秒",
            "启用时间同步（NTP）：偏差大时回调会被当作过期而拒绝",
        )  # fmt: skip
    return good(check, f"本机时钟与{other}一致（{skew_s:+.1f} 秒）")


def _looking(engine: Engine) -> Connection:
    """A connection that waits for no writer."""
    return engine.execution_options(yishu_reading=True).connect()


def _postgres(connection: Connection) -> Iterator[Finding]:
    def said(name: str) -> str:
        return str(connection.execute(text(f"show {name}")).scalar_one())

    version = int(said("server_version_num")) // 10_000
    if version < OLDEST_POSTGRES:
        yield bad(
            "database.version", f"PostgreSQL {version} 太旧", f"升级到 {OLDEST_POSTGRES} 或更新版本"
        )
    else:
        yield good("database.version", f"PostgreSQL {said('server_version').split()[0]}")
    weak = [name for name in ("fsync", "full_page_writes") if said(name) != "on"]
    if said("synchronous_commit") not in DURABLE_COMMITS:
        weak.append("synchronous_commit")
    if weak:
        yield bad(
            "database.durability", f"{'、'.join(weak)} 没有打开，断电会丢失已确认的回调",
            "在 postgresql.conf 中设为 on",
        )  # fmt: skip
    else:
        yield good("database.durability", "提交落盘后才确认（fsync、synchronous_commit）")


def _sqlite(connection: Connection) -> Iterator[Finding]:
    def said(name: str) -> str:
        return str(connection.execute(text(f"pragma {name}")).scalar_one())

    mode, synchronous = said("journal_mode"), said("synchronous")
    if (mode, synchronous) == ("wal", "2"):
        yield good("database.durability", "提交落盘后才确认（WAL，synchronous FULL）")
    else:
        yield bad(
            "database.durability", f"journal_mode {mode}，synchronous {synchronous}",
            "把数据库文件放在本地磁盘上，网络文件系统不支持 WAL",
        )  # fmt: skip
    file = Path(connection.engine.url.database or "")
    if file.is_file() and file.stat().st_size > READ_THROUGH_BYTES:
        yield attention(
            "database.integrity", "数据库文件较大，没有通读",
            "需要时运行：sqlite3 文件 'pragma quick_check'；这个规模更适合 PostgreSQL",
        )  # fmt: skip
        return
    found = said("quick_check(1)")
    if found == "ok":
        yield good("database.integrity", "数据库文件完好（quick_check）")
    else:
        yield bad("database.integrity", "数据库文件已损坏", "停止产品，用 yishu restore 恢复备份")
