"""`yishu tags truth | cases | learn`: how true tags are, what contradicts itself, learning now."""

from __future__ import annotations

import sys
import time
from collections import Counter
from typing import Annotated

import typer
from sqlalchemy import func, select

from app import court
from app.bootstrap import build
from app.cli.output import Json, show
from app.court import TagCase
from app.court.models import TagCaseDue

PIECE = 100
EVERY = 5000


def register(group: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (truth, cases, learn):
        group.command()(command)


def truth(
    source: Annotated[str, typer.Option(help="Only what this source says, e.g. crm.")] = "",
    as_json: Json = False,
) -> None:
    """How well each tag of each source predicts what physicians open, worst first."""
    parts = build(process="cli")
    with parts.db.reading() as session:
        found = court.truth(session, source=source)
    lines = [
        f"{_share(line.row.learned) if line.known else '还不知道':>8}  "
        f"{_share(line.row.low)}–{_share(line.row.high)}  {line.row.people:>9,} 位  "
        f"打开 {_share(line.rate)}，没有标签时 {_share(line.without)}  "
        f"现在使用 {_share(line.row.applied)}  {line.row.source} {line.tag_name or '（全部标签）'}"
        for line in found
    ]
    empty = "还没有学到什么：每周从打开情况学习一次，也可以运行 yishu tags learn。"
    data = [
        {"source": line.row.source, "tag": line.tag_name, "known": line.known,
         "truth": line.row.learned, "low": line.row.low, "high": line.row.high,
         "physicians": line.row.people, "exposures": line.row.exposures, "opens": line.row.opens,
         "open_rate": line.rate, "open_rate_without": line.without, "lift": line.lift,
         "applied": line.row.applied, "fixed": line.row.fixed_by is not None}
        for line in found
    ]  # fmt: skip
    show({"lines": data}, "\n".join(lines) or empty, as_json)


def cases(
    everybody: Annotated[
        bool, typer.Option("--everybody", help="First look at every physician again.")
    ] = False,
    as_json: Json = False,
) -> None:
    """How many contradictions wait, by kind and by who decides; those who changed are looked at."""
    parts = build(process="cli")
    begun, looked = time.perf_counter(), 0
    if everybody:
        last = None
        while last != "":
            with parts.db.transaction() as session:
                last = court.mark_everybody(session, last or "")
    while True:
        with parts.db.transaction() as session:
            number = court.examine_due(session, parts.clock(), PIECE)
        looked += number
        if not number:
            break
        if not as_json and looked % EVERY < PIECE and looked >= EVERY:
            print(f"{looked:,} physicians …", file=sys.stderr)
    took = time.perf_counter() - begun
    with parts.db.reading() as session:
        rows = session.execute(
            select(TagCase.state, TagCase.kind, TagCase.owner, func.count()).group_by(
                TagCase.state, TagCase.kind, TagCase.owner
            )
        ).all()
        left = session.scalar(select(func.count()).select_from(TagCaseDue)) or 0
    states: Counter[str] = Counter()
    for state, _kind, _owner, number in rows:
        states[state] += number
    waits, done, gone = states["open"], states["settled"], states["moot"]
    lines = [
        f"看了 {looked:,} 位医生，{took:.1f} 秒。",
        f"待裁定 {waits:,}，已裁定 {done:,}，不再矛盾 {gone:,}。",
    ]
    lines += [
        f"  待裁定 {kind} · {owner}：{n:,}" for state, kind, owner, n in rows if state == "open"
    ]
    data = {
        "looked": looked, "seconds": round(took, 2), "left": left, **dict(states),
        "groups": [{"state": s, "kind": k, "owner": o, "number": n} for s, k, o, n in rows],
    }  # fmt: skip
    show(data, "\n".join(lines), as_json)


def learn(as_json: Json = False) -> None:
    """Learn now from the logs how reliable each source is; it happens by itself once a week."""
    parts = build(process="cli")
    begun = time.perf_counter()
    logs = court.learn(parts.db, parts.clock)
    assert logs is not None
    took = time.perf_counter() - begun
    text = (
        f"读取了 {logs.people:,} 位医生收到的 {logs.sent:,} 份内容，打开 {logs.opened:,} 份，"
        f"{len(logs.claims):,} 组来源和标签，{took:.1f} 秒。\n结果：yishu tags truth"
    )
    data = {"physicians": logs.people, "sent": logs.sent, "opened": logs.opened,
            "groups": len(logs.claims), "seconds": round(took, 2)}  # fmt: skip
    show(data, text, as_json)


def _share(value: float | None) -> str:
    return "—" if value is None else f"{value * 100:.1f}%"
