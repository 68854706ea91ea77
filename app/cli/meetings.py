"""`yishu meetings attended`: who came to a meeting, from a file."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

import typer

from app.bootstrap import build
from app.cli.output import Json, show
from app.content import library
from app.flows.pages.meetings import attend_from_file


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Meetings that physicians were invited to.", no_args_is_help=True)
    group.callback()(lambda: None)  # a command that is alone keeps its name
    group.command()(attended)
    cli.add_typer(group, name="meetings")


def attended(
    file: Annotated[Path, typer.Argument(exists=True, dir_okay=False, help="CSV or XLSX.")],
    content: Annotated[int, typer.Option(help="Number in the address of the invitation's page.")],
    as_json: Json = False,
) -> None:
    """Note who came: a column of the file is one_id, crm_id, licence_no, unionid,
    external_userid or phone."""
    parts = build(process="cli")
    with parts.db.transaction() as session:
        meeting = library.get_version(session, content).content_id
        figures, report = attend_from_file(
            session, meeting, file.name, file.read_bytes(), corp_id=parts.settings.wecom_corp_id,
            by="file", now=parts.clock(),
        )  # fmt: skip
    told = {"came": figures["found"], "lines_left_out": report}
    text = [f"{figures['found']} came."]
    text += [f"line {one['line']}: {one['why']} ({one['column']})" for one in report]
    show(told, "\n".join(text), as_json)
