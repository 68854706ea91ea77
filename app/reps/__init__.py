"""Sales reps and the external contacts they are connected with."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import Select, select
from sqlalchemy.orm import Session

from app.identity.models import Identifier
from app.infra.errors import NotFound
from app.reps.models import RelationState, Rep, RepContact

__all__ = [
    "RelationState",
    "Rep",
    "RepContact",
    "active_reps",
    "connect",
    "contacts_of",
    "disconnect",
    "ensure_rep",
    "find_rep",
    "get_rep",
    "leave",
    "note_chat",
    "relations_of",
    "rep_for",
    "reps_by_id",
    "visible_to",
]


def ensure_rep(
    session: Session, corp_id: str, userid: str, *, now: datetime, name: str = ""
) -> Rep:
    """The rep with this userid (case does not matter), created when new."""
    rep = find_rep(session, corp_id, userid)
    if rep is None:
        rep = Rep(corp_id=corp_id, userid=userid.lower(), name=name or userid, created_at=now)
        session.add(rep)
    elif name and rep.name != name:
        rep.name = name
    session.flush()
    return rep


def find_rep(session: Session, corp_id: str, userid: str) -> Rep | None:
    """The rep with this userid."""
    return session.scalar(select(Rep).where(Rep.corp_id == corp_id, Rep.userid == userid.lower()))


def get_rep(session: Session, rep_id: int) -> Rep:
    """The rep. Raises NotFound."""
    rep = session.get(Rep, rep_id)
    if rep is None:
        raise NotFound("没有这位代表。")
    return rep


def active_reps(session: Session) -> Sequence[Rep]:
    """Reps who work here, by team and name."""
    chosen = select(Rep).where(Rep.active.is_(True)).order_by(Rep.team, Rep.userid)
    return session.scalars(chosen).all()


def reps_by_id(session: Session) -> dict[int, Rep]:
    """All reps, also those who left."""
    return {rep.id: rep for rep in session.scalars(select(Rep))}


def leave(session: Session, rep: Rep, now: datetime) -> None:
    """The rep left the company: no suggestion and no message goes through this rep any more."""
    rep.active, rep.left_at = False, now


def connect(
    session: Session,
    rep: Rep,
    identifier: Identifier,
    *,
    since: datetime,
    now: datetime,
    one_sided: bool = False,
    remark: str = "",
    add_way: int | None = None,
    channel_state: str = "",
) -> RepContact:
    """The two are connected, as the platform shows it now."""
    row = session.scalar(
        select(RepContact).where(
            RepContact.rep_id == rep.id, RepContact.identifier_id == identifier.id
        )
    )
    if row is None:
        row = RepContact(rep_id=rep.id, identifier_id=identifier.id, since=since)
        session.add(row)
    row.state = RelationState.ONE_SIDED if one_sided else RelationState.CONNECTED
    row.until, row.synced_at = None, now
    row.remark = remark or row.remark
    row.add_way = add_way if add_way is not None else row.add_way
    row.channel_state = channel_state or row.channel_state or ""
    session.flush()
    return row


def disconnect(
    session: Session, rep: Rep, identifier: Identifier, state: RelationState, at: datetime
) -> bool:
    """The relation ended; False when there was none."""
    row = session.scalar(
        select(RepContact).where(
            RepContact.rep_id == rep.id, RepContact.identifier_id == identifier.id
        )
    )
    if row is None:
        return False
    row.state, row.until = state, at
    session.flush()
    return True


def contacts_of(session: Session, rep_id: int) -> Sequence[tuple[RepContact, Identifier]]:
    """Connected contacts of a rep with their identifiers."""
    rows = session.execute(
        select(RepContact, Identifier)
        .join(Identifier, Identifier.id == RepContact.identifier_id)
        .where(RepContact.rep_id == rep_id, RepContact.state == RelationState.CONNECTED)
        .order_by(RepContact.id)
    )
    return [(contact, identifier) for contact, identifier in rows]


def relations_of(session: Session, one_id: str) -> Sequence[tuple[RepContact, Rep]]:
    """Every rep's relation to one physician, living ones and newest chats first."""
    rows = session.execute(
        select(RepContact, Rep)
        .join(Rep, Rep.id == RepContact.rep_id)
        .join(Identifier, Identifier.id == RepContact.identifier_id)
        .where(Identifier.one_id == one_id)
    )
    found = [(contact, rep) for contact, rep in rows]
    return sorted(
        found,
        key=lambda pair: (
            pair[0].state != RelationState.CONNECTED,
            -(pair[0].last_chat_at or pair[0].since).timestamp(),
            pair[1].id,
        ),
    )


def rep_for(session: Session, one_id: str) -> tuple[RepContact, Rep] | None:
    """The rep to turn to for a physician: connected, active, with the newest chat."""
    for contact, rep in relations_of(session, one_id):
        if contact.state == RelationState.CONNECTED and rep.active:
            return contact, rep
    return None


def note_chat(session: Session, rep_id: int, identifier_id: int, at: datetime) -> None:
    """The two were in touch."""
    row = session.scalar(
        select(RepContact).where(
            RepContact.rep_id == rep_id, RepContact.identifier_id == identifier_id
        )
    )
    if row is not None and (row.last_chat_at is None or row.last_chat_at < at):
        row.last_chat_at = at


def visible_to(rep_id: int | None) -> Select[int] | None:
    """Identifiers through which a rep may see physicians; None: no limit."""
    if rep_id is None:
        return None
    return select(RepContact.identifier_id).where(
        RepContact.rep_id == rep_id,
        RepContact.state.in_((RelationState.CONNECTED, RelationState.ONE_SIDED)),
    )
