"""`yishu reconcile`: compare with the platforms now."""

from __future__ import annotations

import sys
import time
from typing import Annotated, Any

import typer

from app import completeness
from app.bootstrap import Parts, build
from app.cli.output import Json, show
from app.completeness import Kind, PullRun, RunState
from app.flows.completeness.reconcile import accounts_of, pull_one
from app.infra.errors import Misconfigured, Refused

STEP_S = 0.5


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    cli.command()(reconcile)


def reconcile(
    full: Annotated[bool, typer.Option("--full", help="Every detail of everybody.")] = False,
    wait_s: Annotated[int, typer.Option(help="Give up watching after so many seconds.")] = 3600,
    as_json: Json = False,
) -> None:
    """Compare contacts, followers and tags with the platforms now; what differs is handled."""
    parts = build(process="cli")
    run_id = _begin(parts, Kind.FULL if full else Kind.HOURLY)
    run = _follow(parts, run_id, time.monotonic() + wait_s)
    with parts.db.reading() as session:
        figures = completeness.figures(session, parts.clock())
    told = _told(run) | {"gap": figures.gap, "alarm": figures.alarm}
    show(told, _text(run, figures.gap), as_json)


def _begin(parts: Parts, kind: Kind) -> int:
    """A new run, or the one that is under way when it looks at as much."""
    accounts = accounts_of(parts.outside)
    if not accounts.corps and not accounts.apps:
        raise Misconfigured("No platform is connected: set WECOM_SECRET or OA_SECRET.")
    with parts.db.transaction() as session:
        now = parts.clock()
        running = completeness.open_run(session)
        if running is not None and kind in (running.kind, Kind.HOURLY):
            return running.id
        run = completeness.begin(session, kind, now, accounts, now)
        if run is None:
            raise Refused("另一次核对刚刚开始，请稍后再试。")
        return run.id


def _follow(parts: Parts, run_id: int, until: float) -> PullRun:
    shown = 0
    while True:
        idle = not pull_one(parts.db, parts.outside, parts.clock)
        with parts.db.reading() as session:
            run = session.get_one(PullRun, run_id)
        if run.state != RunState.OPEN or time.monotonic() > until:
            return run
        if run.calls >= shown + 20:
            shown = run.calls
            print(f"  … {shown:,} 次调用", file=sys.stderr)
        if idle:
            time.sleep(STEP_S)


def _told(run: PullRun) -> dict[str, Any]:
    end = run.finished_at
    return {
        "run": run.id, "kind": run.kind, "state": run.state, "calls": run.calls,
        "there": run.there, "known": run.known, "found": run.found, "lost": run.lost,
        "failed": run.failed, "seconds": (end - run.created_at).total_seconds() if end else None,
    }  # fmt: skip


def _text(run: PullRun, gap: float) -> str:
    if run.state == RunState.OPEN:
        return f"核对 {run.id} 还在进行，后台会继续。"
    found = "，".join(f"{what} {number:,}" for what, number in sorted(run.found.items()))
    failed = f" {run.failed} 个名单没有核对成功，见控制台「治理 → 核对」。" if run.failed else ""
    return (
        f"核对完成：平台上 {run.there:,}，此前已知 {run.known:,}；"
        f"{f'差异已写入收件：{found}' if found else '没有差异'}。"
        f"近 24 小时丢失比例 {gap:.3%}。{failed}"
    )
