"""`yishu hospitals`: import a list, see what a name means, let physicians follow."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Any

import typer

from app import accounts, hospitals, identity
from app.bootstrap import build
from app.cli.output import Json, show
from app.flows.identity import import_hospitals
from app.flows.identity.hospitals import catch_up
from app.hospitals import Asked, Institution
from app.hospitals.load import Done
from app.infra.errors import Misconfigured

SHOWN = 20
ACTOR = "cli"


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Hospitals and their names.", no_args_is_help=True)
    group.command("import")(import_list)
    group.command("list")(list_all)
    group.command()(find)
    group.command()(resolve)
    cli.add_typer(group, name="hospitals")


def import_list(
    file: Annotated[Path, typer.Argument(help="CSV or XLSX; columns in Chinese or English.")],
    dry_run: Annotated[bool, typer.Option(help="Only say what it would do.")] = False,
    as_json: Json = False,
) -> None:
    """Take a list of hospitals; the same list again changes nothing."""
    try:
        data = file.read_bytes()
    except OSError as problem:
        raise Misconfigured(f"{file} cannot be read: {problem.strerror}.") from None
    sheet = import_hospitals.read(file.name, data)
    parts = build(process="cli")
    now = parts.clock()
    with parts.db.transaction() as session:
        upload = import_hospitals.keep(session, file.name, sheet, actor=ACTOR, now=now)
        if not dry_run:
            accounts.audit(
                session, ACTOR, "hospitals.imported", "hospital_import", upload.id, now=now
            )
    if dry_run:
        with parts.db.reading() as session:
            done = import_hospitals.look(session, upload, now)
    else:
        done = import_hospitals.apply(parts.db, upload.id, actor=ACTOR, now=now)
    told: dict[str, Any] = {
        "applied": not dry_run, "figures": done.figures, "ignored_columns": sheet.ignored,
        "remarks": [remark.as_json() for remark in done.remarks],
    }  # fmt: skip
    show(told, _done_text(done, dry_run), as_json)


def list_all(
    text: Annotated[str, typer.Argument(help="In a name, a city or a province.")] = "",
    limit: Annotated[int, typer.Option(min=1, max=1000)] = SHOWN,
    as_json: Json = False,
) -> None:
    """Hospitals with all their names."""
    with build(process="cli").db.reading() as session:
        rows, total = hospitals.search(session, text, limit=limit)
        named = hospitals.names_of(session, [row.id for row in rows])
    items = [_as_json(row) | {"names": [n.name for n in named[row.id]]} for row in rows]
    lines = [
        f"{one['id']}  {'；'.join(one['names'])}  {one['city']} {one['level']}" for one in items
    ]
    show({"total": total, "items": items}, "\n".join([f"共 {total:,} 家。", *lines]), as_json)


def find(
    text: Annotated[str, typer.Argument(help="A hospital as somebody wrote it.")],
    city: Annotated[str, typer.Option()] = "",
    province: Annotated[str, typer.Option()] = "",
    as_json: Json = False,
) -> None:
    """What a written name means; if it means nothing, what it might."""
    with build(process="cli").db.reading() as session:
        asked = Asked(text, city, province)
        found = hospitals.resolve(session, text, city, province).institution_id
        if found is not None:
            row = hospitals.by_id(session, [found])[found]
            show({"found": _as_json(row)}, f"{row.public_id}  {row.name}  {row.city}", as_json)
            return
        best = hospitals.suggest(session, asked, hospitals.pool(session))
    items = [
        _as_json(one.institution) | {"score": round(one.score, 3), "shared": one.shared}
        for one in best
    ]
    lines = [f"{one['id']}  {one['name']}  {one['city']}  共有“{one['shared']}”" for one in items]
    head = "没有完全相同的名称。" + (
        "可能是（由人确认，不会自动采用）：" if items else "也没有相近的。"
    )
    show({"found": None, "suggestions": items}, "\n".join([head, *lines]), as_json)


def resolve(as_json: Json = False) -> None:
    """Look up every hospital of every physician again; the product may run."""
    parts = build(process="cli")
    caught = catch_up(parts.db, parts.clock())
    with parts.db.reading() as session:
        sure, everybody = identity.institutions.coverage(session)
        waiting = identity.institutions.how_many_wait(session)
    told = {
        "noted": caught.noted, "changed": caught.changed, "physicians_changed": caught.physicians,
        "physicians_resolved": sure, "physicians_with_hospital": everybody, "waiting": waiting,
    }  # fmt: skip
    text = (
        f"新出现的医院名称 {caught.noted:,} 个，{caught.changed:,} 个名称对应的医院有变化，"
        f"更新了 {caught.physicians:,} 位医生。{everybody:,} 位写有医院的医生中 {sure:,} 位已对应，"
        f"{waiting:,} 个名称待确认（控制台「治理 → 医院」）。"
    )
    show(told, text, as_json)


def _as_json(row: Institution) -> dict[str, Any]:
    return {
        "id": row.public_id, "name": row.name, "level": row.level, "province": row.province,
        "province_code": row.province_code, "city": row.city, "city_code": row.city_code,
    }  # fmt: skip


def _done_text(done: Done, dry_run: bool) -> str:
    figures = done.figures
    head = (
        f"{'试算，没有写入：' if dry_run else '已导入：'}新增 {figures['new']:,} 家，更新 "
        f"{figures['changed']:,} 家，不变 {figures['unchanged']:,} 家；其他名称新增 "
        f"{figures['aliases']:,} 个；没有采用 {figures['rejected']:,} 行。"
    )
    lines = [
        f"  第 {remark.line} 行 {remark.code}: {remark.name} {remark.other}"
        for remark in done.remarks[:SHOWN]
    ]
    more = len(done.remarks) - SHOWN
    return "\n".join([head, *lines, *([f"  … 另有 {more:,} 条，见 --json"] if more > 0 else [])])
