"""Somebody decides whether two ONE IDs are one physician; or takes the decision back.

"Same" is a judgement that joins them, with all that follows (`judgement`); "different" keeps them
apart for good, so that the question never comes again. Two who both hold a licence or a CRM number
are joined only when two persons say so: two physicians who are one to us get each other's messages.
Both must have said it of the same: what the first saw is kept as a mark (`linkage.basis`), and when
that has changed, the first word is void and the second is a first one.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime
from enum import StrEnum

from sqlalchemy.orm import Session

from app import identity, linkage
from app.flows.identity import judgement
from app.flows.identity.judgement import Judgement
from app.identity import Identifier, Kind
from app.infra.errors import Refused
from app.linkage import LinkCandidate, State

REGISTERED = frozenset({Kind.LICENCE_NO, Kind.CRM_ID})


class Verdict(StrEnum):
    """What somebody says about a candidate."""

    SAME = "same"
    DIFFERENT = "different"
    UNSURE = "unsure"


def decide(
    session: Session,
    candidate_id: int,
    verdict: Verdict,
    *,
    actor: str,
    reason: str,
    now: datetime,
    shown: Collection[str] = (),
) -> LinkCandidate:
    """Note what `actor` says and do what follows; the candidate as it is then. `shown`: the ONE IDs
    that the decision is about, if they were looked at: refused when they are others by now.

    It stays open with `decided_by` when a second person has to agree. Raises NotFound, and Refused
    when it was decided before, when the rules forbid it, or without a reason to judge by.
    """
    candidate = linkage.get(session, candidate_id, lock=True)
    if candidate.state not in linkage.WAITING:
        raise Refused("这个候选已经有人处理过了，请刷新后再看。")
    a, b = _both(session, candidate)
    if shown and {a.one_id, b.one_id} != set(shown):
        raise Refused("这两位的身份刚刚有变化，请刷新后再判断。")
    if verdict is Verdict.UNSURE:
        if candidate.state != State.UNSURE:
            linkage.move(candidate, State.UNSURE, now, **_by(actor, now))
        return candidate
    linkage.note_levels(session, candidate, a.one_id, b.one_id, now)
    if verdict is Verdict.DIFFERENT:
        made = identity.keep_apart(session, a, b, actor=actor, reason=reason, now=now)
        linkage.move(
            candidate, State.REJECTED, now, override_id=made.id, second_by=None, **_by(actor, now)
        )
    elif _is_second_needed(session, candidate, a, b, actor):
        judgement.would_change(session, Judgement.SAME, a, b)
        _note_first(candidate, actor, reason, now)
        candidate.basis = linkage.basis(session, {a.one_id, b.one_id})
    else:
        _accept(session, candidate, a, b, actor=actor, reason=reason, now=now)
    session.flush()
    return candidate


def undo(session: Session, candidate_id: int, *, actor: str, now: datetime) -> LinkCandidate:
    """Take back what was decided or noted: it is an open question again. Raises Refused."""
    candidate = linkage.get(session, candidate_id, lock=True)
    if candidate.state == State.EXPIRED or candidate.decided_by is None:
        raise Refused("这个候选还没有人处理，没有可撤销的。")
    if candidate.override_id is not None:
        made = session.get_one(identity.Override, candidate.override_id)
        if made.retracted_at is None:
            identity.retract(session, made.id, actor=actor, now=now)
    linkage.reopen(candidate, actor, now)
    session.flush()
    return candidate


def propose(
    session: Session, a: Identifier, b: Identifier, *, actor: str, reason: str, now: datetime
) -> LinkCandidate:
    """ "Same", said on the page of a physician about two registered ones: the first word of two, or
    the second. Raises Refused."""
    low, high = sorted((a.id, b.id))
    found = linkage.of_persons(session, a.one_id, b.one_id)
    candidate = found or linkage.by_person(session, low, high, now)
    return decide(session, candidate.id, Verdict.SAME, actor=actor, reason=reason, now=now)


def needs_two(session: Session, a: Identifier, b: Identifier) -> bool:
    """True when both are registered: two persons must say that they are one."""
    people = identity.identifiers_of_many(session, {a.one_id, b.one_id})
    both = len(people) == 2
    return both and all(any(row.kind in REGISTERED for row in rows) for rows in people.values())


def waits_for_second(candidate: LinkCandidate) -> bool:
    """True when one person said "same" and another has to agree."""
    return candidate.state == State.OPEN and candidate.decided_by is not None


def is_void(session: Session, candidate: LinkCandidate) -> bool:
    """True when one person said "same", and something that they saw has changed since."""
    if not waits_for_second(candidate):
        return False
    owners = identity.owners(session, (candidate.a_id, candidate.b_id))
    return candidate.basis != linkage.basis(session, set(owners.values()))


def _accept(
    session: Session,
    candidate: LinkCandidate,
    a: Identifier,
    b: Identifier,
    *,
    actor: str,
    reason: str,
    now: datetime,
) -> None:
    made = judgement.judge(session, Judgement.SAME, a, b, actor=actor, reason=reason, now=now)
    first = candidate.decided_by if waits_for_second(candidate) else None
    linkage.move(
        candidate, State.ACCEPTED, now, override_id=made.id,
        second_by=actor if first else None, second_at=now if first else None,
        **({} if first else _by(actor, now)),
    )  # fmt: skip


def _note_first(candidate: LinkCandidate, actor: str, reason: str, now: datetime) -> None:
    if not reason.strip():
        raise Refused("请写明理由，之后会显示给其他人。")
    if candidate.state == State.UNSURE:
        linkage.move(candidate, State.OPEN, now)
    candidate.decided_by, candidate.decided_at, candidate.updated_at = actor, now, now


def _is_second_needed(
    session: Session, candidate: LinkCandidate, a: Identifier, b: Identifier, actor: str
) -> bool:
    if not needs_two(session, a, b):
        return False
    if not waits_for_second(candidate) or is_void(session, candidate):
        return True
    if candidate.decided_by == actor:
        raise Refused("双方都有执业证号或 CRM 编号，需要另一位同事确认后才会合并。")
    return False


def _both(session: Session, candidate: LinkCandidate) -> tuple[Identifier, Identifier]:
    """Raises Refused when there is no question any more."""
    a, b = (session.get_one(Identifier, one) for one in (candidate.a_id, candidate.b_id))
    if a.one_id == b.one_id:
        raise Refused("这两位已经是同一个 ONE ID，不需要再判断。")
    if not (a.value and b.value):
        raise Refused("其中一位的资料已被删除，不能再判断。")
    return a, b


def _by(actor: str, now: datetime) -> dict[str, object]:
    return {"decided_by": actor, "decided_at": now}
