"""`yishu identity`: compute who is who again, look at a moment of the past, check the linkage."""

from __future__ import annotations

from datetime import datetime
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from app import identity
from app.bootstrap import build
from app.cli.linkage import candidates, evaluate
from app.cli.output import Json, show
from app.cli.rebuild import rebuild
from app.infra.clock import SHANGHAI, local


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Who is one person.", no_args_is_help=True)
    group.command()(rebuild)
    group.command()(as_of)
    group.command()(candidates)
    group.command()(evaluate)
    cli.add_typer(group, name="identity")


def _moment(session: Session, when: str) -> tuple[int | None, datetime]:
    """The change that a version names, if it is one; and the moment."""
    try:
        moment = datetime.fromisoformat(when)
    except ValueError:
        return identity.change_of(session, when)
    return None, moment if moment.tzinfo else moment.replace(tzinfo=SHANGHAI)


def as_of(
    when: Annotated[
        str,
        typer.Argument(
            help="A moment in China, 2026-11-01T09:00:00, or a version of a report, 1.87"
        ),
    ],
    one_id: Annotated[str, typer.Option(help="Only who is this person today.")] = "",
    as_json: Json = False,
) -> None:
    """Who was one person at a moment, as it was known then."""
    parts = build(process="cli")
    with parts.db.reading() as session:
        change, moment = _moment(session, when)
        only = None
        if one_id:
            person = identity.get_physician(session, one_id)
            only = [row.id for row in identity.identifiers_of(session, person.one_id)]
        state = identity.as_of(session, moment, only, until=change)
    persons: dict[str, list[int]] = {}
    for number, owner in state.items():
        persons.setdefault(owner, []).append(number)
    head = f"{local(moment):%Y-%m-%d %H:%M}：{len(state):,} 个身份，{len(persons):,} 位医生。"
    lines = [f"{owner}  {len(ids)} 个身份" for owner, ids in sorted(persons.items())]
    data = {"identifiers": len(state), "persons": persons if one_id else len(persons)}
    show(data, "\n".join([head, *(lines if one_id else [])]), as_json)
