"""Who decides what: the cases of a person's roles, what comes next, how fast it goes.

The owner of a tag decides: sales through the reps of the physician, marketing, medical. An
administrator may decide everything. A rep sees only own physicians, and no tag that is for staff.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, Select, and_, func, or_, select, true
from sqlalchemy.orm import Session

from app.accounts.models import Role
from app.court.models import CaseState, TagCase, TagCaseEvent
from app.identity import Identifier
from app.tagging import Owner, Sensitivity, Tag

DECIDES = {
    Role.ADMIN: tuple(Owner),
    Role.MARKETER: (Owner.MARKETING, Owner.SYSTEM),
    Role.REVIEWER: (Owner.MEDICAL,),
    Role.REP: (Owner.SALES,),
}
AHEAD = 24  # of the surest ones each person takes another first


@dataclass(frozen=True, slots=True)
class Viewer:
    """Who looks; `only`: identifiers through which this person sees physicians, None: all."""

    key: str
    role: Role
    only: Select[int] | None = None


@dataclass(frozen=True, slots=True)
class Pace:
    """`left`: open for this person, `oldest` of these; `hour`, `today`: decided by this one."""

    left: int
    hour: int
    today: int
    oldest: datetime | None


def may_decide(case: TagCase, who: Viewer) -> bool:
    """Whether this person's role owns the tag, and the appeal is not against this person."""
    return case.owner in DECIDES[who.role] and case.not_by != who.key


def may_undo(case: TagCase, who: Viewer) -> bool:
    """Whether the verdict is this one's own (a system's: of one of the persons whom it names); an
    administrator may take back any."""
    by = case.decided_by or ""
    return who.role is Role.ADMIN or by == who.key or by.startswith(f"{who.key}:")


def find_visible(session: Session, case_id: int, who: Viewer) -> TagCase | None:
    """The case, if this person may look at it."""
    return session.scalar(select(TagCase).where(TagCase.id == case_id, sees(who)))


def next_for(session: Session, who: Viewer, besides: Collection[int] = ()) -> TagCase | None:
    """The case to look at now; None when nothing waits for this person."""
    ahead = session.scalars(
        select(TagCase)
        .where(_waits_for(who), TagCase.id.not_in(list(besides)))
        .order_by(TagCase.strength.desc(), TagCase.id.desc())
        .limit(AHEAD)
    ).all()
    return min(ahead, key=lambda one: _turn(who.key, one.id), default=None)


def pace(session: Session, who: Viewer, now: datetime, midnight: datetime) -> Pace:
    """How much is left and how fast it goes; `midnight` is when today began."""
    left, oldest = session.execute(
        select(func.count(), func.min(TagCase.updated_at)).where(_waits_for(who))
    ).one()
    return Pace(left, _decided(session, who, now - timedelta(hours=1)),
                _decided(session, who, midnight), oldest)  # fmt: skip


def last_of(session: Session, who: Viewer) -> TagCase | None:
    """What this person decided last, and can take back."""
    mine = (TagCase.decided_by == who.key, TagCase.state == CaseState.SETTLED, sees(who))
    newest = (TagCase.decided_at.desc(), TagCase.id.desc())
    return session.scalar(select(TagCase).where(*mine).order_by(*newest).limit(1))


def listing(
    session: Session,
    who: Viewer,
    *,
    state: CaseState | None = None,
    kind: str = "",
    one_id: str = "",
    limit: int = 50,
    offset: int = 0,
) -> tuple[Sequence[TagCase], int]:
    """Cases that this person may see, newest first, and how many there are."""
    where = [sees(who)]
    if state is not None:
        where.append(TagCase.state == state)
    if kind:
        where.append(TagCase.kind == kind)
    if one_id:
        mine = select(Identifier.id).where(Identifier.one_id == one_id)
        where.append(TagCase.identifier_id.in_(mine))
    total = session.scalar(select(func.count()).select_from(TagCase).where(*where)) or 0
    order = (TagCase.updated_at.desc(), TagCase.id.desc())
    chosen = select(TagCase).where(*where).order_by(*order).limit(limit).offset(offset)
    return session.scalars(chosen).all(), total


def events(session: Session, case_id: int) -> Sequence[TagCaseEvent]:
    """A case's history, oldest first."""
    mine = select(TagCaseEvent).where(TagCaseEvent.case_id == case_id)
    return session.scalars(mine.order_by(TagCaseEvent.id)).all()


def count_by_state(session: Session) -> dict[str, int]:
    """How many cases there are of each state."""
    rows = session.execute(select(TagCase.state, func.count()).group_by(TagCase.state))
    return dict(rows.all())


def sees(who: Viewer) -> ColumnElement[bool]:
    """Cases that this person may look at."""
    if who.only is None:
        return true()
    own = select(Identifier.one_id).where(Identifier.id.in_(who.only))
    people = select(Identifier.id).where(Identifier.one_id.in_(own))
    hidden = select(Tag.id).where(Tag.sensitivity == Sensitivity.STAFF)
    return and_(
        TagCase.identifier_id.in_(people), TagCase.tag_id.not_in(hidden),
        TagCase.other_id.not_in(hidden),
    )  # fmt: skip


def _waits_for(who: Viewer) -> ColumnElement[bool]:
    mine = or_(TagCase.not_by.is_(None), TagCase.not_by != who.key)
    owned = TagCase.owner.in_(DECIDES[who.role])
    return and_(TagCase.state == CaseState.OPEN, owned, mine, sees(who))


def _decided(session: Session, who: Viewer, since: datetime) -> int:
    chosen = select(func.count()).select_from(TagCase)
    mine = (TagCase.decided_by == who.key, TagCase.decided_at >= since)
    return session.scalar(chosen.where(*mine)) or 0


def _turn(key: str, case_id: int) -> bytes:
    return hashlib.sha256(f"{key} {case_id}".encode()).digest()
