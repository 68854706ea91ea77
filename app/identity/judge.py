"""Judgements of people about who is who. Each can be previewed, and retracting one undoes it."""

from __future__ import annotations

from collections.abc import Callable, Collection, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import or_, select, update
from sqlalchemy.orm import Session

from app.identity import resolve
from app.identity.models import Identifier, Kind, Override
from app.identity.partition import RULES, Partition
from app.identity.search import identifiers_of
from app.infra.errors import NotFound, Refused


@dataclass(frozen=True, slots=True)
class Preview:
    """Identifier → ONE ID, as it is and as it would be, of everybody whom the judgement touches.

    `held`: why a rule would prevent it. `seen`: what the caller's `look` returned.
    """

    before: dict[int, str]
    after: dict[int, str]
    held: tuple[str, ...]
    seen: Any = None

    @property
    def moves(self) -> dict[int, tuple[str, str]]:
        """Identifiers that would change to another ONE ID."""
        return {
            identifier: (self.before.get(identifier, one_id), one_id)
            for identifier, one_id in self.after.items()
            if self.before.get(identifier, one_id) != one_id
        }


def merge(
    session: Session, one_id: str, other: str, *, actor: str, reason: str, now: datetime
) -> Override:
    """Two ONE IDs are one person."""
    a, b = anchor(session, one_id), anchor(session, other)
    return _judge(session, "must", a, b, actor, reason, now)


def keep_apart(
    session: Session, a: Identifier, b: Identifier, *, actor: str, reason: str, now: datetime
) -> Override:
    """Two identifiers are different persons: splits them if they are together."""
    return _judge(session, "cannot", a, b, actor, reason, now)


def block(
    session: Session, value: Identifier, *, actor: str, reason: str, now: datetime
) -> Override:
    """This value belongs to nobody in particular and links nobody any more."""
    return _judge(session, "block", value, None, actor, reason, now)


def retract(session: Session, override_id: int, *, actor: str, now: datetime) -> Override:
    """Take a judgement back; everything is as if it had never been made."""
    override = session.get(Override, override_id)
    if override is None or override.retracted_at is not None:
        raise NotFound("这条判断不存在，或已经撤销。")
    override.retracted_at, override.retracted_by = now, actor
    # What it took apart is as if it had always been together.
    apart = update(Identifier).where(Identifier.split_at == override.at).values(split_at=None)
    session.execute(apart.where(Identifier.component_id.in_(_components_of(session, override))))
    session.flush()
    _recompute(session, override, now)
    return override


def preview(
    session: Session,
    kind: str,
    a: Identifier,
    b: Identifier | None,
    look: Callable[[dict[int, str]], Any] = lambda _after: None,
) -> Preview:
    """What a judgement would change, without changing it; `look` is called as if it had."""
    now = a.first_seen_at
    with session.begin_nested() as attempt:
        before = _state(session, a, b)
        override = Override(
            kind=kind, a_id=a.id, b_id=b.id if b else None, actor="preview", reason="", at=now
        )
        session.add(override)
        session.flush()
        results = _recompute(session, override, now)
        after = _state(session, a, b)
        seen = look(after)
        attempt.rollback()
    session.expire_all()
    held = tuple(h.reason for result in results for h in result.held)
    return Preview(before, after, held, seen)


def judgements(
    session: Session,
    *,
    identifier_ids: Collection[int] | None = None,
    limit: int = 100,
    offset: int = 0,
) -> Sequence[Override]:
    """What people decided, what holds first and the newest of it: all, or about these."""
    held_first = Override.retracted_at.is_not(None), Override.id.desc()
    chosen = select(Override).order_by(*held_first).limit(limit).offset(offset)
    if identifier_ids is not None:
        ids = list(identifier_ids)
        chosen = chosen.where(or_(Override.a_id.in_(ids), Override.b_id.in_(ids)))
    return session.scalars(chosen).all()


def _judge(
    session: Session,
    kind: str,
    a: Identifier,
    b: Identifier | None,
    actor: str,
    reason: str,
    now: datetime,
) -> Override:
    if not reason.strip():
        raise Refused("请写明理由，之后会显示给其他人。")
    if b is not None and a.id == b.id:
        raise Refused("请选择两个不同的身份。")
    override = Override(
        kind=kind, a_id=a.id, b_id=b.id if b else None, actor=actor, reason=reason, at=now
    )
    session.add(override)
    session.flush()
    _recompute(session, override, now)
    return override


def _recompute(session: Session, override: Override, now: datetime) -> list[Partition]:
    cause = f"override:{override.id}"
    return resolve.recompute(session, _about(override), cause=cause, now=now)


def _about(override: Override) -> list[int]:
    """One identifier, or two."""
    return [override.a_id] + ([override.b_id] if override.b_id else [])


def anchor(session: Session, one_id: str) -> Identifier:
    """The identifier that stands for a ONE ID in a judgement. Raises NotFound."""
    found = identifiers_of(session, one_id)
    if not found:
        raise NotFound("没有这个 ONE ID，或它没有任何身份。")
    # The strongest: a phone may turn out to be shared, and then joins nobody.
    return min(found, key=_strength)


def _strength(row: Identifier) -> tuple[int, str, bytes]:
    """As the partition orders nodes: so this is who gives the ONE ID."""
    return RULES[Kind(row.kind)].rank, row.namespace, bytes(row.value_hash)


def _components_of(session: Session, override: Override) -> Sequence[int]:
    about = Identifier.id.in_(_about(override))
    return session.scalars(select(Identifier.component_id).where(about)).all()


def _state(session: Session, a: Identifier, b: Identifier | None) -> dict[int, str]:
    components = {a.component_id} | ({b.component_id} if b else set())
    rows = session.execute(
        select(Identifier.id, Identifier.one_id).where(Identifier.component_id.in_(components))
    )
    return dict(rows.all())
