"""The `yishu` command as a person or a script meets it."""

from __future__ import annotations

import os
import sqlite3
from pathlib import Path

import pytest

from app import identity
from app.identity import Id, Kind
from app.infra.db import Database, build_engine
from app.infra.settings import Settings
from tests.cli.command import cold, run, yishu
from tests.conftest import NOON


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    values = {
        name.upper(): str(value)
        for name, value in settings.model_dump().items()
        if isinstance(value, str | int) and not isinstance(value, bool)
    }
    return {"PATH": os.environ["PATH"], **values}


def test_a_login_is_made_listed_and_disabled(environment: dict[str, str]) -> None:
    made = yishu(environment, "users", "create", "Anna", "--role", "admin")
    assert made["login"] == "anna"
    assert len(made["password"]) >= 12
    yishu(environment, "users", "create", "bo", "--role", "admin", "--password-stdin",
          given="a long enough password\n")  # fmt: skip
    assert yishu(environment, "users", "disable", "bo") == {"login": "bo", "active": False}
    listed = yishu(environment, "users", "list")["items"]
    assert {(one["login"], one["active"]) for one in listed} == {("anna", True), ("bo", False)}


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (("users", "password", "nobody"), "没有账号 nobody"),
        (("users", "create", "li", "--role", "rep", "--rep", "unknown"), "没有企微成员 unknown"),
        (("users", "create", "li", "--role", "rep"), "医药代表的账号需要选择对应的代表"),
    ],
)
def test_what_cannot_be_done_is_one_sentence(
    environment: dict[str, str], words: tuple[str, ...], sentence: str
) -> None:
    done = run(environment, *words)
    assert done.returncode == 1
    assert sentence in done.stderr
    assert "Traceback" not in done.stderr


def test_missing_settings_are_named_without_their_values() -> None:
    done = cold({"PATH": os.environ["PATH"], "YISHU_SECRET_KEY": "too short"}, "migrate")
    assert done.returncode == 1
    assert "DATABASE_URL" in done.stderr
    assert "YISHU_SECRET_KEY" in done.stderr
    assert "too short" not in done.stderr


def test_migrating_twice_changes_nothing(environment: dict[str, str], tmp_path: Path) -> None:
    fresh = environment | {"DATABASE_URL": f"sqlite:///{tmp_path / 'new.db'}"}
    first = yishu(fresh, "migrate")
    assert first["before"] is None
    assert yishu(fresh, "migrate") == {"before": first["after"], "after": first["after"]}


def test_a_database_out_of_reach_is_one_sentence(environment: dict[str, str]) -> None:
    away = environment | {"DATABASE_URL": "postgresql://127.0.0.1:1/none"}
    done = run(away, "migrate")
    assert done.returncode == 1
    assert "cannot be brought up to date" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
@pytest.mark.parametrize(
    ("name", "value"),
    [("DATABASE_URL", "mysql://x/y"), ("DATABASE_URL", "nonsense"), ("REDIS_URL", "http://x")],
)
def test_an_address_of_the_wrong_kind_is_named(
    environment: dict[str, str], name: str, value: str
) -> None:
    done = run(environment | {name: value}, "migrate")
    assert done.returncode == 1
    assert f"{name}: " in done.stderr
    assert "must look like" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_database_of_a_newer_version_is_one_sentence(
    environment: dict[str, str], tmp_path: Path
) -> None:
    fresh = environment | {"DATABASE_URL": f"sqlite:///{tmp_path / 'new.db'}"}
    yishu(fresh, "migrate")
    with sqlite3.connect(tmp_path / "new.db") as connection:
        connection.execute("UPDATE alembic_version SET version_num = '9999_future'")
    connection.close()
    done = run(fresh, "migrate")
    assert done.returncode == 1
    assert "revision 9999_future, which this version does not know" in done.stderr
    assert "Traceback" not in done.stderr


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_other_keys_than_those_of_the_database_are_one_sentence(
    environment: dict[str, str], tmp_path: Path
) -> None:
    url = f"sqlite:///{tmp_path / 'new.db'}"
    fresh = environment | {"DATABASE_URL": url}
    yishu(fresh, "migrate")
    database = Database(build_engine(url))
    with database.transaction() as session:
        identity.observe(
            session, [Id(Kind.CRM_ID, "", "HCP-1")], event_key="1", source="test", at=NOON, now=NOON
        )
    database.engine.dispose()
    yishu(fresh, "migrate")
    encrypting, index = "cd" * 32, "ef" * 32
    for keys in (f"test:{encrypting}", f"test:{'ab' * 32},index:{index}"):
        done = run(fresh | {"YISHU_ENCRYPTION_KEYS": keys}, "migrate")
        assert done.returncode == 1
        assert "The keys do not fit this database" in done.stderr
        assert "Traceback" not in done.stderr


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_a_command_that_is_started_cold_imports_all_it_needs(
    environment: dict[str, str], tmp_path: Path
) -> None:
    listed = tmp_path / "hospitals.csv"
    listed.write_text("编号,名称,省,市\nH1,示例市第一人民医院,示例省,示例市\n", encoding="utf-8")
    done = cold(environment, "hospitals", "import", str(listed))
    assert done.returncode == 0, done.stderr
    found = cold(environment, "hospitals", "find", "示例市第一人民医院")
    assert "示例市第一人民医院" in found.stdout, found


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_an_empty_database_is_one_sentence(environment: dict[str, str], tmp_path: Path) -> None:
    empty = environment | {"DATABASE_URL": f"sqlite:///{tmp_path / 'none.db'}"}
    done = run(empty, "inbox", "list")
    assert done.returncode == 1
    assert "yishu migrate" in done.stderr
    assert "Traceback" not in done.stderr


def test_who_is_who_is_computed_again_and_told_of_the_past(
    environment: dict[str, str], database: Database
) -> None:
    pair = [Id(Kind.WECOM_EXTERNAL_USERID, "ww", "wm1"), Id(Kind.UNIONID, "open", "oU1")]
    with database.transaction() as session:
        (row, _) = identity.observe(
            session, pair, event_key="e", source="test", at=NOON, now=NOON
        )  # fmt: skip
        one_id = row.one_id
    done = yishu(environment, "identity", "rebuild")
    assert (done["components"], done["changed"], done["left_alone"]) == (1, 0, 0)
    at_once = identity.bulk.available()
    assert (done["how"], done["written"]) == (("at_once", 0) if at_once else ("one_by_one", 1))
    told = run(environment, "identity", "as-of", "2026-12-31T00:00:00", "--one-id", one_id)
    assert "2 个身份，1 位医生" in told.stdout
    assert one_id in told.stdout
    before = yishu(environment, "identity", "as-of", "2020-01-01T00:00:00")
    assert before == {"identifiers": 0, "persons": 0}
