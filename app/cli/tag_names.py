"""`yishu tags take | taken | untake | waiting | mirror`: a tool's file, names that wait, WeCom."""

from __future__ import annotations

import time
from dataclasses import asdict
from pathlib import Path
from typing import Annotated, Any

import typer

from app import accounts, tagging
from app.bootstrap import Parts, build
from app.cli.output import Json, show, teller
from app.flows.tagging import import_tags, undo_tags
from app.flows.tagging.name_suggestions import suggest
from app.infra.clock import local
from app.infra.errors import Misconfigured, NotFound

SHOWN = 20
TELL_EVERY_S = 5.0
ACTOR = "cli"


def register(group: typer.Typer) -> None:
    """Add the commands of this module."""
    for command in (take, taken, untake, waiting, mirror):
        group.command()(command)


def take(
    file: Annotated[Path, typer.Argument(help="CSV or XLSX: phone, unionid or CRM id, and tags.")],
    tool: Annotated[str, typer.Option(help="Which tool says so; its newer file wins.")] = "",
    column: Annotated[
        list[str] | None, typer.Option(help="What a column holds: 客户标签=tags, 联系方式=phone.")
    ] = None,
    dry_run: Annotated[bool, typer.Option(help="Only say what it would do.")] = False,
    as_json: Json = False,
) -> None:
    """Take tags of physicians from a marketing tool; the same file again changes nothing."""
    try:
        data = file.read_bytes()
    except OSError as problem:
        raise Misconfigured(f"{file} cannot be read: {problem.strerror}.") from None
    parts = build(process="cli")
    now = parts.clock()
    with parts.db.transaction() as session:
        upload = import_tags.keep(session, file.name, data, tool=tool, actor=ACTOR, now=now)
    columns = import_tags.guess(upload.table[0]) | _named(upload.table[0], column or [])
    if dry_run:
        with parts.db.reading() as session:
            done = import_tags.look(session, upload, columns)
    else:
        done = import_tags.apply(
            parts.db, upload.id, columns, actor=ACTOR, now=now, tell=_teller(as_json)
        )
    head = "试算，没有写入：" if dry_run else f"第 {upload.id} 次导入："
    text = (
        f"{head}{done.physicians:,} 位医生，{done.known:,} 个标签生效，"
        f"{len(done.waiting):,} 个名称待归并，{len(done.remarks):,} 行没有采用。"
    )
    lines = [f"  第 {line} 行 {why}" for line, why in done.remarks[:SHOWN]]
    told = done.figures | {
        "id": None if dry_run else upload.id, "applied": not dry_run,
        "waiting_names": done.waiting, "remarks": [list(one) for one in done.remarks],
    }  # fmt: skip
    show(told, "\n".join([text, *lines]), as_json)


def taken(
    limit: Annotated[int, typer.Option(min=1, max=500)] = SHOWN, as_json: Json = False
) -> None:
    """Files that were taken, newest first, with the number by which `untake` knows them."""
    with build(process="cli").db.reading() as session:
        items: list[dict[str, Any]] = [
            {"id": row.id, "file": row.filename, "tool": row.tool, "actor": row.actor,
             "at": row.applied_at, "physicians": row.figures.get("physicians", 0),
             "undone_at": row.undone_at}
            for row in import_tags.taken(session, limit)
        ]  # fmt: skip
    lines = [
        f"{one['id']:>4}  {local(one['at']):%Y-%m-%d %H:%M}  {one['file']}  {one['tool']}  "
        f"{one['physicians']:,} 位医生{'  已撤销' if one['undone_at'] else ''}"
        for one in items
    ]
    show({"items": items}, "\n".join(lines) or "还没有导入过。", as_json)


def untake(
    number: Annotated[int, typer.Argument(help="As `yishu tags taken` shows it.")],
    reason: Annotated[str, typer.Option(help="Why; it is kept with the import.")],
    yes: Annotated[bool, typer.Option("--yes", help="Do not ask.")] = False,
    as_json: Json = False,
) -> None:
    """Take an import of tags back: the tool says again what it said before."""
    parts = build(process="cli")
    with parts.db.reading() as session:
        upload = session.get(tagging.TagImport, number)
        if upload is None:
            raise NotFound("没有这次导入。")
        asked, done = undo_tags.touches(session, upload), upload.undone_at is not None
    text = f"{asked.back:,} 位医生的标签回到导入之前，{asked.kept:,} 位之后又导入过，保持不变。"
    if not (yes or as_json or done):
        typer.confirm(f"{text}确认撤销？", abort=True)
    touched = undo_tags.undo(
        parts.db, number, reason, actor=ACTOR, now=parts.clock(), tell=_teller(as_json)
    )
    show({"id": number, **asdict(touched)}, f"已撤销：{text}", as_json)


def waiting(
    limit: Annotated[int, typer.Option(min=1, max=500)] = SHOWN, as_json: Json = False
) -> None:
    """Names that wait for somebody to say what they mean, with suggestions."""
    with build(process="cli").db.reading() as session:
        rows = tagging.unmapped(session, limit)
        found = suggest(session, rows)
        names = {tag.id: tag.name for tag in tagging.tags(session)}
    items: list[dict[str, Any]] = [
        {"id": row.id, "name": row.raw, "source": row.source, "people": row.seen,
         "suggestions": [{"tag": names[one.tag_id], "score": round(one.score, 2),
                          "confident": one.confident} for one in found[row.id]]}
        for row in rows
    ]  # fmt: skip
    lines = [
        f"{one['people']:>6}  {one['name']}  "
        + "，".join(f"{s['tag']} {s['score']:.0%}" for s in one["suggestions"])
        for one in items
    ]
    show({"items": items}, "\n".join(lines) or "没有待归并的名称。", as_json)


def mirror(
    status: Annotated[bool, typer.Option("--status", help="Only say how it stands.")] = False,
    repair: Annotated[bool, typer.Option(help="Do again whatever stands still.")] = False,
    as_json: Json = False,
) -> None:
    """How equal our tags and WeCom's are; --repair does again whatever stands still."""
    parts = build(process="cli")
    repaired = _repair(parts) if repair and not status else 0
    with parts.db.reading() as session:
        whole = tagging.mirror_standing(session)
        rows = tagging.mirrors(session)
        names = {tag.id: tag.name for tag in tagging.tags(session)}
    marks = whole.marks
    state = "一致" if whole.is_equal else "有差异"
    text = (
        f"{state}：{whole.tags:,} 个标签同步到企微，系统打上 {marks.ours:,} 处，代表打上 "
        f"{marks.persons:,} 处，等待写入 {marks.waiting:,} 处，不见了 {marks.drift:,} 处，"
        f"代表去掉 {marks.taken_away:,} 处，平台拒绝 {marks.failed + whole.sides_failing:,} 处。"
    )
    lines = [
        f"  {names.get(tag_id, tag_id)}：{row.state} {row.error}"
        for tag_id, row in rows.items()
        if row.error or row.state != "there"
    ]
    if repaired:
        lines.append(f"重新处理 {repaired:,} 处，worker 随后执行。")
    told = asdict(whole) | {"equal": whole.is_equal, "repaired": repaired}
    show(told, "\n".join([text, *lines]), as_json)


def _teller(as_json: bool) -> import_tags.Tell:
    """Progress, every so often."""
    begun = said = time.perf_counter()
    say = teller(begun, as_json)

    def tell(done: int, total: int) -> None:
        nonlocal said
        if time.perf_counter() - said >= TELL_EVERY_S:
            said = time.perf_counter()
            say(f"{done:,} / {total:,} physicians")

    return tell


def _repair(parts: Parts) -> int:
    with parts.db.transaction() as session:
        now = parts.clock()
        accounts.audit(session, ACTOR, "tag.mirror_repaired", "tag", "", now=now)
        return tagging.repair_mirror(session, now)


def _named(header: list[str], said: list[str]) -> dict[int, str]:
    found = {}
    for one in said:
        name, _, meaning = one.rpartition("=")
        if name not in header or meaning not in import_tags.MEANINGS:
            known = "、".join(import_tags.MEANINGS)
            raise Misconfigured(
                f"--column {one}: 写成 列名=含义；列名须在文件第一行，含义是 {known} 之一。"
            )
        found[header.index(name)] = meaning
    return found
