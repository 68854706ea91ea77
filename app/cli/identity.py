"""`yishu identity`: compute who is who again, look at a moment of the past, check the linkage."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from datetime import datetime
from typing import Annotated

import typer
from sqlalchemy.exc import OperationalError
from sqlalchemy.orm import Session

from app import identity
from app.bootstrap import Parts, build
from app.cli.linkage import candidates, evaluate
from app.cli.output import Json, show
from app.infra.clock import SHANGHAI, local

PIECE = 20  # components of one transaction, so that the product goes on meanwhile
TRIES = 5  # of a piece that got into a worker's way


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="Who is one person.", no_args_is_help=True)
    group.command()(rebuild)
    group.command()(as_of)
    group.command()(candidates)
    group.command()(evaluate)
    cli.add_typer(group, name="identity")


def rebuild(as_json: Json = False) -> None:
    """Compute every ONE ID again from the evidence and the judgements; the product may run."""
    parts = build(process="cli")
    last = looked = changed = 0
    while piece := _components_after(parts, last):
        changed += _rebuild(parts, piece)
        last, looked = piece[-1], looked + len(piece)
        if not as_json and looked % (PIECE * 100) == 0:
            print(f"{looked:,} groups of identifiers …", file=sys.stderr)
    with parts.db.reading() as session:
        left = identity.quality.measure(session).quarantined
    text = (
        f"重新计算了 {looked:,} 组身份，{changed:,} 个身份换了 ONE ID。"
        if changed
        else f"重新计算了 {looked:,} 组身份，与现有结果完全一致。"
    )
    if left:
        text += f"另有 {left:,} 个身份所在的组过大，没有计算，请在“治理 → 身份”查看。"
    show({"components": looked, "changed": changed, "left_alone": left}, text, as_json)


def _components_after(parts: Parts, last: int) -> Sequence[int]:
    with parts.db.reading() as session:
        return identity.components_after(session, last, PIECE)


def _rebuild(parts: Parts, piece: Sequence[int]) -> int:
    for left in reversed(range(TRIES)):
        try:
            with parts.db.transaction() as session:
                return identity.rebuild(session, now=parts.clock(), components=piece)
        except OperationalError:  # a deadlock, or the database was away for a moment
            if not left:
                raise
    raise AssertionError


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
