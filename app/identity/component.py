"""Raw components as the database holds them: whom they join, what is known of them.

Their rows are locked from `hold` until the partition is stored and committed; see `resolve`.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from typing import Any, NamedTuple

from sqlalchemy import BindParameter, bindparam, func, literal, null, or_, select, text, union_all
from sqlalchemy.orm import Session

from app.identity import called, evidence
from app.identity.models import Component, Conflict, Identifier, IdentifierStatus, Kind, Override
from app.identity.partition import Judgements, Node
from app.identity.register import Known
from app.infra import crypto
from app.infra.direct import Asked, Direct, nothing, together
from app.infra.many import among


class Member(NamedTuple):
    """An identifier in a component that is held, as it was before anything is stored."""

    id: int
    kind: str
    namespace: str
    value_hash: bytes
    component_id: int
    one_id: str
    status: str
    known: bool  # False: forgotten
    born: bool  # in this transaction, and nobody else has seen it
    names: int = 0  # under how many it was told, if weak


class KeptApart(NamedTuple):
    """A conflict as it is written down."""

    id: int
    a: int
    b: int
    reason: str


class Obstacles(NamedTuple):
    """What may keep identifiers apart: judgements, blocked values, conflicts there are."""

    judgements: Judgements
    blocked: frozenset[int]
    conflicts: Sequence[KeptApart]


NO_OBSTACLES = Obstacles(Judgements(), frozenset(), ())


class Whole(NamedTuple):
    """Components that are held: who belongs to them, and what was said and decided about them.

    `keep`: no longer to be let go of; to be sent with whatever is stored.
    """

    members: Sequence[Member] = ()
    heard: Sequence[evidence.Row] = ()
    obstacles: Obstacles = NO_OBSTACLES
    keep: Sequence[Asked] = ()


def hold(
    session: Session, ids: Collection[int], components: Collection[int], keys: Collection[str] = ()
) -> Whole:
    """Lock the components of these identifiers, in order, and read all that is known of them; and
    what the events `keys` have said.

    `components`: where they were when last read. Another transaction may have joined some before
    we had them: then we let go of all, so that nobody waits for us meanwhile, and begin again.
    """
    wanted, locks = sorted(set(components)), session.get_bind().dialect.name == "postgresql"
    first: Asked = (_MARK, NOTHING)
    while True:
        here = {"ids": wanted}
        lock = [first, (_LOCK, here)] if locks else []
        *_, members, heard, rows = together(
            session, *lock, (_MEMBERS, here),
            (evidence.HEARD, {"components": wanted, "keys": keys}), (_OBSTACLES, here),
        )  # fmt: skip
        if {member.id for member in members}.issuperset(ids):
            break
        before, wanted = wanted, components_of(session, ids)
        if wanted == before:
            raise LookupError("some of these identifiers do not exist")
        first = (_LET_GO, NOTHING)
    return Whole(members, heard, _obstacles(rows), [(_KEEP, NOTHING)] if locks else ())


def try_hold(session: Session, identifier_ids: Sequence[int]) -> bool:
    """Hold the components of these identifiers, unless somebody else has one: False, no waiting."""
    wanted = components_of(session, identifier_ids)
    held = sorted(session.scalars(_TRY, {"ids": wanted}))
    return held == wanted and components_of(session, identifier_ids) == wanted


def components_of(session: Session, identifier_ids: Collection[int]) -> list[int]:
    """Where they are now."""
    return sorted(set(_COMPONENTS.all(session, {"ids": identifier_ids})))


def born(row: Known) -> Member:
    """Who was just written down."""
    return Member(
        *row[:4], row.component_id, row.one_id, IdentifierStatus.ACTIVE, known=True, born=True
    )


def node_of(member: Member, blocked: Collection[int]) -> Node:
    """As the partition sees it."""
    kind = Kind(member.kind)
    return Node(
        member.id, kind, member.namespace, member.value_hash, member.id in blocked, member.names
    )


def _obstacles(rows: Sequence[Obstacle]) -> Obstacles:
    if not rows:
        return NO_OBSTACLES
    return Obstacles(
        _judgements_of(rows),
        frozenset(row.a_id for row in rows if row.kind == "block"),
        [
            KeptApart(row.id, row.a_id, row.b_id, row.reason or "")
            for row in rows
            if row.kind == _CONFLICT and row.b_id is not None
        ],
    )


def _judgements_of(rows: Iterable[Obstacle]) -> Judgements:
    """Must and cannot pairs of the rows."""
    pairs: dict[str, set[tuple[int, int]]] = {"must": set(), "cannot": set()}
    for row in rows:
        if row.b_id is not None and row.kind in pairs:
            pairs[row.kind].add((min(row.a_id, row.b_id), max(row.a_id, row.b_id)))
    return Judgements(frozenset(pairs["must"]), frozenset(pairs["cannot"]))


class Obstacle(NamedTuple):
    """A judgement that holds, or a conflict."""

    kind: str
    id: int
    a_id: int
    b_id: int | None
    reason: str | None


# What a new link costs is built once.
NOTHING: Mapping[str, Any] = {}
_CONFLICT = "conflict"
_FORGOTTEN = func.length(Identifier.value) <= crypto.EMPTY_BYTES
_IDS: BindParameter[int] = bindparam("ids", expanding=True)
_MARK, _LET_GO, _KEEP = (
    Direct(text(f"{command} SAVEPOINT held".strip()), nothing)
    for command in ("", "ROLLBACK TO", "RELEASE")
)
_COMPONENTS = Direct(
    select(Identifier.component_id).where(among(Identifier.id, "ids")).distinct(), int
)
_LOCK = Direct(
    select(Component.id).where(among(Component.id, "ids")).order_by(Component.id).with_for_update(),
    int,
)
_TRY = select(Component.id).where(Component.id.in_(_IDS)).with_for_update(skip_locked=True)
_MEMBERS = Direct(
    select(
        Identifier.id, Identifier.kind, Identifier.namespace, Identifier.value_hash,
        Identifier.component_id, Identifier.one_id, Identifier.status, _FORGOTTEN,
        called.names_of(),
    ).where(among(Identifier.component_id, "ids")),
    lambda number, kind, namespace, digest, component, one_id, status, forgotten, names: Member(
        number, kind, namespace, bytes(digest), component, one_id, status, not forgotten, False,
        names,
    ),
)  # fmt: skip


def _judged(side: Any) -> Any:
    """Judgements that hold about these, on one side: "or" would read all that there are."""
    return select(
        Override.kind, Override.id, Override.a_id, Override.b_id, null().label("reason")
    ).where(
        Override.retracted_at.is_(None),
        or_(*(Override.kind == kind for kind in ("must", "cannot", "block"))),
        side.in_(_HERE),
    )


_HERE = select(Identifier.id).where(among(Identifier.component_id, "ids"))
_OBSTACLES = Direct(
    union_all(
        _judged(Override.a_id),
        _judged(Override.b_id),
        select(
            literal(_CONFLICT), Conflict.id, Conflict.a_id, Conflict.b_id, Conflict.reason
        ).where(Conflict.a_id.in_(_HERE)),
    ),
    Obstacle,
)
