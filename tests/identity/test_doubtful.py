"""What is stored otherwise than evidence says is found at one look at all, and nothing is missed."""

from __future__ import annotations

from datetime import timedelta
from random import Random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from app import identity
from app.identity import Identifier, Kind, Physician, bulk
from app.identity.models import Conflict, IdentifierName, IdentifierStatus
from app.infra.db import Database
from tests.conftest import NOON
from tests.identity.test_histories import (
    POOL,
    SAID,
    SENTENCE,
    Said,
    Sentence,
    say,
    see,
    state_of,
    told,
)

pytestmark = pytest.mark.skipif(
    not bulk.available(), reason="numpy and scipy (requirements-linkage.lock) are not installed"
)


@settings(max_examples=12, deadline=None, suppress_health_check=list(HealthCheck), database=None)
@given(
    sentences=st.lists(SENTENCE, min_size=2, max_size=10), said=st.lists(SAID, max_size=2),
    seed=st.integers(0, 2**32),
)  # fmt: skip
def test_computing_the_doubtful_again_is_computing_all_again(
    database: Database, sentences: list[Sentence], said: list[Said], seed: int
) -> None:
    with told(database) as session:
        for number, one in enumerate(sentences):
            see(session, one, number)
        for judged in said:
            say(session, judged)
        right = everything(session)
        spoil(session, Random(seed))
        found = identity.doubtful(session)
        identity.rebuild(session, now=NOON, components=found.components)
        assert everything(session) == right
        assert found.looked == len(
            {row.component_id for row in session.scalars(select(Identifier))}
        )


def test_what_is_right_is_not_computed_again(database: Database) -> None:
    with told(database) as session:
        kinds = {kind: [one for one in POOL if one.kind == kind] for kind in Kind}
        for number, union in enumerate(kinds[Kind.UNIONID][:2]):
            see(session, Sentence((union, kinds[Kind.PHONE][0]), number, 60), number)
        assert identity.doubtful(session).components == []
        phone = session.scalars(select(Identifier).where(Identifier.kind == "phone")).first()
        assert phone is not None
        for row in session.scalars(select(Identifier).where(Identifier.kind == "unionid")):
            name = IdentifierName(
                identifier_id=phone.id, teller_id=row.id, token=row.value.encode()[:8],
                at=NOON + timedelta(days=1),
            )  # fmt: skip
            session.add(name)
        session.flush()
        assert identity.doubtful(session).components == [phone.component_id]


def everything(session: Session) -> object:
    """Persons, statuses, redirects and conflicts."""
    conflicts = {(row.a_id, row.b_id, row.reason) for row in session.scalars(select(Conflict))}
    live = {row.one_id: row.live for row in session.scalars(select(Physician))}
    return state_of(session), conflicts, live


def spoil(session: Session, rng: Random) -> None:
    """As a slip of an administrator, or rules that were others, would."""
    rows = session.scalars(select(Identifier).order_by(Identifier.id)).all()
    row, other = rng.choice(rows), rng.choice(rows)
    one = Identifier.id == row.id
    what = rng.randrange(5)
    if what == 0:
        session.execute(update(Identifier).where(one).values(one_id=other.one_id))
    elif what == 1:
        session.execute(
            update(Identifier).where(one).values(status=rng.choice(list(IdentifierStatus)))
        )
    elif what == 2:
        session.execute(delete(Conflict))
    else:
        values = {"redirect_to": other.one_id} if what == 3 else {"live": False}
        mine = Physician.one_id == row.one_id
        session.execute(update(Physician).where(mine).values(**values))
    session.expire_all()
