"""Old runs are forgotten; what tells how complete we are is not."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select

from app import completeness
from app.completeness import Kind, PullRun, PullSubject, RunState
from app.completeness.runs import KEPT, Accounts
from app.infra.db import Database
from tests.conftest import NOON

DAY = timedelta(days=1)
NOBODY = Accounts((), ())


def run(kind: Kind, at: datetime, state: RunState = RunState.DONE, failed: int = 0) -> PullRun:
    ended = None if state is RunState.OPEN else at
    return PullRun(
        kind=kind, due_at=at, state=state, minute=at, created_at=at, finished_at=ended,
        failed=failed,
    )  # fmt: skip


def test_old_runs_go_and_the_baseline_the_newest_and_used_ones_stay(database: Database) -> None:
    old = NOON - KEPT
    rows = {
        "failed first": run(Kind.FULL, old - 9 * DAY, failed=1),
        "baseline": run(Kind.FULL, old - 8 * DAY),
        "old full": run(Kind.FULL, old - 7 * DAY),
        "used": run(Kind.FULL, old - 6 * DAY),
        "old hourly": run(Kind.HOURLY, old - 5 * DAY, RunState.SKIPPED),
        "newest hourly": run(Kind.HOURLY, old - 4 * DAY),
        "young full": run(Kind.FULL, old + DAY),
        "open": run(Kind.FULL, old - 3 * DAY, RunState.OPEN),
    }
    with database.transaction() as session:
        session.add_all(rows.values())
        session.flush()
        ids = {row.id: name for name, row in rows.items()}
        session.add(
            PullSubject(
                source="contacts", account="ww", name="left", run_id=rows["used"].id,
                next_attempt_at=NOON,
            )
        )  # fmt: skip
        before = completeness.baseline(session)
        assert completeness.forget_old(session, NOON) == 3
        left = {ids[number] for number in session.scalars(select(PullRun.id))}
        assert left == {"baseline", "used", "newest hourly", "young full", "open"}
        assert completeness.baseline(session) == before
        assert completeness.forget_old(session, NOON) == 0


def test_a_nightly_run_forgets(database: Database) -> None:
    with database.transaction() as session:
        session.add_all([run(Kind.HOURLY, NOON - KEPT - n * DAY) for n in range(1, 4)])
        session.flush()
        completeness.begin(session, Kind.HOURLY, NOON, NOBODY, NOON)
        assert len(session.scalars(select(PullRun.id)).all()) == 4
    with database.transaction() as session:
        completeness.begin(session, Kind.FULL, NOON, NOBODY, NOON)
        assert len(session.scalars(select(PullRun.id)).all()) == 2
