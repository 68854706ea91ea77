"""`yishu coverage`: which tags and audiences have no content, contents lacking tags or readers."""

from __future__ import annotations

import time
from typing import Annotated

import typer

from app import autotag
from app.autotag import Coverage
from app.bootstrap import build
from app.cli.output import Json, show


def register(cli: typer.Typer) -> None:
    """Add the command of this module."""
    cli.command()(coverage)


def coverage(
    limit: Annotated[int, typer.Option(min=1, help="Of each list.")] = 20, as_json: Json = False
) -> None:
    """Which tags and audiences have no content, and contents lacking tags or readers."""
    parts, begun = build(process="cli"), time.perf_counter()
    with parts.db.reading() as session:
        found = autotag.coverage(session, parts.clock())
    took = round(time.perf_counter() - begun, 2)
    data = autotag.coverage_json(found, limit) | {"seconds": took}
    show(data, _words(found, limit), as_json)


def _words(found: Coverage, limit: int) -> str:
    lines = [f"{len(found.gaps)} 个标签没有可用的内容："]
    lines += [f"  {one.tag.name}  {one.people:,} 位医生" for one in found.gaps[:limit]]
    lines.append("人群中有内容可发的医生：")
    lines += [
        f"  {one.segment.name}  {one.served:,} / {one.size:,}"
        + (f"  缺：{'、'.join(one.missing)}" if one.missing else "")
        for one in found.segments[:limit]
    ]
    lines.append(f"{len(found.thin)} 个内容的标签不够：")
    for one in found.thin[:limit]:
        more = "、".join(suggestion.tag.name for suggestion in one.suggestions)
        lines.append(f"  {one.version.title}" + (f"  文中提到：{more}" if more else ""))
    lines.append(f"{len(found.unreached)} 个内容找不到能联系到的读者。")
    return "\n".join(lines)
