"""Generated histories: whatever is seen, said and taken back, in whatever order and pieces.

Each history is told twice in one database: as it came, and again with its sentences shuffled,
repeated, several told at once, cut into other transactions, some of which break off before they
commit. `PROOF_EXAMPLES`
says how many histories; the long proof is `PROOF_EXAMPLES=10000`, a quarter of an hour.
"""

from __future__ import annotations

import os
from collections import Counter, defaultdict
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from datetime import datetime, timedelta
from random import Random
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, Phase, given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import identity
from app.identity import Id, Identifier, Kind, Override, Physician
from app.identity.models import IdentifierStatus
from app.identity.partition import RULES
from app.infra.db import Database
from tests.conftest import NOON

ASKED = int(os.environ.get("PROOF_EXAMPLES", "0"))
POOL = [
    *(Id(Kind.WECOM_EXTERNAL_USERID, "ww", f"wm{n}") for n in range(3)),
    *(Id(Kind.UNIONID, "open", f"oU{n}") for n in range(3)),
    *(Id(Kind.OPENID, "wx1", f"oA{n}") for n in range(2)),
    *(Id(Kind.LICENCE_NO, "", f"11044000001234{n}") for n in range(2)),
    *(Id(Kind.CRM_ID, "", f"HCP-{n}") for n in range(2)),
    *(Id(Kind.PHONE, "", f"+861991234567{n}") for n in range(2)),
    Id(Kind.DEVICE, "web", "cookie-1"),
]


class Sentence(NamedTuple):
    """Identifiers that one source names together, so many fortnights after a day, perhaps under the
    name of a person. (A device links within three months.)"""

    ids: tuple[Id, ...]
    fortnight: int
    trust: int
    name: str = ""


class Said(NamedTuple):
    """A judgement on one identifier (blocked) or two (kept apart), perhaps taken back."""

    a: Id
    b: Id | None
    taken_back: bool


State = tuple[dict[Id, str], dict[Id, str], dict[str, str | None]]
SENTENCE = st.builds(
    Sentence,
    st.lists(st.sampled_from(POOL), min_size=1, max_size=3, unique=True).map(tuple),
    st.integers(0, 9),
    st.sampled_from([40, 60, 90]),
    st.sampled_from(["", "王晓", "李晓"]),
)
SAID = st.builds(
    Said, st.sampled_from(POOL), st.one_of(st.none(), st.sampled_from(POOL)), st.booleans()
).filter(lambda said: said.a != said.b)


@settings(
    max_examples=ASKED or 30, deadline=None, suppress_health_check=list(HealthCheck),
    phases=[Phase.generate] if ASKED else list(Phase), database=None,
)  # fmt: skip
@given(
    sentences=st.lists(SENTENCE, min_size=1, max_size=10),
    said=st.lists(SAID, max_size=3),
    order=st.integers(0, 2**32),
)
@pytest.mark.timeout(7200 if ASKED else 120)
def test_every_way_of_telling_a_history_ends_the_same(
    database: Database, sentences: list[Sentence], said: list[Said], order: int
) -> None:
    with told(database) as session:
        for number, one in enumerate(sentences):
            see(session, one, number)
        before = state_of(session)
        for one_said in said:
            say(session, one_said)
        first = state_of(session)
        hold(session, said)
        for row in identity.judgements(session):
            if row.retracted_at is None:
                identity.retract(session, row.id, actor="u", now=NOON)
        assert without_redirects(state_of(session)) == without_redirects(before), "undone exactly"
    with told(database) as session:
        tell_anew(session, sentences, said, Random(order))
        assert without_redirects(state_of(session)) == without_redirects(first), "any order"
        hold(session, said)
        assert identity.rebuild(session, now=NOON) == 0
        end = {row.id: row.one_id for row in session.scalars(select(Identifier))}
        assert identity.as_of(session, NOON + timedelta(days=1)) == end, "the log tells the state"


@contextmanager
def told(database: Database) -> Iterator[Session]:
    """A history of which nothing is left."""
    with database.transaction() as session:
        yield session
        session.rollback()


def tell_anew(
    session: Session, sentences: Sequence[Sentence], said: Sequence[Said], rng: Random
) -> None:
    """Shuffled, some twice; some transactions break off, and what was in them comes again."""
    steps: list[tuple[int, Sentence]] = list(enumerate(sentences))
    steps += rng.sample(steps, k=len(steps) // 2)
    rng.shuffle(steps)
    everybody = [one for one in POOL if any(one in s.ids for s in sentences)]
    for one in rng.sample(everybody, k=len(everybody)):
        see(session, Sentence((one,), 0, 40), 1000 + POOL.index(one))
    late = rng.randint(0, len(steps))
    for number, step in enumerate(steps):
        if number == late:
            for one_said in said:
                say(session, one_said)
        if rng.random() < 0.2:
            with session.begin_nested() as attempt:
                see(session, step[1], step[0])
                attempt.rollback()
            session.expire_all()
        before = state_of(session)[0]
        told = [step] if rng.random() < 0.5 else [*rng.choices(steps, k=rng.randint(1, 4)), step]
        if len(told) == 1:
            see(session, step[1], step[0])
        else:
            see_together(session, told)
        only_neighbours_moved(session, before, [one for _, one in told])
    if late == len(steps):
        for one_said in said:
            say(session, one_said)


def see(session: Session, one: Sentence, number: int) -> None:
    at = moment(one)
    identity.observe(
        session, one.ids, event_key=f"e{number}", source="test", trust=one.trust, at=at, now=NOON,
        name=one.name,
    )  # fmt: skip


def see_together(session: Session, told: Sequence[tuple[int, Sentence]]) -> None:
    said = [
        identity.Told(one.ids, f"e{number}", "test", moment(one), trust=one.trust, name=one.name)
        for number, one in told
    ]
    found = identity.recognise_many(session, said, now=NOON)
    for one, rows in zip(said, found, strict=True):
        stored = [session.get_one(Identifier, row.id, populate_existing=True) for row in rows]
        assert [Id(Kind(row.kind), row.namespace, row.value) for row in rows] == list(one.ids)
        assert [(r.one_id, r.component_id) for r in rows] == [
            (r.one_id, r.component_id) for r in stored
        ]


def moment(one: Sentence) -> datetime:
    return NOON + timedelta(days=14 * one.fortnight)


def say(session: Session, one: Said) -> None:
    """About those who were seen; nobody judges whom nobody knows."""
    a, b = identity.find(session, one.a), one.b and identity.find(session, one.b)
    if a is None or (one.b is not None and b is None):
        return
    if b:
        made = identity.keep_apart(session, a, b, actor="u", reason="test", now=NOON)
    else:
        made = identity.block(session, a, actor="u", reason="test", now=NOON)
    if one.taken_back:
        identity.retract(session, made.id, actor="u", now=NOON)


def state_of(session: Session) -> State:
    """ONE ID and status by identifier, and where every ONE ID that ever was leads."""
    session.flush()
    session.expire_all()
    rows = session.scalars(select(Identifier)).all()
    named = {Id(Kind(row.kind), row.namespace, row.value): row for row in rows}
    people = session.scalars(select(Physician)).all()
    return (
        {one: row.one_id for one, row in named.items()},
        {one: row.status for one, row in named.items()},
        {person.one_id: person.redirect_to for person in people},
    )


def without_redirects(state: State) -> tuple[dict[Id, str], dict[Id, str]]:
    """Who is who now: where old ids lead is compared by `hold`."""
    return state[0], state[1]


def hold(session: Session, said: Sequence[Said]) -> None:
    """What must be true of every state."""
    owners, statuses, redirects = state_of(session)
    groups: dict[str, list[Id]] = defaultdict(list)
    for one, one_id in owners.items():
        groups[one_id].append(one)
    for members in groups.values():
        counted = Counter((one.kind, one.namespace) for one in members)
        assert all(number <= RULES[kind].limit for (kind, _), number in counted.items())
        if any(statuses[one] == IdentifierStatus.BLOCKED for one in members):
            assert len(members) == 1, "a blocked value is nobody's"
    for row in session.scalars(select(Override).where(Override.retracted_at.is_(None))):
        a, b = (session.get(Identifier, one) for one in (row.a_id, row.b_id or row.a_id))
        assert a is not None
        assert b is not None
        assert row.kind != "cannot" or a.one_id != b.one_id
    for one_id in redirects:
        trail = [one_id]
        while (after := redirects[trail[-1]]) is not None:
            assert after not in trail, "a circle of redirects"
            trail.append(after)
        assert trail[-1] in groups, "every ONE ID leads to somebody"


def only_neighbours_moved(
    session: Session, before: dict[Id, str], told: Sequence[Sentence]
) -> None:
    """Sentences change those of their raw components only."""
    rows = {Id(Kind(r.kind), r.namespace, r.value): r for r in session.scalars(select(Identifier))}
    here = {rows[one].component_id for step in told for one in step.ids}
    moved = [one for one, one_id in before.items() if rows[one].one_id != one_id]
    assert all(rows[one].component_id in here for one in moved)
