"""F2: every crash point once."""

from __future__ import annotations

import tempfile
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import select, update

from app import campaigns, completeness
from app.campaigns import Schedule
from app.completeness import Kind
from app.completeness.models import PullSubject
from app.infra.crashpoint import POINTS
from app.infra.db import Database
from faults import company
from faults.away import database_away
from faults.kills import NORMAL_TROUBLE
from faults.outcome import Outcome, Wish
from faults.run import Run, run_of
from faults.sender import Manner
from faults.shape import SCHEDULERS, WEBS, WORKERS

PLACES = {
    "ack": WEBS, "drain": WORKERS, "send": WORKERS, "run": WORKERS, "tick": SCHEDULERS,
    "spill": WEBS,
}  # fmt: skip
SLOW = ("run.", "pull.")  # armed first, since they are reached least often
IMPORTING = ("spill.set_aside", "spill.imported")
ALL_HIT_WITHIN_S = 180.0
LAST_CALLS_S = 8.0  # that were under way when the last process was killed
MANY_EVENTS = 20_000  # more than are needed: sending stops when every point was reached
RUN_EVERY_S = 2.0
OUTAGE_EVERY_S = 8.0
OUTAGE_S = {"sqlite": 2.5, "postgresql": 1.0}  # a locked SQLite file is noticed after its patience


def f2(wish: Wish) -> Outcome:
    """Every crash point once; each process goes from one point to the next as it dies."""
    with tempfile.TemporaryDirectory(prefix="yishu-fuses-") as folder:
        fuses = Fuses(Path(folder))
        manner = Manner(MANY_EVENTS, per_s=wish.per_s or 15.0, burst=10, backlog=12)
        with run_of(wish, manner, armed=fuses.environments) as run:
            run.cluster.platform.knobs(**NORMAL_TROUBLE)
            run.first = lambda: _arm(run, fuses)
            run.sender.start()
            _reach_all(run, fuses)
            run.sender.stop()
            run.cluster.restore()
            run.wait(LAST_CALLS_S)
            run.let_time_pass()  # whoever was killed over an event four times waits five minutes
            run.finish()
            return run.outcome


def _reach_all(run: Run, fuses: Fuses) -> None:
    asked, away, pulled = 0.0, 0.0, 0.0
    run.cluster.held.add(SCHEDULERS[1])
    run.cluster.kill(SCHEDULERS[1], "to follow")
    while fuses.left and run.cluster.age < ALL_HIT_WITHIN_S:
        nothing_spilled = run.cluster.stores.spilled_bytes == 0  # else it will be imported first
        if fuses.armed("spill.") and nothing_spilled and run.cluster.age - away > OUTAGE_EVERY_S:
            with database_away(run.cluster):
                run.wait(OUTAGE_S[run.wish.database])
            away = run.cluster.age
        if fuses.armed("run.") and run.cluster.age - asked > RUN_EVERY_S:
            asked = run.cluster.age
            run.cluster.stores.ask(_run_now)
        if fuses.armed("pull.") and run.cluster.age - pulled > RUN_EVERY_S:
            pulled = run.cluster.age
            run.cluster.stores.ask(_pull_now)
        run.step()
    for point in fuses.left:
        run.problem(f"crash point {point} was not reached")
    run.outcome.figures["crash points hit"] = len(fuses.hit)
    times = ", ".join(f"{point} {at:.0f}" for point, at in fuses.hit.items())
    run.outcome.notes.append(f"{len(fuses.hit)} crash points, after seconds: {times}")


def _arm(run: Run, fuses: Fuses) -> None:
    """Arm who died; one scheduler is up until each has died: only who leads comes to its point."""
    fuses.look(run)
    first, second = SCHEDULERS
    if fuses.holders("tick.written"):
        return
    run.cluster.held.discard(second)
    if fuses.holders("tick.committed"):
        run.cluster.held.add(first)  # alive again it might lead, with nothing armed
    else:
        run.cluster.held.discard(first)


class Fuses:
    """Which process dies where next. `environments` arms them before their first start.

    Whoever has no point of his own left waits at one of the spill's as well: any process may be
    the one that imports it.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._waiting = sorted(POINTS, key=lambda point: not point.startswith(SLOW))
        self._armed: dict[str, str] = {}
        self.hit: dict[str, float] = {}  # when, in seconds since the start
        self.environments = {name: self._next(name) for name in (*WEBS, *WORKERS, *SCHEDULERS)}

    @property
    def left(self) -> list[str]:
        """Points that nobody has reached."""
        return [*self._waiting, *dict.fromkeys(self._armed.values())]

    def holders(self, point: str) -> list[str]:
        """Who waits to die there."""
        return [name for name, armed in self._armed.items() if armed == point]

    def armed(self, prefix: str) -> bool:
        """True when a point of these waits to be reached."""
        return any(point.startswith(prefix) for point in self._armed.values())

    def look(self, run: Run) -> None:
        """Arm those who died anew."""
        for name, point in list(self._armed.items()):
            if self._fuse(point).exists():
                continue
            if point not in self.hit:
                self.hit[point] = run.cluster.age
            del self._armed[name]
            following = self._next(name)
            run.cluster.environments[name].update(following)
            if following and name in WEBS:  # only a child died, its parent arms no other
                run.cluster.kill(name, "to arm it", back_after_s=0)
        for name in (*WEBS, *WORKERS):
            joined = {} if name in self._armed else self._join(name)
            if joined:
                run.cluster.environments[name].update(joined)
                run.cluster.kill(name, "to arm it", back_after_s=0)

    def _next(self, name: str) -> dict[str, str]:
        mine = [p for p in self._waiting if name in PLACES.get(p.partition(".")[0], WORKERS)]
        if not mine:
            return self._join(name)
        self._waiting.remove(mine[0])
        self._armed[name] = mine[0]
        self._fuse(mine[0]).touch()
        return self._environment(mine[0])

    def _join(self, name: str) -> dict[str, str]:
        shared = [
            point
            for point in self._armed.values()
            if point in IMPORTING and self._fuse(point).exists()
        ]
        if not shared:
            return {}
        self._armed[name] = shared[0]
        return self._environment(shared[0])

    def _environment(self, point: str) -> dict[str, str]:
        return {"YISHU_CRASH_AT": point, "YISHU_CRASH_FUSE": str(self._fuse(point))}

    def _fuse(self, point: str) -> Path:
        return self._folder / point


def _run_now(db: Database) -> int:
    """Somebody starts the campaign by hand."""
    with db.transaction() as session:
        schedule = session.scalars(select(Schedule).where(Schedule.kind == "campaign")).first()
        assert schedule is not None
        return campaigns.run_now(session, schedule.ref_id, datetime.now(UTC))


def _pull_now(db: Database) -> None:
    """Somebody asks for a comparison; one under way need not wait for the leases of the dead."""
    now = datetime.now(UTC)
    accounts = completeness.Accounts((company.CORP,), (company.APP,))
    with db.transaction() as session:
        run = completeness.open_run(session)
        if run is None:
            completeness.begin(session, Kind.HOURLY, now, accounts, now)
            return
        run.minute_calls = 0
        of_run = update(PullSubject).where(PullSubject.run_id == run.id)
        session.execute(of_run.where(PullSubject.next_attempt_at > now).values(next_attempt_at=now))
