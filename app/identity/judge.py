"""Judgements of people about who is who. Each can be previewed, and retracting one undoes it."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity import resolve
from app.identity.models import Identifier, Kind, Override
from app.identity.partition import RULES, Partition
from app.identity.search import identifiers_of
from app.infra.errors import NotFound, Refused


@dataclass(frozen=True, slots=True)
class Preview:
    """Which identifiers would change to which ONE ID; `held` when a rule would prevent it."""

    moves: dict[int, tuple[str, str]]
    held: tuple[str, ...]


def merge(
    session: Session, one_id: str, other: str, *, actor: str, reason: str, now: datetime
) -> Override:
    """Two ONE IDs are one person."""
    a, b = _anchor(session, one_id), _anchor(session, other)
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
    session.flush()
    _recompute(session, override, now)
    return override


def preview(session: Session, kind: str, a: Identifier, b: Identifier | None) -> Preview:
    """What a judgement would change, without changing it."""
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
        attempt.rollback()
    session.expire_all()
    moves = {k: (before.get(k, v), v) for k, v in after.items() if before.get(k, v) != v}
    held = tuple(h.reason for result in results for h in result.held)
    return Preview(moves, held)


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
    touched = [override.a_id] + ([override.b_id] if override.b_id else [])
    return resolve.recompute(session, touched, cause=f"override:{override.id}", now=now)


def _anchor(session: Session, one_id: str) -> Identifier:
    found = identifiers_of(session, one_id)
    if not found:
        raise NotFound("没有这个 ONE ID，或它没有任何身份。")
    # The strongest: a phone may turn out to be shared, and then joins nobody.
    return min(found, key=lambda row: (RULES[Kind(row.kind)].rank, row.id))


def _state(session: Session, a: Identifier, b: Identifier | None) -> dict[int, str]:
    components = {a.component_id} | ({b.component_id} if b else set())
    rows = session.execute(
        select(Identifier.id, Identifier.one_id).where(Identifier.component_id.in_(components))
    )
    return dict(rows.all())
