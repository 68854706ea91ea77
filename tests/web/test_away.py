"""Pages while the database is away: a sentence for whoever asks, and no trace in their place."""

from __future__ import annotations

import shutil
import sqlite3
from collections.abc import Iterator
from pathlib import Path

import pytest
from flask.testing import FlaskClient
from psycopg import errors as postgres
from sqlalchemy import text
from sqlalchemy.exc import DataError, IntegrityError, InterfaceError, OperationalError, TimeoutError

from app import accounts
from app.accounts.models import Role
from app.bootstrap import Parts, build, build_web
from app.infra.away import is_away
from app.infra.clock import utc_now
from app.infra.db import Database
from tests.conftest import make_settings

TOKEN = "t" * 16
DUTY = "/console/governance/operations"


@pytest.fixture
def parts(sqlite_template: Path, tmp_path: Path, valkey_url: str) -> Iterator[Parts]:
    shutil.copy(sqlite_template, tmp_path / "yishu.db")
    built = build(make_settings(f"sqlite:///{tmp_path / 'yishu.db'}", valkey_url))
    yield built
    built.db.engine.dispose()


@pytest.fixture
def person(parts: Parts, tmp_path: Path) -> FlaskClient:
    """Somebody who has logged in before the database goes away."""
    with parts.db.transaction() as session:
        user = accounts.create_user(
            session, "duty", name="值班", password="a-long-password-of-the-tests",
            role=Role.ADMIN, now=utc_now(),
        )  # fmt: skip
    client = build_web(parts).test_client()
    with client.session_transaction() as session:
        session["_user_id"] = f"{user.id}.{user.session_epoch}"
    assert client.get(DUTY).status_code == 200
    parts.db.engine.dispose()
    for file in tmp_path.glob("yishu.db*"):
        file.unlink()
    (tmp_path / "yishu.db").mkdir()  # it cannot be opened any more
    return client


def test_who_is_on_duty_reads_what_happens_to_callbacks_and_what_to_do(person: FlaskClient) -> None:
    answer = person.get(DUTY)
    assert (answer.status_code, answer.headers["Refresh"]) == (503, "10")
    assert "数据库暂时无法使用" in answer.text
    assert "yishu doctor" in answer.text
    assert answer.headers["X-Request-Id"] in answer.text


def test_what_renews_itself_is_replaced_and_never_looks_well(person: FlaskClient) -> None:
    answer = person.get(DUTY, headers={"HX-Request": "true"})
    assert answer.status_code == 503
    assert 'class="card verdict bad"' in answer.text
    assert "<html" not in answer.text


def test_everybody_else_is_told_to_come_back(person: FlaskClient) -> None:
    page = person.get("/console/login?lang=en")
    assert (page.status_code, "yishu doctor" in page.text) == (503, True)
    for path in (f"/t/{TOKEN}?lang=zh", "/rep/"):
        page = person.get(path)
        assert (page.status_code, "yishu" in page.text) == (503, False)
        assert "页面暂时打不开" in page.text
        assert "数据库" not in page.text, "physicians and reps do not say so"
    stop = person.post(f"/t/{TOKEN}/pause", data={"action": "stop"})
    assert (stop.status_code, "没有完成" in stop.text, "没有丢失" in stop.text) == (
        503,
        True,
        False,
    )
    api = person.get("/api/v1/physicians", headers={"Authorization": "Bearer another"})
    assert (api.status_code, api.json["error"]["status"]) == (503, 503)


def test_the_log_names_it_in_one_line_without_the_address(
    person: FlaskClient, caplog: pytest.LogCaptureFixture
) -> None:
    person.get(f"/t/{TOKEN}")
    said = caplog.text
    assert "database is away" in said
    assert "Traceback" not in said
    assert TOKEN not in said


@pytest.mark.parametrize(
    "statement",
    ["select nothing from nowhere", "insert into rep_brand (rep_id, brand_id) values (9, 9)"],
)
def test_a_statement_that_makes_no_sense_is_a_bug_and_no_outage(
    database: Database, statement: str
) -> None:
    with pytest.raises(Exception) as caught, database.transaction() as session:
        session.execute(text(statement))
    assert not is_away(caught.value)


@pytest.mark.parametrize(
    ("problem", "away"),
    [
        (OperationalError("", {}, postgres.ConnectionTimeout()), True),
        (OperationalError("", {}, postgres.AdminShutdown()), True),
        (OperationalError("", {}, postgres.DiskFull()), True),
        (OperationalError("", {}, postgres.TooManyConnections()), True),
        (OperationalError("", {}, postgres.QueryCanceled()), False),
        (OperationalError("", {}, postgres.DeadlockDetected()), False),
        (InterfaceError("", {}, sqlite3.InterfaceError()), True),
        (TimeoutError(), True),
        (IntegrityError("", {}, postgres.UniqueViolation()), False),
        (DataError("", {}, postgres.DataError("a text with NUL")), False),  # never got there
        (ValueError("anything else"), False),
    ],
)
def test_what_counts_as_away(problem: Exception, away: bool) -> None:
    assert is_away(problem) is away


def test_a_data_host_that_lost_its_power_is_given_up_within_seconds(database: Database) -> None:
    if database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite has no host of its own")
    with database.engine.connect() as connection:
        said = connection.connection.driver_connection.info.get_parameters()  # type: ignore[union-attr]
    assert int(said["tcp_user_timeout"]) <= 10_000
    assert int(said["keepalives_idle"]) + 2 * int(said["keepalives_interval"]) <= 10
