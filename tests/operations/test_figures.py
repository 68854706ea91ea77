"""What waits, how long, who lives: from the tables, and judged."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import func, select, text

from app import delivery, inbox, operations
from app.campaigns import Schedule, ScheduleRun
from app.completeness import PullRun, PullSubject
from app.delivery import Dispatch, State, Way
from app.delivery.models import ApiBreaker
from app.infra.db import Database
from app.infra.errors import Refused
from app.operations import Alarm, Figures, Heart, Kind, ProcessBeat, Severity, Spilled
from app.operations.processes import Me
from tests.conftest import NOON, SetClock
from tests.inbox.test_work import arrive

NOTHING = Spilled(0, 0)
STOPPED = (Alarm.PLATFORM_REFUSES, Alarm.PLATFORM_STOPPED)


def me(kind: Kind = Kind.WORKER, pid: int = 1, version: str = "1.0") -> Me:
    return Me(kind, "host-a", pid, version, NOON)


def show_life(database: Database, now: datetime, *who: Me, skew_s: float = 0) -> None:
    with database.transaction() as session:
        for one in who:
            operations.beat(session, one, now, skew_s)


def park(database: Database, clock: SetClock, error: str, *names: str) -> list[int]:
    ids = arrive(database, clock, *names, partition=error)
    for _ in names:
        with database.transaction() as session:
            (claim,) = inbox.begin(session, inbox.due(session, clock(), 1), clock())
            inbox.fail(session, claim, error, clock(), final=True)
    return ids


def message(key: str, state: State, not_before: datetime) -> Dispatch:
    return Dispatch(
        dedupe_key=key, way=Way.REP_TEXT, payload={}, state=state, not_before=not_before,
        created_at=not_before,
    )  # fmt: skip


def run(database: Database, state: str, due_at: datetime) -> None:
    with database.transaction() as session:
        schedule = session.scalar(select(Schedule))
        if schedule is None:
            schedule = Schedule(
                kind="campaign", ref_id=7, cron="0 9 * * *", since=NOON, watermark=NOON
            )
            session.add(schedule)
            session.flush()
        session.add(
            ScheduleRun(
                schedule_id=schedule.id, due_at=due_at, state=state, next_attempt_at=due_at,
                created_at=due_at,
            )
        )  # fmt: skip


def look(database: Database, now: datetime) -> Figures:
    with database.reading() as session:
        return operations.figures(session, now)


def alarms(found: Figures, spilled: Spilled = NOTHING, redis_answers: bool = True) -> list[Alarm]:
    said = operations.problems(found, spilled=spilled, redis_answers=redis_answers)
    return [problem.alarm for problem in said]


def test_what_waits_is_counted_with_its_age(database: Database, clock: SetClock) -> None:
    arrive(database, clock, "a", "b")
    park(database, clock, "broken", "c")
    with database.transaction() as session:
        session.add_all(
            [
                message("due", State.QUEUED, NOON - timedelta(minutes=3)),
                message("later", State.QUEUED, NOON + timedelta(hours=2)),
                message("unknown", State.UNKNOWN, NOON - timedelta(days=3)),
                message("sent", State.SENT, NOON),
                message("sent yesterday", State.SENT, NOON - timedelta(days=1)),
            ]
        )
    run(database, "due", NOON - timedelta(minutes=5))
    run(database, "failed", NOON - timedelta(hours=1))
    run(database, "failed", NOON - timedelta(days=1))
    found = look(database, clock.tick(seconds=90))
    assert found.events == {"pending": 2, "dead": 1, "unknown": 0}
    assert found.event_age_s == 90
    assert found.messages == {"queued": 2, "sending": 0, "unknown": 1}
    assert found.message_age_s == 270
    assert found.ended_today == {"sent": 1, "failed": 0, "cancelled": 0}
    assert found.runs == {"due": 1, "done": 0, "failed": 1}
    assert found.run_age_s == 390


def test_an_empty_product_with_its_processes_is_well(database: Database, clock: SetClock) -> None:
    show_life(database, NOON, me(), me(Kind.SCHEDULER), me(Kind.WEB))
    found = look(database, clock.tick(seconds=10))
    assert operations.problems(found, spilled=NOTHING, redis_answers=True) == []
    assert operations.alive_by_kind(found.processes, found.at) == {
        "web": 1, "worker": 1, "scheduler": 1,
    }  # fmt: skip


def test_who_fell_silent_is_missed_and_who_said_goodbye_is_not(
    database: Database, clock: SetClock
) -> None:
    show_life(database, NOON, me(pid=1), me(pid=2), me(Kind.SCHEDULER))
    with database.transaction() as session:
        operations.leave(session, me(pid=2))
    show_life(database, NOON + timedelta(seconds=30), me(Kind.SCHEDULER), skew_s=-90.0)
    found = look(database, clock.tick(seconds=35))
    said = operations.problems(found, spilled=Spilled(1, 10), redis_answers=False)
    assert [(problem.alarm, problem.who) for problem in said] == [
        (Alarm.NO_WORKER, ""),
        (Alarm.CLOCK_SKEW, "scheduler@host-a:1"),
        (Alarm.SPILLED, ""),
        (Alarm.REDIS_AWAY, ""),
        (Alarm.SILENT, "worker@host-a:1"),
    ]
    show_life(database, NOON + timedelta(days=2), me(pid=9))
    assert len(look(database, NOON + timedelta(days=2)).processes) == 1  # the rest is forgotten


@pytest.mark.parametrize(
    ("age_s", "severity"), [(29, None), (31, Severity.SOON), (301, Severity.NOW)]
)
def test_waiting_becomes_a_problem_by_its_length(age_s: int, severity: Severity | None) -> None:
    found = Figures(at=NOON, oldest_event=NOON - timedelta(seconds=age_s))
    said = operations.problems(found, spilled=NOTHING, redis_answers=True)
    waits = [problem for problem in said if problem.alarm is Alarm.EVENTS_WAIT]
    assert [problem.severity for problem in waits] == ([severity] if severity else [])


def test_a_message_that_waits_long_for_a_limit_is_told(database: Database) -> None:
    with database.transaction() as session:
        limited = message("limited", State.QUEUED, NOON - timedelta(minutes=9))
        limited.error = f"{delivery.WAITS_FOR_LIMIT}：每位成员每分钟"
        other = message("other", State.QUEUED, NOON - timedelta(minutes=14))
        other.error = "平台没有回答"
        session.add_all([limited, other])
    assert look(database, NOON).limited_age_s == 540
    assert Alarm.LIMITED not in alarms(look(database, NOON))
    assert Alarm.LIMITED in alarms(look(database, NOON + timedelta(minutes=2)))


@pytest.mark.parametrize(("lost", "told"), [(1, False), (3, True)])
def test_lost_callbacks_are_told_above_a_thousandth(
    database: Database, lost: int, told: bool
) -> None:
    with database.transaction() as session:
        session.add(
            PullSubject(
                source="contacts", account="ww", name="rep", there=2000, next_attempt_at=NOON
            )
        )
        session.add(
            PullRun(kind="full", due_at=NOON, state="done", minute=NOON, lost=lost,
                    created_at=NOON, finished_at=NOON)
        )  # fmt: skip
    found = look(database, NOON + timedelta(hours=1))
    said = operations.problems(found, spilled=NOTHING, redis_answers=True)
    gaps = [problem.number for problem in said if problem.alarm is Alarm.CALLBACKS_LOST]
    assert gaps == ([lost / 2000] if told else [])


def test_two_versions_side_by_side_are_noticed(database: Database) -> None:
    show_life(database, NOON, me(), me(pid=2, version="2.0"), me(Kind.SCHEDULER))
    assert alarms(look(database, NOON)) == [Alarm.VERSIONS]


def test_the_minutes_of_the_last_hour(database: Database, clock: SetClock) -> None:
    clock.now = NOON - timedelta(minutes=61)
    arrive(database, clock, "too old")
    clock.now = NOON - timedelta(minutes=59)
    arrive(database, clock, "first minute")
    clock.now = NOON + timedelta(seconds=20)
    arrive(database, clock, "now", "now too")
    with database.reading() as session:
        minutes = operations.per_minute(session, NOON + timedelta(seconds=40))
    assert len(minutes) == 60
    assert (minutes[0], sum(minutes[1:-1]), minutes[-1]) == (1, 0, 2)


def test_parked_events_go_back_to_work_by_reason(database: Database, clock: SetClock) -> None:
    park(database, clock, "Permanent: no corp", "a", "b")
    park(database, clock, "ValueError in handle:7", "c")
    with database.reading() as session:
        reasons = operations.dead_reasons(session)
    assert [(one.error, one.number, one.newest) for one in reasons] == [
        ("Permanent: no corp", 2, NOON), ("ValueError in handle:7", 1, NOON),
    ]  # fmt: skip
    with database.transaction() as session:
        assert operations.replay_dead(session, "Permanent: no corp", clock()) == 2
        assert operations.replay_dead(session, "never happened", clock()) == 0
    assert look(database, NOON).events == {"pending": 2, "dead": 1, "unknown": 0}


def test_what_nobody_can_handle_is_given_up_with_a_reason_and_alarms_no_more(
    database: Database, clock: SetClock
) -> None:
    park(database, clock, "ValueError in handle:7", "a", "b")
    (parked,) = park(database, clock, "Permanent: no corp", "c")
    (waits,) = arrive(database, clock, "d", partition="another")
    with database.transaction() as session:
        why = " sent by\na test "
        assert operations.drop_dead(session, "ValueError in handle:7", why, clock()) == 2
        assert inbox.drop(session, clock(), "why not", ids=[waits]) == 0, "it is still at work"
    assert look(database, NOON).events == {"pending": 1, "dead": 1, "unknown": 0}
    with database.transaction() as session:
        assert inbox.drop(session, clock(), "ask 13912345678", ids=[parked]) == 1
    assert Alarm.DEAD not in alarms(look(database, NOON))
    with database.transaction() as session:
        given_up = inbox.listing(session, state=inbox.State.DROPPED)
        assert {(event.error, event.body != b"") for event in given_up} == {
            ("已放弃：sent by a test（ValueError in handle:7）", True),
            ("已放弃：ask 1**********（Permanent: no corp）", True),
        }
        assert inbox.replay(session, clock(), state=inbox.State.DROPPED) == 3
    assert look(database, NOON).events == {"pending": 4, "dead": 0, "unknown": 0}


@pytest.mark.parametrize("reason", ["", "  \n ", "x" * 101])
@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_nothing_is_given_up_without_a_reason(
    database: Database, clock: SetClock, reason: str
) -> None:
    park(database, clock, "broken", "a")
    with database.transaction() as session, pytest.raises(Refused):
        operations.drop_dead(session, "broken", reason, clock())
    assert look(database, NOON).events["dead"] == 1


def test_why_the_oldest_event_waits_is_told(database: Database, clock: SetClock) -> None:
    first, second = arrive(database, clock, "a", "b")
    assert look(database, NOON).event_error == ""
    with database.transaction() as session:
        session.get_one(inbox.InboxEvent, first).error = "OutcomeUnknown: HTTP 503"
        session.get_one(inbox.InboxEvent, second).received_at = NOON + timedelta(seconds=1)
    found = look(database, NOON + timedelta(minutes=1))
    said = operations.problems(found, spilled=NOTHING, redis_answers=True)
    assert {one.alarm: one.who for one in said}[Alarm.EVENTS_WAIT] == "OutcomeUnknown: HTTP 503"


def test_a_stopped_platform_is_told_while_it_matters(database: Database) -> None:
    until = NOON + timedelta(seconds=30)
    with database.transaction() as session:
        for api, why in (("message/send", "refused"), ("user/get", "trouble"), ("x", "quota")):
            session.add(
                ApiBreaker(
                    account="ww", api=api, failures=[], why=why, strikes=0, since=NOON, until=until
                )
            )
    said = operations.problems(look(database, NOON), spilled=NOTHING, redis_answers=True)
    assert [(one.alarm, one.severity, one.who) for one in said if one.alarm in STOPPED] == [
        (Alarm.PLATFORM_REFUSES, Severity.NOW, "message/send"),
        (Alarm.PLATFORM_STOPPED, Severity.SOON, "user/get、x"),
    ]
    between_two_tries = alarms(look(database, until + timedelta(seconds=50)))
    assert Alarm.PLATFORM_REFUSES in between_two_tries
    nobody_waits_for_it = alarms(look(database, until + timedelta(seconds=70)))
    assert not set(nobody_waits_for_it) & set(STOPPED)


def test_a_heart_beats_by_the_databases_clock_and_says_goodbye(database: Database) -> None:
    fast = lambda: datetime.now(UTC) + timedelta(minutes=5)  # noqa: E731
    heart = Heart("worker", database, fast)
    heart.beat()
    heart.beat()
    (row,) = look(database, NOON).processes
    if database.engine.dialect.name == "postgresql":
        assert 299 < row.skew_s < 301
        assert abs((row.beat_at - datetime.now(UTC)).total_seconds()) < 30
    assert row.kind == "worker"
    heart.start()
    heart.stop()
    assert look(database, NOON).processes == []


def test_a_heart_survives_a_database_that_is_away(tmp_path: object) -> None:
    from app.infra.db import build_engine

    gone = Database(build_engine(f"sqlite:///{tmp_path}/nowhere/at/all.db"))
    heart = Heart("scheduler", gone, lambda: NOON).start()
    assert heart._thread.is_alive()
    heart.stop()


@pytest.fixture
def many(database: Database, clock: SetClock) -> Database:
    """Eight thousand events that are done, and three that wait."""
    for start in range(0, 8_000, 2_000):
        arrive(database, clock, *(f"event {start + n}" for n in range(2_000)))
    with database.transaction() as session:
        session.execute(text("update inbox_event set state = 'done'"))
    arrive(database, clock, "x", "y", "z")
    with database.engine.connect() as connection:
        connection.execute(text("analyze"))
        connection.commit()
    return database


@pytest.mark.slow
def test_the_questions_are_answered_from_indexes(many: Database) -> None:
    explain = "explain" if many.engine.dialect.name == "postgresql" else "explain query plan"
    with many.reading() as session:
        oldest = "\n".join(
            str(tuple(row))
            for row in session.execute(
                text(f"{explain} select min(received_at) from inbox_event where state = 'pending'")
            )
        )
        # with few rows PostgreSQL may prefer the other index; never a walk over what is done
        assert "ix_inbox_event_waiting" in oldest or "ix_inbox_event_work" in oldest
        dead = select(func.count()).where(inbox.InboxEvent.state == "dead")
        assert session.scalar(dead) == 0
        rows = session.execute(text(f"{explain} select 1 from inbox_event where state = 'dead'"))
        assert "ix_inbox_event_work" in "\n".join(str(tuple(row)) for row in rows)


def test_the_table_of_processes_holds_nobodys_data(database: Database) -> None:
    names = set(ProcessBeat.__table__.c.keys())
    assert names == {"name", "kind", "host", "pid", "version", "started_at", "beat_at", "skew_s"}
