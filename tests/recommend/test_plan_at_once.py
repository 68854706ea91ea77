"""Two processes plan the same day for reps who share physicians: nobody is taken twice."""

from __future__ import annotations

import threading
from collections import Counter
from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import select

from app import reps, tagging
from app.flows.planning import attention
from app.flows.planning.plan_day import plan_day
from app.infra.clock import local
from app.infra.db import Database, build_engine
from app.recommend import Suggestion
from tests.company import hire, meet, publish
from tests.conftest import SetClock
from tests.pooled import Pool

PEOPLE = 8


@pytest.mark.parametrize("together", [1, 6])
def test_two_plans_at_once_exceed_no_cap(
    postgres_pool: Pool, clock: SetClock, monkeypatch: pytest.MonkeyPatch, together: int
) -> None:
    monkeypatch.setattr(attention, "MOST_TOGETHER", together)
    ready, lock = threading.Barrier(2), attention.lock_people

    def meet_first(session, people, *, wait):  # type: ignore[no-untyped-def]
        if wait and together == 1:  # both have read, and neither has written
            ready.wait(20)
        return lock(session, people, wait=wait)

    monkeypatch.setattr(attention, "lock_people", meet_first)
    now = clock()
    with postgres_pool.lent() as url:
        db = Database(build_engine(url))
        with db.transaction() as session:
            tagging.seed(session, now)
            for n in range(4):
                publish(session, f"房颤{n}", ("af",), now)
            found = [hire(session, f"rep{n}", now, daily_limit=3) for n in range(2)]
            for n in range(PEOPLE):
                row = meet(session, found[0], f"p{n}", now, tags=("af",))
                reps.connect(session, found[1], row, since=now, now=now)
            ids = [rep.id for rep in found]

        def run(rep_id: int) -> None:
            with db.transaction() as session:
                rep = reps.get_rep(session, rep_id)
                plan_day(session, rep, local(now).date(), base_url="http://x", now=now)

        with ThreadPoolExecutor(2) as pool:
            list(pool.map(run, ids))
        with db.transaction() as session:
            rows = session.execute(select(Suggestion.rep_id, Suggestion.identifier_id)).all()
        assert Counter(row.rep_id for row in rows) == dict.fromkeys(ids, 3)
        assert max(Counter(row.identifier_id for row in rows).values()) == 1
        db.engine.dispose()
