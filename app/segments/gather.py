"""The facts of physicians, read from the tables where they are true."""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterator, Sequence
from datetime import date, datetime, timedelta

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import consent, tagging
from app.identity import WEAK, Identifier, Kind, Physician
from app.infra import crypto
from app.infra.clock import local
from app.links import PageView, TrackedLink
from app.reps import RelationState, RepContact
from app.segments.facts import FIELDS, LONGEST_WINDOW, STEPS, Facts

AT_ONCE = 500


def gather(session: Session, one_ids: Sequence[str], now: datetime) -> Iterator[Facts]:
    """What is true of each of these now, in order. Who never existed has no facts."""
    shape = tagging.shape(session) if one_ids else None
    for start in range(0, len(one_ids), AT_ONCE):
        piece = one_ids[start : start + AT_ONCE]
        shown = _shown(session, piece)
        lines = tagging.lines_of(session, piece)
        reps, opened = _reps(session, piece), _opened(session, piece, now)
        follow, said = _follow(session, piece), consent.standing(session, piece, consent.ANY)
        for one_id in piece:
            if one_id not in shown:
                yield Facts(one_id)
                continue
            assert shape is not None
            held = tagging.held(lines[one_id], shape, now, STEPS)
            yield Facts(
                one_id, True, held.strengths, shown[one_id], frozenset(reps[one_id]),
                one_id in follow, opened[one_id], said[one_id][1], held.changes_at,
            )  # fmt: skip


def _shown(session: Session, one_ids: Sequence[str]) -> dict[str, dict[str, str]]:
    """Attributes of those who may be in an audience."""
    rows = session.execute(
        select(Physician.one_id, *(getattr(Physician, name) for name in FIELDS))
        .join(Identifier, Identifier.id == Physician.anchor_id)
        .where(
            Physician.one_id.in_(one_ids), Physician.live.is_(True), Identifier.kind.not_in(WEAK)
        )
    )
    return {one_id: dict(zip(FIELDS, texts, strict=True)) for one_id, *texts in rows}


def _reps(session: Session, one_ids: Sequence[str]) -> dict[str, set[int]]:
    rows = session.execute(
        select(Identifier.one_id, RepContact.rep_id)
        .join(RepContact, RepContact.identifier_id == Identifier.id)
        .where(Identifier.one_id.in_(one_ids), RepContact.state == RelationState.CONNECTED)
    )
    found: dict[str, set[int]] = defaultdict(set)
    for one_id, rep_id in rows:
        found[one_id].add(rep_id)
    return found


def _follow(session: Session, one_ids: Sequence[str]) -> set[str]:
    """Who has an openid. A forgotten one is a tombstone: a sealed "" is as long as every other."""
    nothing = len(crypto.ring().encrypt(b"", ""))
    chosen = select(Identifier.one_id).where(
        Identifier.one_id.in_(one_ids), Identifier.kind == Kind.OPENID,
        func.length(Identifier.value) > nothing,
    )  # fmt: skip
    return set(session.scalars(chosen))


def _opened(session: Session, one_ids: Sequence[str], now: datetime) -> dict[str, dict[date, int]]:
    """Openings by day in China, as far back as a window may reach."""
    rows = session.execute(
        select(Identifier.one_id, PageView.opened_at)
        .join(TrackedLink, TrackedLink.identifier_id == Identifier.id)
        .join(PageView, PageView.link_id == TrackedLink.id)
        .where(
            Identifier.one_id.in_(one_ids),
            PageView.opened_at > now - timedelta(days=LONGEST_WINDOW + 1),
        )
    )
    found: dict[str, dict[date, int]] = defaultdict(lambda: defaultdict(int))
    for one_id, opened_at in rows:
        found[one_id][local(opened_at).date()] += 1
    return found
