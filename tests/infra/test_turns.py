"""Who takes callbacks goes first at SQLite's one writer's place."""

from __future__ import annotations

from pathlib import Path

import pytest
from sqlalchemy import make_url, text

from app.infra import turns
from app.infra.db import Database, build_engine
from app.infra.turns import Turns


def test_other_writers_wait_until_the_callbacks_are_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    url = f"sqlite:///{tmp_path}/a.db"
    told: list[str] = []
    taking = Turns(make_url(url)).mine()
    taking.__enter__()

    def written(_seconds: float) -> None:
        told.append("callbacks")
        taking.__exit__(None, None, None)

    monkeypatch.setattr(turns.time, "sleep", written)
    with Database(build_engine(url)).transaction() as session:
        session.execute(text("create table t (a)"))
        told.append("worker")
    assert told == ["callbacks", "worker"]


def test_nobody_waits_for_ever_for_a_process_that_stands_still(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(turns, "POLITE_S", 0.0)
    url = f"sqlite:///{tmp_path}/a.db"
    with Turns(make_url(url)).mine(), Database(build_engine(url)).transaction() as session:
        session.execute(text("create table t (a)"))


@pytest.mark.parametrize("url", ["sqlite://", "postgresql://nobody@localhost/x"])
def test_where_there_is_no_file_there_is_no_queue(url: str) -> None:
    nobody = Turns(make_url(url))
    nobody.give_way()
    with nobody.mine():
        pass
