"""What the database says happened, with a ledger of its own that no unique key protects.

Triggers write a line whenever an event leaves `pending` and whenever a message changes its state,
so that doing something twice shows even where the product's keys would hide it. They exist in
databases of fault runs only.
"""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Engine, bindparam, select, text, update
from sqlalchemy.orm import Session

from app.inbox import InboxEvent, State
from app.infra.db import Database, UtcDateTime

FAR = timedelta(seconds=30)
TABLES = (
    "CREATE TABLE faults_finished (seq {key}, event_id BIGINT, state VARCHAR(10))",
    "CREATE TABLE faults_moved (seq {key}, dispatch_id BIGINT, was VARCHAR(10), now VARCHAR(10))",
)
KEY = {"sqlite": "INTEGER PRIMARY KEY AUTOINCREMENT", "postgresql": "BIGSERIAL PRIMARY KEY"}
ON_SQLITE = (
    "CREATE TRIGGER faults_finished AFTER UPDATE OF state ON inbox_event"
    " WHEN NEW.state <> 'pending' BEGIN"
    " INSERT INTO faults_finished (event_id, state) VALUES (NEW.id, NEW.state); END",
    "CREATE TRIGGER faults_moved AFTER UPDATE OF state ON dispatch WHEN NEW.state <> OLD.state"
    " BEGIN INSERT INTO faults_moved (dispatch_id, was, now)"
    " VALUES (NEW.id, OLD.state, NEW.state); END",
)
ON_POSTGRESQL = (
    "CREATE FUNCTION faults_finished() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " INSERT INTO faults_finished (event_id, state) VALUES (NEW.id, NEW.state);"
    " RETURN NULL; END $$",
    "CREATE TRIGGER faults_finished AFTER UPDATE OF state ON inbox_event FOR EACH ROW"
    " WHEN (NEW.state <> 'pending') EXECUTE FUNCTION faults_finished()",
    "CREATE FUNCTION faults_moved() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN"
    " INSERT INTO faults_moved (dispatch_id, was, now) VALUES (NEW.id, OLD.state, NEW.state);"
    " RETURN NULL; END $$",
    "CREATE TRIGGER faults_moved AFTER UPDATE OF state ON dispatch FOR EACH ROW"
    " WHEN (NEW.state <> OLD.state) EXECUTE FUNCTION faults_moved()",
)
WAITING = """
    SELECT (SELECT count(*) FROM inbox_event WHERE state = 'pending') AS events,
           (SELECT count(*) FROM dispatch WHERE state = 'sending') AS sending,
           (SELECT count(*) FROM dispatch WHERE state = 'queued' AND not_before <= :now) AS queued,
           (SELECT count(*) FROM dispatch WHERE state = 'queued' AND not_before > :now)
               AS postponed,
           (SELECT count(*) FROM schedule_run WHERE state = 'due') AS runs
"""


@dataclass(frozen=True, slots=True)
class Waiting:
    """What is not finished."""

    events: int
    sending: int
    queued: int
    runs: int
    postponed: int = 0  # messages that wait for their time

    @property
    def nothing(self) -> bool:
        """True when everything is done."""
        return not (self.events or self.sending or self.queued or self.runs or self.postponed)

    @property
    def nothing_due(self) -> bool:
        """True when everything is done that could be done by now."""
        return not (self.events or self.sending or self.queued or self.runs)


def install(engine: Engine) -> None:
    """Put tables and triggers beside the product's."""
    kind = engine.dialect.name
    with engine.begin() as connection:
        for statement in TABLES:
            connection.exec_driver_sql(statement.format(key=KEY[kind]))
        for statement in ON_POSTGRESQL if kind == "postgresql" else ON_SQLITE:
            connection.exec_driver_sql(statement)


def waiting(db: Database, now: datetime) -> Waiting:
    """What is not finished now."""
    question = text(WAITING).bindparams(bindparam("now", type_=UtcDateTime()))
    with db.reading() as session:
        return Waiting(**session.execute(question, {"now": now}).mappings().one())


def lags(session: Session) -> list[float]:
    """Seconds from arrival to the end of each finished callback, in order of size."""
    rows = session.execute(
        select(InboxEvent.received_at, InboxEvent.finished_at).where(
            InboxEvent.finished_at.is_not(None),
            InboxEvent.source != "reconcile",
            ~InboxEvent.event_type.endswith("/read_again"),
        )
    )
    return sorted((row.finished_at - row.received_at).total_seconds() for row in rows)


def let_time_pass(db: Database, now: datetime) -> int:
    """Events that wait long, for another attempt or for a quota to return, are due; how many."""
    far = update(InboxEvent).where(
        InboxEvent.state == State.PENDING, InboxEvent.next_attempt_at > now + FAR
    )
    with db.transaction() as session:
        return int(session.execute(far.values(next_attempt_at=now)).rowcount)  # type: ignore[attr-defined]


def pending(db: Database) -> int:
    """How many events wait."""
    with db.reading() as session:
        found = session.scalar(text("SELECT count(*) FROM inbox_event WHERE state = 'pending'"))
        return int(found or 0)


def compared(db: Database) -> bool:
    """True when the first comparison with the platforms is over and worked off."""
    from app import completeness

    with db.reading() as session:
        begun = session.scalar(text("SELECT count(*) FROM pull_run"))
        return bool(begun) and completeness.open_run(session) is None and not pending(db)


def oldest_due(db: Database, now: datetime) -> float:
    """Seconds since the oldest event that waits arrived; 0 when none does."""
    from app import inbox

    with db.reading() as session:
        oldest = inbox.oldest_pending(session)
        return max(0.0, (now - oldest).total_seconds()) if oldest else 0.0


def finished(session: Session) -> list[tuple[int, str]]:
    """(event, state) in the order in which events left `pending`."""
    rows = session.execute(text("SELECT event_id, state FROM faults_finished ORDER BY seq"))
    return [(row.event_id, row.state) for row in rows]


def times_sent(session: Session) -> Counter[int]:
    """How often each message was recorded as sent."""
    rows = session.execute(text("SELECT dispatch_id FROM faults_moved WHERE now = 'sent'"))
    return Counter(row.dispatch_id for row in rows)


def rows(session: Session, query: str, **values: Any) -> list[Any]:
    """Rows of a question."""
    return list(session.execute(text(query), values))
