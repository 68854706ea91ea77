"""Building all sets from the tables where it is true, while the product goes on.

People are read piece by piece; the sets grow in memory and replace the old ones in one transaction
at the end. Until then questions are answered from the old ones, and whoever changes meanwhile keeps
a mark that is followed afterwards. If it is interrupted, somebody else begins again.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from pyroaring import BitMap
from sqlalchemy import delete, func, select, update
from sqlalchemy.orm import Session

from app.identity import Physician, changed
from app.infra.clock import Clock
from app.infra.db import Database, insert_once
from app.infra.errors import Refused
from app.segments.changes import pack_numbers
from app.segments.facts import Facts, Key
from app.segments.following import KEEP, REWRITE, SETS, fact_ids, hold, settle_places
from app.segments.gather import gather
from app.segments.models import FORM, SegmentChange, SegmentFact, SegmentState

PIECE = 500
DEAD_AFTER = timedelta(minutes=2)  # a builder that was not seen for so long is gone


@dataclass(frozen=True, slots=True)
class Built:
    """How many physicians were read, how many of them audiences may hold, how many facts hold."""

    read: int
    people: int
    facts: int


def is_wanted(session: Session, now: datetime) -> bool:
    """True when it was never built, or whoever built it is gone."""
    state = session.get(SegmentState, 1)
    if state is None or not state.is_built:
        return state is None or not state.builder or _is_gone(state, now)
    return bool(state.builder) and _is_gone(state, now)


def renew(session: Session) -> None:
    """What processes have in memory is of a state that was given up; they read anew."""
    session.execute(
        update(SegmentState)
        .where(SegmentState.generation.startswith(FORM))
        .values(generation=_new_generation())
    )


def build(
    db: Database, clock: Clock, tell: Callable[[int], object] = lambda _read: None,
    stop: Callable[[], bool] = lambda: False,
) -> Built | None:  # fmt: skip
    """Build all. None when `stop` said so. Raises Refused when somebody else does it."""
    builder = secrets.token_hex(16)
    with db.transaction() as session:
        _begin(session, builder, clock())
    sets: dict[int, BitMap] = {}
    read = people = 0
    for piece in _pieces(db):
        if stop():
            return None
        with db.reading() as session:
            known = list(gather(session, piece, clock()))
        with db.transaction() as session:
            _still_ours(session, builder, clock())
            people += _keep(session, known, sets)
        read += len(piece)
        tell(read)
    with db.transaction() as session:
        _replace(session, _still_ours(session, builder, clock()), sets)
    return Built(read, people, len(sets))


def _begin(session: Session, builder: str, now: datetime) -> None:
    blank = {"id": 1, "generation": "", "upto": 0, "builder": ""}
    insert_once(session, SegmentState, blank, "id")
    state = hold(session, wait=True)
    assert state is not None
    if state.builder and not _is_gone(state, now):
        raise Refused("人群索引正在由另一个进程重建，请稍后再试。")
    state.builder, state.builder_seen_at = builder, now
    if not state.is_built:  # nobody answers from sets yet, and a broken first build is repeated
        changed.all_followed(session)


def _is_gone(state: SegmentState, now: datetime) -> bool:
    return state.builder_seen_at is None or now - state.builder_seen_at > DEAD_AFTER


def _still_ours(session: Session, builder: str, now: datetime) -> SegmentState:
    state = hold(session, wait=True)
    if state is None or state.builder != builder:
        raise Refused("人群索引的重建已由另一个进程接手。")
    state.builder_seen_at = now
    return state


def _pieces(db: Database) -> Iterator[Sequence[str]]:
    last = ""
    while True:
        with db.reading() as session:
            chosen = select(Physician.one_id).where(Physician.one_id > last)
            piece = session.scalars(chosen.order_by(Physician.one_id).limit(PIECE)).all()
        if not piece:
            return
        yield piece
        last = piece[-1]


def _keep(session: Session, known: Sequence[Facts], sets: dict[int, BitMap]) -> int:
    """Note the facts of these; how many of them may be in an audience."""
    keys: dict[str, list[Key]] = {facts.one_id: list(facts.keys()) for facts in known}
    counted = [one_id for one_id, of in keys.items() if of]
    places = settle_places(session, counted, keys)
    ids = fact_ids(session, {key for of in keys.values() for key in of})
    rows = []
    for facts in known:
        place = places.get(facts.one_id)
        if place is not None:
            held = sorted(ids[key] for key in keys[facts.one_id])
            rows.append({"b_bit": place.bit, "facts": pack_numbers(held),
                         "changes_at": facts.changes_at})  # fmt: skip
            for fact in held:
                sets.setdefault(fact, BitMap()).add(place.bit)
    if rows:
        session.connection().execute(KEEP, rows)
    return len(counted)


def _replace(session: Session, state: SegmentState, sets: dict[int, BitMap]) -> None:
    last = session.scalar(select(func.max(SegmentChange.n))) or 0
    state.upto = max(last, state.upto) + 1  # newer than whatever anybody has in memory
    state.generation, state.builder = _new_generation(), ""
    session.execute(delete(SegmentChange))
    facts = sorted(sets)
    for start in range(0, len(facts), SETS):
        rows = [{"b_id": fact, "upto": state.upto, "bitmap": _packed(sets[fact])}
                for fact in facts[start : start + SETS]]  # fmt: skip
        session.connection().execute(REWRITE, rows)
    session.execute(delete(SegmentFact).where(SegmentFact.upto < state.upto))
    session.flush()


def _new_generation() -> str:
    return FORM + secrets.token_hex(14)


def _packed(bitmap: BitMap) -> bytes:
    bitmap.run_optimize()
    return bitmap.serialize()
