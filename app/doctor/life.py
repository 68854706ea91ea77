"""Do the processes live, and does anything wait too long?"""

from __future__ import annotations

from collections.abc import Iterator

from app import operations
from app.bootstrap import Parts
from app.doctor.finding import Finding, State, attention, bad, good
from app.infra.clock import local
from app.operations import Kind
from app.operations.judge import (
    EVENT_LATE_S,
    EVENT_STUCK_S,
    MESSAGE_LATE_S,
    MESSAGE_STUCK_S,
)

MORE_WORKERS = "确认 worker 在运行；持续增加时再启动一个"
NAMES = {Kind.WEB: "web", Kind.WORKER: "worker", Kind.SCHEDULER: "scheduler"}
START = {
    Kind.WEB: "python web.py",
    Kind.WORKER: "python -m workers.worker",
    Kind.SCHEDULER: "python -m workers.scheduler",
}


def processes(parts: Parts) -> Iterator[Finding]:
    """At least one of each kind has shown life; who fell silent is named."""
    with parts.db.reading() as session:
        now = operations.database_time(session, parts.clock)
        rows = operations.processes(session)
    living = operations.alive_by_kind(rows, now)
    for kind in Kind:
        if living[kind]:
            hosts = sorted({row.host for row in rows if row.kind == kind})
            found = f"{NAMES[kind]} 运行中：{living[kind]} 个，在 {'、'.join(hosts)}"
            yield good(f"processes.{kind}", found)
        else:
            yield bad(f"processes.{kind}", f"没有 {NAMES[kind]} 在运行", f"启动：{START[kind]}")
    for row in rows:
        if not operations.is_alive(row, now):
            last = f"{local(row.beat_at):%m-%d %H:%M:%S}"
            yield attention(
                "processes.silent", f"{row.name} 在 {last} 之后没有动静",
                "它没有正常退出；看它的日志",
            )  # fmt: skip


def waiting(parts: Parts) -> Iterator[Finding]:
    """The oldest pending event and the oldest due message; what was parked or is unknown."""
    with parts.db.reading() as session:
        found = operations.figures(session, parts.clock())
    failed = f"它处理失败过，会自动再试：{found.event_error}" if found.event_error else MORE_WORKERS
    yield _age("waiting.inbox", "收件", found.event_age_s, EVENT_LATE_S, EVENT_STUCK_S, failed)
    yield _age(
        "waiting.outbox", "待发消息", found.message_age_s, MESSAGE_LATE_S, MESSAGE_STUCK_S,
        MORE_WORKERS,
    )  # fmt: skip
    if found.stopped:
        apis = "、".join(sorted({one.api for one in found.stopped}))
        yield attention(
            "waiting.platform", f"平台出错、拒绝或额度用完，暂停调用 {apis}",
            "消息在等待，会自动再试；治理 → 发送写着原因",
        )  # fmt: skip
    if found.events["dead"]:
        yield attention(
            "waiting.dead", f"{found.events['dead']:,} 条收件处理失败",
            "治理 → 运维，先解决原因再重新处理",
        )  # fmt: skip
    if found.messages["unknown"]:
        yield attention(
            "waiting.unknown", f"{found.messages['unknown']:,} 条消息不知道是否送达",
            "治理 → 发送，逐条确认",
        )  # fmt: skip


def _age(
    check: str, name: str, age_s: float, late_s: float, stuck_s: float, advice: str
) -> Finding:
    if not age_s:
        return good(check, f"没有等待的{name}")
    found = f"最早的{name}已等待 {age_s:,.0f} 秒"
    if age_s <= late_s:
        return good(check, found)
    state = State.BAD if age_s > stuck_s else State.ATTENTION
    return Finding(check, state, found, advice)
