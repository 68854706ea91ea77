"""Any moment of the past can be asked about, whatever happened since."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import select

from app import identity
from app.identity import Id, Identifier, Kind
from app.infra.db import Database
from app.infra.errors import NotFound
from tests.conftest import NOON

POOL = [
    Id(Kind.WECOM_EXTERNAL_USERID, "ww", "wm1"), Id(Kind.WECOM_EXTERNAL_USERID, "ww", "wm2"),
    Id(Kind.UNIONID, "open", "oU1"), Id(Kind.UNIONID, "open", "oU2"),
    Id(Kind.OPENID, "wx1", "oA1"), Id(Kind.LICENCE_NO, "", "110440000012341"),
    Id(Kind.LICENCE_NO, "", "110440000012358"), Id(Kind.PHONE, "", "+8619912345678"),
]  # fmt: skip
PAIR = st.tuples(st.sampled_from(POOL), st.sampled_from(POOL)).filter(lambda two: two[0] != two[1])
STEP = st.one_of(
    st.tuples(st.just("see"), PAIR),
    st.tuples(st.just("apart"), PAIR),
    st.tuples(st.just("merge"), PAIR),
    st.tuples(st.just("undo"), PAIR),
)


@settings(max_examples=25, deadline=None, suppress_health_check=list(HealthCheck))
@given(steps=st.lists(STEP, min_size=1, max_size=10), turn=st.integers(0, 10**9))
def test_the_log_gives_every_state_there_ever_was(
    database: Database, steps: list[tuple[str, tuple[Id, Id]]], turn: int
) -> None:
    """Log replay equals the state, after each step and for ever; a rebuild changes nothing."""
    seen: list[tuple[int, dict[int, str]]] = []
    with database.transaction() as session:
        for number, (what, two) in enumerate(steps):
            now = NOON + timedelta(minutes=number)
            here = [Id(one.kind, f"{one.namespace}-{turn}", one.value) for one in two]
            found = [identity.find(session, one) for one in here]
            if what == "see":
                identity.observe(
                    session, here, event_key=f"{turn}:{number}", source="test", at=now, now=now
                )
            elif what == "undo":
                living = [one for one in identity.judgements(session) if one.retracted_at is None]
                if living:
                    identity.retract(session, living[0].id, actor="u", now=now)
            elif found[0] and found[1] and what == "apart":
                identity.keep_apart(session, *found, actor="u", reason="test", now=now)  # type: ignore[arg-type]
            elif found[0] and found[1] and found[0].one_id != found[1].one_id:
                ids = (found[0].one_id, found[1].one_id)
                identity.merge(session, *ids, actor="u", reason="test", now=now)
            rows = session.execute(select(Identifier.id, Identifier.one_id)).all()
            seen.append((number, dict(rows)))
        for number, state in seen:
            moment = NOON + timedelta(minutes=number, seconds=30)
            assert identity.as_of(session, moment) == state
        assert identity.rebuild(session, now=NOON + timedelta(hours=1)) == 0
        session.rollback()


def test_before_anything_was_seen_there_is_nobody(database: Database) -> None:
    with database.transaction() as session:
        (row, _) = identity.observe(
            session, POOL[:1] + POOL[2:3], event_key="e", source="test", at=NOON, now=NOON
        )
        assert identity.as_of(session, NOON - timedelta(seconds=1)) == {}
        assert identity.as_of(session, NOON, [row.id]) == {row.id: row.one_id}


def test_who_left_and_came_back_was_there_before(database: Database) -> None:
    later = NOON + timedelta(days=1)
    with database.transaction() as session:
        (row, other) = identity.observe(
            session, POOL[:1] + POOL[2:3], event_key="e", source="test", at=NOON, now=NOON
        )
        before = {row.id: row.one_id, other.id: other.one_id}
        identity.forget(session, row, cause="left", now=later)
        identity.observe(
            session, POOL[:1], event_key="f", source="test", at=later, now=later
        )  # fmt: skip
        assert identity.as_of(session, NOON + timedelta(hours=1)) == before


def test_a_version_names_a_state_and_tells_when_it_was(database: Database) -> None:
    with database.transaction() as session:
        assert identity.version(session).endswith(".0")
        identity.observe(
            session, POOL[:1] + POOL[2:3], event_key="e", source="t", at=NOON, now=NOON
        )
        first, before = identity.version(session), identity.as_of(session, NOON)
        later = NOON + timedelta(days=1)
        identity.observe(
            session, POOL[1:3], event_key="f", source="t", at=later, now=later
        )  # fmt: skip
        assert identity.version(session) != first
        change, moment = identity.change_of(session, first)
        assert identity.as_of(session, moment, until=change) == before
        for text in ("", "1", "1.999", "9.1", "1.-1", f"1.{'9' * 30}"):
            with pytest.raises(NotFound):
                identity.change_of(session, text)
