"""What a judgement about who is who would do, before anybody makes it; and making it.

Tags, consent, history and limits hang on identifiers, so they follow by themselves. What is shown
is what people decide on: who there would be, with which tags and which permission, and what waits
to be sent.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import identity, tagging
from app.consent import Through
from app.delivery import Dispatch
from app.delivery import State as Sending
from app.flows.allowed.permission import Standing, standings
from app.identity import Identifier, Override
from app.infra.errors import Refused
from app.journey import Touchpoint

WAYS = (Through.REP, Through.ACCOUNT)


class Judgement(StrEnum):
    """What a person may say; the values are those of `Override.kind`."""

    SAME = "must"
    APART = "cannot"
    NOBODYS = "block"


@dataclass(frozen=True, slots=True)
class Face:
    """One identifier of a person."""

    id: int
    kind: str
    value: str
    status: str


@dataclass(frozen=True, slots=True)
class Person:
    """A ONE ID as it is, or would be. `touchpoints`: how much history comes with it."""

    one_id: str
    name: str
    lines: tuple[str, ...]  # title, department, hospital, city; "" where unknown
    verified: bool
    faces: tuple[Face, ...]
    tags: frozenset[str]
    permission: dict[Through, Standing]
    touchpoints: int


@dataclass(frozen=True, slots=True)
class Effects:
    """`waiting`: messages about content that wait for these persons; `splits`: those would be
    refused, since they were chosen for somebody else. `held`: why a rule would prevent it."""

    before: Sequence[Person]
    after: Sequence[Person]
    held: tuple[str, ...]
    waiting: int

    @property
    def changes(self) -> bool:
        """False when everybody would be who they are."""
        return _groups(self.before) != _groups(self.after)

    @property
    def splits(self) -> bool:
        """True when somebody would be two."""
        after = _groups(self.after, strong_only=True)
        return any(
            sum(bool(part & group) for part in after) > 1
            for group in _groups(self.before, strong_only=True)
        )


def effects(
    session: Session, kind: Judgement, a: Identifier, b: Identifier | None, now: datetime
) -> Effects:
    """What the judgement would change. Nothing is changed."""
    before = persons(session, {row.one_id for row in (a, b) if row is not None}, now)
    mine = {face.id for person in before for face in person.faces}

    def look(after: dict[int, str]) -> list[Person]:
        return persons(session, {after[one] for one in mine & set(after)}, now)

    found = identity.preview(session, kind, a, b, look)
    return Effects(before, found.seen, found.held, _waiting(session, mine))


def persons(session: Session, one_ids: Collection[str], now: datetime) -> list[Person]:
    """Everything that is shown of these persons, as the session sees them now."""
    known = identity.identifiers_of_many(session, sorted(one_ids))
    names = {tag.id: tag.name for tag in tagging.tags(session)}
    weights = tagging.weights(session, list(known), now)
    asked = {way: standings(session, known, way, now) for way in WAYS}
    physicians = identity.physicians_by_id(session, known)
    return [
        Person(
            one_id=one_id, name=person.name or "", verified=person.verified,
            lines=(person.title, person.department, person.hospital, person.city),
            faces=tuple(Face(row.id, row.kind, row.value, row.status) for row in rows),
            tags=frozenset(names[tag] for tag in weights[one_id] if tag in names),
            permission={way: told[one_id] for way, told in asked.items()},
            touchpoints=_touchpoints(session, [row.id for row in rows]),
        )
        for one_id, rows in known.items()
        if rows and (person := physicians.get(one_id)) is not None
    ]  # fmt: skip


def judge(
    session: Session,
    kind: Judgement,
    a: Identifier,
    b: Identifier | None,
    *,
    actor: str,
    reason: str,
    now: datetime,
) -> Override:
    """Make the judgement. Raises Refused without a reason, or when it would change nobody."""
    a, b = would_change(session, kind, a, b)
    if kind is Judgement.NOBODYS:
        return identity.block(session, a, actor=actor, reason=reason, now=now)
    if b is None:
        raise Refused("请选择另一个身份。")
    if kind is Judgement.APART:
        return identity.keep_apart(session, a, b, actor=actor, reason=reason, now=now)
    return identity.merge(session, a.one_id, b.one_id, actor=actor, reason=reason, now=now)


def would_change(
    session: Session, kind: Judgement, a: Identifier, b: Identifier | None
) -> tuple[Identifier, Identifier | None]:
    """What the judgement is about: two identifiers, or who two persons are by. Raises Refused when
    it would change nobody."""
    if kind is Judgement.SAME and b is not None:  # of whom they are part
        a, b = (identity.anchor(session, one.one_id) for one in (a, b))
    found = identity.preview(session, kind, a, b)
    if not found.moves and found.held and kind is Judgement.SAME:
        raise Refused("规则不允许这样合并。请先在医生页面停用填写有误的证号或账号，再回来判断。")
    if not found.moves:
        raise Refused("这个判断不会改变任何人的身份，没有记录。")
    return a, b


def _waiting(session: Session, identifier_ids: Collection[int]) -> int:
    about = (Dispatch.identifier_id.in_(identifier_ids), Dispatch.content_version_id.is_not(None))
    waiting = select(func.count()).where(Dispatch.state == Sending.QUEUED, *about)
    return session.scalar(waiting) or 0


def _touchpoints(session: Session, identifier_ids: Collection[int]) -> int:
    return (
        session.scalar(select(func.count()).where(Touchpoint.identifier_id.in_(identifier_ids)))
        or 0
    )


def _groups(people: Sequence[Person], *, strong_only: bool = False) -> set[frozenset[int]]:
    """Who is together. A phone makes nobody: it is left out where persons are counted."""
    return {
        frozenset(
            face.id for face in person.faces if not (strong_only and face.kind in identity.WEAK)
        )
        for person in people
    }
