"""`yishu inbox`: what arrived, what failed, and putting it back to work."""

from __future__ import annotations

from typing import Annotated, Any

import typer

from app import accounts, inbox
from app.bootstrap import build
from app.cli.output import Json, show
from app.inbox import InboxEvent, State
from app.infra.db import ring_after_commit

ACTOR = "system:cli"
Wanted = Annotated[State | None, typer.Option("--state", help="Only events in this state.")]


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="What came from outside.", no_args_is_help=True)
    group.command("list")(list_events)
    group.command()(show_event)
    group.command()(replay)
    group.command()(drop)
    cli.add_typer(group, name="inbox")


def list_events(state: Wanted = None, limit: int = 20, as_json: Json = False) -> None:
    """The newest events and how many are in each state."""
    with build(process="cli").db.reading() as session:
        rows = inbox.listing(session, state=state, limit=limit)
        counts = inbox.count_by_state(session)
    lines = [" ".join(f"{name} {number:,}" for name, number in counts.items())]
    lines += [_line(row) for row in rows] or ["没有符合条件的事件。"]
    show({"counts": counts, "items": [_told(row) for row in rows]}, "\n".join(lines), as_json)


def show_event(event_id: int, as_json: Json = False) -> None:
    """One event and why it is in its state."""
    with build(process="cli").db.reading() as session:
        row = inbox.find(session, event_id)
    show(_told(row), _line(row), as_json)


def replay(
    event_ids: Annotated[list[int] | None, typer.Argument(help="Ids of events.")] = None,
    state: Wanted = None,
    as_json: Json = False,
) -> None:
    """Put events back to work, by id or all in one state."""
    if not event_ids and state is None:
        raise typer.BadParameter("say which: ids, or --state dead")
    parts = build(process="cli")
    with parts.db.transaction() as session:
        number = inbox.replay(session, parts.clock(), ids=event_ids or [], state=state)
        ring_after_commit(session, inbox.DRAIN)
    show({"replayed": number}, f"已重新处理 {number} 条。", as_json)


def drop(
    event_ids: Annotated[list[int] | None, typer.Argument(help="Ids of events.")] = None,
    reason: Annotated[str, typer.Option(help="Why; no personal data.")] = "",
    state: Wanted = None,
    as_json: Json = False,
) -> None:
    """Give up dead or unknown events, by id or all in one state. They can be replayed later."""
    if not event_ids and state is None:
        raise typer.BadParameter("say which: ids, or --state dead")
    parts = build(process="cli")
    with parts.db.transaction() as session:
        now = parts.clock()
        number = inbox.drop(session, now, reason, ids=event_ids or [], state=state)
        accounts.audit(session, ACTOR, "inbox.dropped", "inbox", "", now=now, number=number)
    show({"dropped": number}, f"已放弃 {number} 条，可以用 replay 恢复。", as_json)


def _line(row: InboxEvent) -> str:
    why = f"  {row.error}" if row.error else ""
    when = f"{row.received_at:%Y-%m-%d %H:%M:%S}Z"
    return f"{row.id:>6}  {when}  {row.state:<8} {row.event_type}{why}"


def _told(row: InboxEvent) -> dict[str, Any]:
    return {
        "id": row.id, "type": row.event_type, "state": row.state, "attempts": row.attempts,
        "error": row.error, "received_at": row.received_at.isoformat(),
    }  # fmt: skip
