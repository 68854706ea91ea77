"""The `yishu` command as a person or a script meets it."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

import pytest

from app.infra.settings import Settings

ROOT = Path(__file__).parents[2]


@pytest.fixture
def environment(settings: Settings) -> dict[str, str]:
    values = {
        name.upper(): str(value)
        for name, value in settings.model_dump().items()
        if isinstance(value, str | int) and not isinstance(value, bool)
    }
    return {"PATH": os.environ["PATH"], **values}


def yishu(environment: dict[str, str], *words: str, given: str = "") -> Any:
    done = run(environment, *words, "--json", given=given)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def run(
    environment: dict[str, str], *words: str, given: str = ""
) -> subprocess.CompletedProcess[str]:
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *words],
        cwd=ROOT, env=environment, input=given, capture_output=True, text=True, timeout=60,
    )  # fmt: skip


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
    done = run({"PATH": os.environ["PATH"], "YISHU_SECRET_KEY": "too short"}, "migrate")
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
