"""Relations between reps and external contacts, as far as they can be known.

Callbacks come late and out of order. What the platform lists when it is read decides, with one
exception: a rep whom the physician deleted stays in the platform's list. That ends only with a
connection that is newer than the deletion.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import Select, bindparam, func, literal_column, select, update
from sqlalchemy.orm import Session

from app.identity import AnIdentifier, changed
from app.identity.models import Identifier
from app.infra.crypto import EMPTY_BYTES
from app.infra.direct import Direct, nothing
from app.infra.many import among
from app.reps.models import RelationState, Rep, RepContact


class Nearest(NamedTuple):
    """A rep, and the identifier of the contact through which a physician is reached."""

    rep_id: int
    corp_id: str
    userid: str
    identifier_id: int


OPEN = (RelationState.CONNECTED, RelationState.ONE_SIDED)


def connect(
    session: Session,
    rep: Rep,
    identifier: AnIdentifier,
    *,
    since: datetime,
    now: datetime,
    one_sided: bool = False,
    remark: str = "",
    add_way: int | None = None,
    channel_state: str = "",
    mark: bytes | None = None,
    known: RepContact | None = None,
) -> RepContact:
    """The platform shows the two as connected, since `since`; `mark` says how that looked.

    `known`: their relation, if it has just been looked for.
    """
    row = known or find_contact(session, rep.id, identifier.id)
    if row is None:
        row = RepContact(rep_id=rep.id, identifier_id=identifier.id, since=since, state="")
        session.add(row)
    row.since = max(row.since, since)
    row.remark = remark or row.remark
    row.add_way = add_way if add_way is not None else row.add_way
    row.channel_state = channel_state or row.channel_state or ""
    row.mark = mark or row.mark
    before = row.state
    deleted = row.state == RelationState.REMOVED_BY_PHYSICIAN
    if not (deleted and row.until is not None and row.since <= row.until):
        row.state = RelationState.ONE_SIDED if one_sided else RelationState.CONNECTED
        row.until = None
    if row.state != before:
        changed.note(session, identifier.id)
    session.flush()
    # Mostly all the rest is as it was: this costs a tenth of what the session would make of it.
    _SEEN.run(session, {"row": row.id, "at": now})
    return row


def note_added(
    session: Session,
    rep: Rep,
    identifier: AnIdentifier,
    *,
    at: datetime,
    one_sided: bool,
    state: str,
    now: datetime,
) -> RepContact:
    """An addition was reported. It begins a relation; it changes none that the platform showed
    since, and news that is older than a removal changes nothing."""
    row = find_contact(session, rep.id, identifier.id)
    if row is None or (row.until is not None and at > row.until):
        return connect(
            session, rep, identifier, since=at, now=now, one_sided=one_sided, channel_state=state
        )
    row.since, row.channel_state = max(row.since, at), row.channel_state or state
    session.flush()
    return row


def disconnect(
    session: Session,
    rep: Rep,
    identifier: AnIdentifier,
    state: RelationState,
    at: datetime,
    now: datetime | None = None,
) -> bool:
    """The relation ended at `at`; False when it began again since, or ended again later."""
    row = find_contact(session, rep.id, identifier.id)
    if row is None:  # the news of the beginning is still to come
        session.add(
            RepContact(
                rep_id=rep.id, identifier_id=identifier.id, since=at, until=at, state=state,
                channel_state="", synced_at=now or at,
            )
        )  # fmt: skip
        session.flush()
        changed.note(session, identifier.id)
        return True
    if row.since > at or (row.state not in OPEN and row.until is not None and row.until >= at):
        return False
    row.state, row.until = state, at
    session.flush()
    changed.note(session, identifier.id)
    return True


def close_missing(
    session: Session, corp_id: str, identifier: AnIdentifier, listed: Collection[int], now: datetime
) -> list[Rep]:
    """Close the relations of a contact that the platform does not list; returns their reps."""
    rows = _LIVING.all(session, {"person": identifier.id, "corp": corp_id})
    closed = []
    for contact_id, rep_id in rows:
        if rep_id not in listed:
            contact = session.get_one(RepContact, contact_id)
            contact.state, contact.until = RelationState.REMOVED_BY_REP, now
            closed.append(session.get_one(Rep, rep_id))
    session.flush()
    if closed:
        changed.note(session, identifier.id)
    return closed


def find_contact(session: Session, rep_id: int, identifier_id: int) -> RepContact | None:
    """The relation of these two, living or ended."""
    return session.scalar(_OF_TWO, {"rep": rep_id, "person": identifier_id})


def contacts_of(session: Session, rep_id: int) -> Sequence[tuple[RepContact, Identifier]]:
    """Connected contacts of a rep with their identifiers."""
    rows = session.execute(
        select(RepContact, Identifier)
        .join(Identifier, Identifier.id == RepContact.identifier_id)
        .where(RepContact.rep_id == rep_id, RepContact.state == RelationState.CONNECTED)
        .order_by(RepContact.id)
    )
    return [(contact, identifier) for contact, identifier in rows]


class Met(NamedTuple):
    """A contact as a plan needs it."""

    id: int
    one_id: str


def people_of(session: Session, rep_id: int) -> list[Met]:
    """Connected contacts of a rep who were not forgotten, as plain values: a plan reads a
    thousand."""
    return _PEOPLE.all(session, {"rep_id": rep_id})


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


def rep_for(
    session: Session, one_id: str, last: Collection[int] = (), first: int | None = None
) -> Nearest | None:
    """The rep to turn to for a physician: connected, active, `first` or the one with the newest
    chat; one of `last` only where there is no other."""
    return reps_for(session, {one_id: first}, {one_id: last}).get(one_id)


def reps_for(
    session: Session, firsts: Mapping[str, int | None], last: Mapping[str, Collection[int]]
) -> dict[str, Nearest]:
    """The same for many physicians (ONE ID → `first`); nobody who has none."""
    found: dict[str, list[Nearest]] = {}
    for one_id, near in _NEAREST.all(session, {"ids": list(firsts)}):
        found.setdefault(one_id, []).append(near)
    return {
        one_id: min(
            some, key=lambda one: (one.rep_id in last.get(one_id, ()), one.rep_id != firsts[one_id])
        )
        for one_id, some in found.items()
    }


def note_chat(session: Session, rep_id: int, identifier_id: int, at: datetime) -> None:
    """The two were in touch."""
    row = find_contact(session, rep_id, identifier_id)
    if row is not None and (row.last_chat_at is None or row.last_chat_at < at):
        row.last_chat_at = at


def hand_over(session: Session, old: Rep, new: Rep, now: datetime) -> list[int]:
    """Both are one person: the relations of `old` become those of `new`, to be read again. Where
    both have one, what `old` has heard counts when it is newer; returns those of `old` that end."""
    mine = {
        row.identifier_id: row
        for row in session.scalars(select(RepContact).where(RepContact.rep_id == new.id))
    }
    ended = []
    for row in session.scalars(select(RepContact).where(RepContact.rep_id == old.id)).all():
        known = mine.get(row.identifier_id)
        if known is None:
            row.rep_id, row.mark = new.id, None
        else:
            _take_newer(known, row)
            row.state, row.until = RelationState.REMOVED_BY_REP, now
            ended.append(row.id)
        changed.note(session, row.identifier_id)
    session.flush()
    return ended


def _take_newer(known: RepContact, other: RepContact) -> None:
    """How the relation stands, by whichever was heard last; and the newest chat of both."""
    if (other.until or other.since) > (known.until or known.since):
        known.state, known.since, known.until = other.state, other.since, other.until
    chats = [at for at in (known.last_chat_at, other.last_chat_at) if at is not None]
    known.last_chat_at, known.mark = max(chats, default=None), None


def seen_by(rep_id: int) -> Select[int]:
    """Identifiers of the contacts through which this rep sees physicians."""
    return select(RepContact.identifier_id).where(
        RepContact.rep_id == rep_id, RepContact.state.in_(OPEN)
    )


def visible_to(rep_id: int | None) -> Select[int] | None:
    """Identifiers through which a rep may see physicians; None: no limit."""
    return None if rep_id is None else seen_by(rep_id)


def may_see(session: Session, rep_id: int | None, one_id: str) -> bool:
    """Whether a rep may see this physician; everybody without a rep id may."""
    limit = visible_to(rep_id)
    if limit is None:
        return True
    mine = select(Identifier.id).where(Identifier.one_id == one_id, Identifier.id.in_(limit))
    return session.scalar(mine.limit(1)) is not None


def own_among(session: Session, rep_id: int, identifier_ids: Collection[int]) -> set[int]:
    """Those of these identifiers whose physician this rep may see."""
    mine = select(Identifier.one_id).where(Identifier.id.in_(seen_by(rep_id)))
    chosen = select(Identifier.id).where(Identifier.id.in_(identifier_ids))
    return set(session.scalars(chosen.where(Identifier.one_id.in_(mine))))


# What many events cost is built once.
_OF_TWO = select(RepContact).where(
    RepContact.rep_id == bindparam("rep"), RepContact.identifier_id == bindparam("person")
)
_SEEN = Direct(
    update(RepContact).where(RepContact.id == bindparam("row")).values(synced_at=bindparam("at")),
    nothing,
)
_LIVING = Direct(
    select(RepContact.id, RepContact.rep_id)
    .join(Rep, Rep.id == RepContact.rep_id)
    .where(
        RepContact.identifier_id == bindparam("person"),
        RepContact.state == RelationState.CONNECTED,
        Rep.corp_id == bindparam("corp"),
    ),
    lambda contact_id, rep_id: (contact_id, rep_id),
)
_NEAREST = Direct(
    select(Identifier.one_id, Rep.id, Rep.corp_id, Rep.userid, RepContact.identifier_id)
    .join(Rep, Rep.id == RepContact.rep_id)
    .join(Identifier, Identifier.id == RepContact.identifier_id)
    .where(
        among(Identifier.one_id, "ids"),
        RepContact.state == RelationState.CONNECTED,
        Rep.active.is_(True),
    )
    .order_by(func.coalesce(RepContact.last_chat_at, RepContact.since).desc(), Rep.id),
    lambda one_id, *near: (one_id, Nearest(*near)),
)

_PEOPLE = Direct(
    select(Identifier.id, Identifier.one_id)
    .join(RepContact, RepContact.identifier_id == Identifier.id)
    .where(
        RepContact.rep_id == bindparam("rep_id"),
        RepContact.state == RelationState.CONNECTED.value,
        func.length(Identifier.value) > literal_column(str(EMPTY_BYTES)),
    )
    .order_by(RepContact.id),
    Met,
    large=True,
)
