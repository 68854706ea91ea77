"""`yishu segments`: build what answers questions about audiences, check it, ask."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from itertools import islice
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from app import segments
from app.bootstrap import Parts, build
from app.cli.output import Json, show
from app.infra.errors import Refused
from app.segments import Unparseable

SHOWN = 50
EVERY = 5000
NOT_BUILT = "人群索引还没有建立：worker 会自动建立，也可以运行 yishu segments rebuild。"


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Audiences.", no_args_is_help=True)
    group.command()(rebuild)
    group.command()(check)
    group.command()(count)
    group.command("list")(list_saved)
    group.command()(overlap)
    group.command()(lists)
    cli.add_typer(group, name="segments")


def rebuild(as_json: Json = False) -> None:
    """Build the index of audiences from the tables; the product may run and goes on answering."""
    parts = build(process="cli")
    begun = time.perf_counter()
    built = segments.build(parts.db, parts.clock, _teller(as_json))
    assert built is not None
    took = time.perf_counter() - begun
    text = f"读取了 {built.read:,} 位医生，{built.people:,} 位可以成为人群成员，{took:.1f} 秒。"
    data = {"read": built.read, "people": built.people, "facts": built.facts,
            "seconds": round(took, 2)}  # fmt: skip
    show(data, text, as_json)


def check(as_json: Json = False) -> None:
    """Compare the index with the tables; differences are printed, and the exit code is 1."""
    parts = build(process="cli")
    with parts.db.reading() as session:
        if segments.is_wanted(session, parts.clock()):
            raise Refused(NOT_BUILT)
    found = list(islice(segments.verify(parts.db, parts.clock, _teller(as_json)), SHOWN))
    text = "人群索引与数据表完全一致。"
    if found:
        more = f"（只显示前 {SHOWN} 处）" if len(found) == SHOWN else ""
        fix = f"有不一致{more}，运行 yishu segments rebuild 可以修正。"
        text = "\n".join([*(one.text() for one in found), fix])
    show({"equal": not found, "differences": [one.text() for one in found]}, text, as_json)
    if found:
        raise typer.Exit(1)


def count(
    expression: Annotated[str, typer.Argument(help="For example: 标签:房颤 且 企微好友")],
    as_json: Json = False,
) -> None:
    """How many physicians an expression finds now."""
    parts = build(process="cli")
    begun = time.perf_counter()
    try:
        with parts.db.reading() as session:
            segments.check(session, expression, parts.clock())
            found = segments.audience(session, expression, parts.clock(), 0)
    except Unparseable as problem:
        raise Refused(str(problem)) from None
    took = (time.perf_counter() - begun) * 1000
    age = f"，截至 {found.age_s:.0f} 秒前" if found.age_s else ""
    text = f"{found.size:,} 位医生，{found.reps:,} 位代表，{found.opted_out:,} 位已拒绝{age}。"
    data = {"size": found.size, "reps": found.reps, "opted_out": found.opted_out,
            "age_s": found.age_s, "ms": round(took, 1)}  # fmt: skip
    show(data, text, as_json)


def list_saved(as_json: Json = False) -> None:
    """Saved segments: name, version, and how many physicians each holds now."""
    parts = build(process="cli")
    items = []
    with parts.db.reading() as session:
        for row in segments.saved.listing(session):
            items.append({"id": row.id, "name": row.name, "version": row.version,
                          "expression": row.expression, **_sized(session, parts, row)})  # fmt: skip
    lines = [
        f"{one['id']:>5}  {one['name']}  v{one['version']}  "
        f"{one.get('problem') or format(one['size'], ',')}  {one['expression']}"
        for one in items
    ]
    empty = "还没有保存的人群：在控制台的“人群”里保存，或用 yishu segments count 试一个条件。"
    show({"items": items}, "\n".join(lines) or empty, as_json)


def overlap(
    expressions: Annotated[
        list[str], typer.Argument(help="Two to five; of a saved segment: 人群:名称")
    ],
    as_json: Json = False,
) -> None:
    """How audiences lie over each other: every region that is not empty, with its size."""
    parts = build(process="cli")
    try:
        with parts.db.reading() as session:
            found = segments.overlap(session, expressions, parts.clock(), 0)
    except Unparseable as problem:
        raise Refused(str(problem)) from None
    regions = [{"inside": list(r.inside), "size": r.size, "expression": r.expression}
               for r in found.regions]  # fmt: skip
    letters = "ABCDE"[: len(expressions)]
    lines = [
        f"{letter} = {text}  {size:,}"
        for letter, text, size in zip(letters, expressions, found.sizes, strict=True)
    ]
    lines.append(f"合起来 {found.either:,}")
    for region in found.regions:
        marks = (a if is_in else "·" for a, is_in in zip(letters, region.inside, strict=True))
        lines.append(f"{' '.join(marks)}  {region.size:>10,}")
    data = {"sizes": list(found.sizes), "either": found.either, "regions": regions}
    show(data, "\n".join(lines), as_json)


def lists(as_json: Json = False) -> None:
    """Static lists: purpose, how many physicians, until when, and whom no message reaches."""
    parts = build(process="cli")
    with parts.db.reading() as session:
        rows = segments.lists.listing(session)
        spared = {rule.list_id for rule in segments.suppression.rules(session)}
    items = [
        {"id": row.id, "name": row.name, "purpose": row.purpose, "state": row.state,
         "physicians": number, "expires_at": row.expires_at, "suppressed": row.id in spared}
        for row, number in rows
    ]  # fmt: skip
    lines = []
    for row, number in rows:
        more = "  待确认" if row.state == "draft" else ""
        more += "  所有推送都排除" if row.id in spared else ""
        lines.append(f"{row.id:>5}  {row.name}  {number:,} 位医生  {row.purpose}{more}")
    empty = "还没有名单：在控制台的“人群 → 名单与排除”里上传一个 CSV 或 XLSX 文件。"
    show({"items": items}, "\n".join(lines) or empty, as_json)


def _sized(session: Session, parts: Parts, row: segments.Segment) -> dict[str, object]:
    try:
        found = segments.audience(session, row.expression, parts.clock(), 0, with_reps=False)
        return {"size": found.size}
    except (Refused, Unparseable) as problem:
        return {"size": None, "problem": str(problem)}


def _teller(as_json: bool) -> Callable[[int], None]:
    def tell(read: int) -> None:
        if not as_json and read % EVERY == 0:
            print(f"{read:,} physicians …", file=sys.stderr)

    return tell
