"""One call for one side: claimed before, recorded after, never two at once.

The intention (`writing`) is committed before the call, so that a reading in between takes what we
may have written for ours, and a crash is followed by the same call again, which changes nothing.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, or_, select, update
from sqlalchemy.orm import Session

from app.identity.models import Identifier
from app.reps.models import Rep, RepContact
from app.tagging.mirror import mirror_rules as rules
from app.tagging.mirror.marks import as_mark, keep, marks_of
from app.tagging.mirror.mirror_models import MarkSide, MirrorState, TagMirror

LEASE = timedelta(seconds=60)
BACKOFF_S = (2, 10, 30, 120, 300, 600, 1800)
MAY_ADD = (MirrorState.THERE, MirrorState.RENAMED)
MAY_REMOVE = (*MAY_ADD, MirrorState.ENDING)


@dataclass(frozen=True, slots=True)
class Todo:
    """What a side needs: our tag → corp tag, to be added and to be removed."""

    contact_id: int
    turn: int
    corp_id: str
    userid: str
    external_userid: str
    add: Mapping[int, str] = field(default_factory=dict)
    remove: Mapping[int, str] = field(default_factory=dict)
    open: frozenset[int] = frozenset()  # of which an earlier call was never answered


def due_sides(session: Session, now: datetime, limit: int) -> Sequence[tuple[int, str]]:
    """(side, corp) of those that are due, longest first."""
    rows = session.execute(
        select(MarkSide.contact_id, Rep.corp_id)
        .join(RepContact, RepContact.id == MarkSide.contact_id)
        .join(Rep, Rep.id == RepContact.rep_id)
        .where(MarkSide.due_at <= now, _free(now))
        .order_by(MarkSide.due_at, MarkSide.contact_id)
        .limit(limit)
    )
    return [(contact_id, corp_id) for contact_id, corp_id in rows]


def claim_side(session: Session, contact_id: int, now: datetime) -> Todo | None:
    """What this side needs, nobody else's for as long as the lease; None when it needs nothing, or
    another has it."""
    taken = session.execute(
        update(MarkSide)
        .where(MarkSide.contact_id == contact_id, MarkSide.due_at <= now, _free(now))
        .values(lease_until=now + LEASE, turn=MarkSide.turn + 1)
        .returning(MarkSide.turn, MarkSide.one_by_one)
        .execution_options(synchronize_session=False)
    ).one_or_none()
    if taken is None:
        return None
    todo = _todo(session, contact_id, taken.turn, taken.one_by_one, now)
    if todo is None:
        _rest(session, contact_id, due_at=None, error="")
    return todo


def record_done(session: Session, todo: Todo, now: datetime) -> bool:
    """The platform has done all of it; False when the turn is over, and somebody else decides."""
    if not _is_turn(session, todo):
        return False
    rows = marks_of(session, [todo.contact_id]).get(todo.contact_id, {})
    for what, tags in (("add", todo.add), ("remove", todo.remove)):
        for tag_id in tags:
            if tag_id in rows:
                mark = rules.written(as_mark(rows[tag_id]), what, now)
                keep(session, todo.contact_id, tag_id, mark)
    _rest(session, todo.contact_id, due_at=now, error="")  # it is looked at once more
    return True


def record_failed(
    session: Session, todo: Todo, error: str, now: datetime, *, wait_s: float | None, unsure: bool
) -> None:
    """Again later. `unsure`: it may have been done."""
    if not _is_turn(session, todo):
        return
    side = session.get_one(MarkSide, todo.contact_id, populate_existing=True)
    step = BACKOFF_S[min(side.attempts, len(BACKOFF_S) - 1)] if wait_s is None else wait_s
    if not unsure:
        _leave(session, todo)
    _rest(session, todo.contact_id, due_at=now + timedelta(seconds=step), error=error,
          attempts=side.attempts + 1, one_by_one=side.one_by_one)  # fmt: skip


def record_refused(session: Session, todo: Todo, error: str, now: datetime) -> None:
    """What was asked is wrong: of several marks each is tried alone, one that is refused alone
    waits for a person."""
    if not _is_turn(session, todo):
        return
    _leave(session, todo)
    several = len(todo.add) + len(todo.remove) > 1
    if not several:
        rows = marks_of(session, [todo.contact_id]).get(todo.contact_id, {})
        for tag_id in (*todo.add, *todo.remove):
            if tag_id in rows:
                mark = as_mark(rows[tag_id])
                writing = mark.writing if tag_id in todo.open else ""
                keep(session, todo.contact_id, tag_id, replace(mark, writing=writing), error)
    _rest(session, todo.contact_id, due_at=now, error="" if several else error, one_by_one=True)


def set_aside(session: Session, todo: Todo, error: str) -> None:
    """The whole side cannot be written to; it rests until something about it changes."""
    if _is_turn(session, todo):
        _leave(session, todo)
        _rest(session, todo.contact_id, due_at=None, error=error)


def _todo(
    session: Session, contact_id: int, turn: int, one_by_one: bool, now: datetime
) -> Todo | None:
    who = session.execute(
        select(Rep.corp_id, Rep.userid, Identifier)
        .join(RepContact, RepContact.rep_id == Rep.id)
        .join(Identifier, Identifier.id == RepContact.identifier_id)
        .where(RepContact.id == contact_id)
    ).one()
    corp_tags = _corp_tags(session, who.corp_id)
    needs: dict[str, dict[int, str]] = {"add": {}, "remove": {}}
    open_: set[int] = set()
    for tag_id, row in marks_of(session, [contact_id]).get(contact_id, {}).items():
        what = "" if row.error else rules.to_write(as_mark(row))
        wecom_id = corp_tags.get((tag_id, what))
        if what and wecom_id and not (one_by_one and any(needs.values())):
            needs[what][tag_id] = wecom_id
            if row.writing:
                open_.add(tag_id)
            keep(session, contact_id, tag_id, replace(as_mark(row), writing=what))
    if not any(needs.values()):
        return None
    return Todo(contact_id, turn, who.corp_id, who.userid, who.Identifier.value, **needs,
                open=frozenset(open_))  # fmt: skip


def _corp_tags(session: Session, corp_id: str) -> dict[tuple[int, str], str]:
    rows = session.scalars(
        select(TagMirror).where(TagMirror.corp_id == corp_id, TagMirror.wecom_tag_id != "")
    )
    found = {}
    for row in rows:
        for what, states in (("add", MAY_ADD), ("remove", MAY_REMOVE)):
            if row.state in states:
                found[row.tag_id, what] = row.wecom_tag_id
    return found


def _leave(session: Session, todo: Todo) -> None:
    """It was certainly not done; what became of an earlier call is as open as before."""
    rows = marks_of(session, [todo.contact_id]).get(todo.contact_id, {})
    for tag_id in (*todo.add, *todo.remove):
        if tag_id in rows and tag_id not in todo.open:
            keep(session, todo.contact_id, tag_id, replace(as_mark(rows[tag_id]), writing=""))


def _is_turn(session: Session, todo: Todo) -> bool:
    mine = (MarkSide.contact_id == todo.contact_id, MarkSide.turn == todo.turn)
    return session.scalar(select(MarkSide.turn).where(*mine).with_for_update()) is not None


def _rest(
    session: Session,
    contact_id: int,
    *,
    due_at: datetime | None,
    error: str,
    attempts: int = 0,
    one_by_one: bool = False,
) -> None:
    session.execute(
        update(MarkSide)
        .where(MarkSide.contact_id == contact_id)
        .values(due_at=due_at, lease_until=None, error=error[:500], attempts=attempts,
                one_by_one=one_by_one)
        .execution_options(synchronize_session=False)
    )  # fmt: skip


def _free(now: datetime) -> ColumnElement[bool]:
    return or_(MarkSide.lease_until.is_(None), MarkSide.lease_until <= now)
