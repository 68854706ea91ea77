"""`yishu tags`: the vocabulary as a file and back, its versions, and back to one of them."""

from __future__ import annotations

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from app import accounts
from app.bootstrap import build
from app.cli import tag_court, tag_names
from app.cli.output import Json, show
from app.flows.tagging import vocabulary
from app.flows.tagging.vocabulary_export import export
from app.flows.tagging.vocabulary_import import Plan, plan
from app.infra.clock import local
from app.infra.errors import Misconfigured, Refused
from app.tagging import stored, versions
from app.tagging.differences import Change

ACTOR = "system:cli"
SHOWN = 30


class Form(StrEnum):
    """How a vocabulary is written."""

    XLSX = "xlsx"
    CSV = "csv"
    JSON = "json"


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="The vocabulary of tags.", no_args_is_help=True)
    group.command("export")(export_file)
    group.command("import")(import_file)
    group.command("versions")(list_versions)
    tag_names.register(group)
    tag_court.register(group)
    cli.add_typer(group, name="tags")


def export_file(
    file: Annotated[Path, typer.Argument(help="Ends in .xlsx, .csv (tags only) or .json.")],
    as_json: Json = False,
) -> None:
    """Write the whole vocabulary to a file."""
    form = file.suffix.lower().removeprefix(".")
    if form not in set(Form):
        raise Misconfigured(f"{file}: the name must end in .xlsx, .csv or .json.")
    with build(process="cli").db.reading() as session:
        document = stored.read(session)
        number = versions.newest_number(session)
    try:
        file.write_bytes(export(document, form))
    except OSError as problem:
        raise Misconfigured(f"{file} cannot be written: {problem.strerror}.") from None
    told = {"file": str(file), "version": number, "tags": len(document.tags),
            "categories": len(document.categories)}  # fmt: skip
    text = f"已写入 {file}：版本 {number}，{len(document.tags):,} 个标签。"
    show(told, text, as_json)


def import_file(
    file: Annotated[Path, typer.Argument(help="XLSX, CSV or JSON as `yishu tags export` writes.")],
    dry_run: Annotated[bool, typer.Option(help="Only say what it would do.")] = False,
    as_json: Json = False,
) -> None:
    """Take a vocabulary; with any problem nothing is taken, and the exit code is 1."""
    try:
        data = file.read_bytes()
    except OSError as problem:
        raise Misconfigured(f"{file} cannot be read: {problem.strerror}.") from None
    parts = build(process="cli")
    now = parts.clock()
    with parts.db.transaction() as session:
        found = plan(versions.begin(session, now), file.name, data)
        version = None
        if not found.problems and not dry_run:
            version = vocabulary.edit(
                session, lambda _: found.document, actor=ACTOR, note=f"导入 {file.name}",
                kind="import", now=now,
            )  # fmt: skip
        number = version.number if version else None
        if number:
            accounts.audit(session, ACTOR, "vocabulary.imported", "vocabulary", number, now=now)
    told: dict[str, Any] = {
        "applied": number is not None, "version": number,
        "changes": [one.as_json() for one in found.changes],
        "problems": [{"code": p.code, "key": p.key, "text": p.text} for p in found.problems],
        "ignored_columns": found.ignored,
    }  # fmt: skip
    show(told, _plan_text(found, number), as_json)
    if found.problems:
        raise typer.Exit(1)


def list_versions(
    limit: Annotated[int, typer.Option(min=1, max=1000)] = 20,
    diff: Annotated[str, typer.Option(help="OLD:NEW says what is otherwise.")] = "",
    undo: Annotated[int, typer.Option(help="Take this version back, as a newer one.")] = 0,
    back_to: Annotated[int, typer.Option(help="Make it as this version left it.")] = 0,
    as_json: Json = False,
) -> None:
    """What changed, when and by whom; the difference between two; back to one."""
    parts = build(process="cli")
    if undo or back_to:
        _go_back(undo, back_to, as_json)
        return
    with parts.db.reading() as session:
        if diff:
            older, _, newer = diff.partition(":")
            if not (older.isdecimal() and newer.isdecimal()):
                raise Misconfigured("--diff takes two numbers, for example 3:7.")
            found = versions.between(session, int(older), int(newer))
            text = "\n".join(map(line, found)) or "没有区别。"
            show({"changes": [one.as_json() for one in found]}, text, as_json)
            return
        rows = versions.listing(session, limit)
    items = [
        {"number": v.number, "at": v.at.isoformat(), "actor": v.actor, "kind": v.kind,
         "note": v.note, "changes": len(v.changes)}
        for v in rows
    ]  # fmt: skip
    lines = [
        f"{v.number:>5}  {local(v.at):%Y-%m-%d %H:%M}  {v.actor}  {v.kind}  {v.note}  "
        f"（{len(v.changes)} 处）"
        for v in rows
    ]
    show({"items": items}, "\n".join(lines) or "还没有版本，第一次修改词表后会有。", as_json)


def line(change: Change) -> str:
    """A difference in one line."""
    if not change.field:
        sign = "+" if change.before is None else "-" if change.after is None else "~"
        return f"{sign} {change.of} {change.key}  {change.name}"
    return f"~ {change.of} {change.key}  {change.field}: {change.before!r} → {change.after!r}"


def _go_back(undo: int, back_to: int, as_json: bool) -> None:
    if undo and back_to:
        raise Refused("--undo 和 --back-to 只能选一个。")
    parts = build(process="cli")
    now = parts.clock()
    act = vocabulary.undo if undo else vocabulary.roll_back
    with parts.db.transaction() as session:
        made = act(session, undo or back_to, actor=ACTOR, now=now)
        accounts.audit(
            session, ACTOR, "vocabulary.changed_back", "vocabulary", made.number, now=now
        )
        told = {"version": made.number, "note": made.note, "changes": made.changes}
    show(told, f"{told['note']}，成为版本 {told['version']}。", as_json)


def _plan_text(found: Plan, number: int | None) -> str:
    lines = [line(one) for one in found.changes[:SHOWN]]
    if len(found.changes) > SHOWN:
        lines.append(f"… 另有 {len(found.changes) - SHOWN:,} 处，见 --json")
    if found.ignored:
        lines.append(f"没有使用这些列：{'、'.join(found.ignored)}")
    if found.problems:
        wrong = [f"  {one.text}" for one in found.problems[:SHOWN]]
        return "\n".join(["没有导入，请先修正：", *wrong])
    if not found.changes:
        return "\n".join(["与现在的词表没有区别。", *lines])
    head = f"已导入，成为版本 {number}：" if number else "会这样改变，还没有写入："
    return "\n".join([head, *lines])
