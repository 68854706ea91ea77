"""The drill: data, a backup while work goes on, an accident, a restore, and everything is there."""

from __future__ import annotations

import shutil
import threading
from collections.abc import Iterator
from dataclasses import replace
from datetime import timedelta
from pathlib import Path

import pytest
from sqlalchemy import select, text

from app import backup, inbox, operations, schema
from app.backup.rows import count_rows
from app.bootstrap import Parts, build, build_web
from app.campaigns import Schedule, ScheduleRun
from app.delivery import Dispatch, State
from app.infra import crypto
from app.infra.db import Database
from app.infra.errors import Refused
from app.infra.settings import Settings
from app.operations import Kind
from app.operations.processes import Me
from app.sample.load import load
from tests.conftest import KEYS, NOON, SetClock
from tests.inbox.test_work import arrive
from tests.operations.test_figures import message

API = {"Authorization": "Bearer setup-token-of-the-tests"}


@pytest.fixture
def parts(
    settings: Settings, clock: SetClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Parts]:
    monkeypatch.chdir(tmp_path)  # the spill folder lies beside the working directory
    built = build(settings, clock=clock)
    with built.db.engine.begin() as connection:  # the tests' template is no migrated database
        connection.execute(text("create table if not exists alembic_version (version_num text)"))
        connection.execute(text("delete from alembic_version"))
        connection.execute(text(f"insert into alembic_version values ('{schema.newest()}')"))
    yield built
    built.db.engine.dispose()
    crypto.install(crypto.KeyRing.parse(KEYS))


def file_of(parts: Parts) -> Path:
    return Path(parts.db.engine.url.database or "")


def wreck(parts: Parts) -> None:
    """What an accident leaves."""
    if parts.db.engine.dialect.name == "postgresql":
        with parts.db.engine.begin() as connection:
            connection.execute(text("drop table touchpoint cascade"))
            connection.execute(text("delete from inbox_event"))
        return
    parts.db.engine.dispose()
    with file_of(parts).open("r+b") as file:
        for place in range(0, file_of(parts).stat().st_size, 4096):
            file.seek(place)
            file.write(b"\x5a" * 1024)


def counts(database: Database) -> dict[str, int]:
    with database.reading() as session:
        return count_rows(session)


class Traffic:
    """Callbacks that keep arriving."""

    def __init__(self, parts: Parts, clock: SetClock) -> None:
        self._parts, self._clock = parts, clock
        self._enough = threading.Event()
        self._thread = threading.Thread(target=self._run)
        self.arrived = 0

    def __enter__(self) -> Traffic:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._enough.set()
        self._thread.join()

    def _run(self) -> None:
        while not self._enough.is_set():
            arrive(self._parts.db, self._clock, f"while the backup runs {self.arrived}")
            self.arrived += 1
            self._enough.wait(0.002)


@pytest.mark.slow
def test_the_drill(
    parts: Parts, clock: SetClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.sample.load.PHYSICIANS", 40)
    load(parts)
    before = build_web(parts).test_client().get("/api/v1/physicians", headers=API).json
    spill = tmp_path / "var" / "spill"
    spill.mkdir(parents=True)
    (spill / "host-1.log").write_bytes(b"sealed line\n")
    with Traffic(parts, clock) as traffic:
        made = backup.make(parts, tmp_path)
        assert made.path.stat().st_mode & 0o077 == 0
    assert traffic.arrived > 0
    assert made.counts["physician"] > 30
    assert made.spill_files == 1

    wreck(parts)
    (spill / "host-1.log").unlink()
    done = backup.restore(parts, made.path, overwrite=True)

    assert done.counts == made.counts
    assert counts(parts.db)["touchpoint"] == made.counts["touchpoint"]
    assert (spill / "host-1.log").read_bytes() == b"sealed line\n"
    web = build_web(parts).test_client()
    assert web.get("/readyz").status_code == 200
    after = web.get("/api/v1/physicians", headers=API).json
    assert after == before
    assert before
    arrive(parts.db, clock, "work goes on")
    assert counts(parts.db)["inbox_event"] == made.counts["inbox_event"] + 1


def test_nothing_goes_out_again_after_a_restore(
    parts: Parts, clock: SetClock, tmp_path: Path
) -> None:
    with parts.db.transaction() as session:
        card = message("card", State.QUEUED, NOON)
        card.task_id = "card-1"
        later = message("later", State.QUEUED, NOON + timedelta(days=2))
        session.add_all([message("text", State.QUEUED, NOON), card, later])
        schedule = Schedule(kind="campaign", ref_id=1, cron="0 9 * * *", watermark=NOON)
        session.add(schedule)
        session.flush()
        session.add(
            ScheduleRun(schedule_id=schedule.id, due_at=NOON, next_attempt_at=NOON, created_at=NOON)
        )
    made = backup.make(parts, tmp_path / "one.backup")
    clock.tick(hours=6)
    done = backup.restore(parts, made.path, overwrite=True)
    assert (done.held.messages, done.held.runs) == (2, 1)
    with parts.db.reading() as session:
        rows = {row.dedupe_key: row for row in session.scalars(select(Dispatch))}
        assert rows["text"].state == State.UNKNOWN
        assert (rows["card"].state, rows["card"].maybe_sent) == (State.QUEUED, True)
        assert (rows["later"].state, rows["later"].maybe_sent) == (State.QUEUED, False)
        assert session.scalars(select(Schedule.watermark)).one() == clock()


def test_a_restore_refuses_before_it_touches_anything(
    parts: Parts, clock: SetClock, tmp_path: Path
) -> None:
    arrive(parts.db, clock, "a")
    with parts.db.transaction() as session:
        session.add(message("sealed", State.SENT, NOON))
    made = backup.make(parts, tmp_path / "one.backup")
    with pytest.raises(Refused, match="已经存在"):
        backup.make(parts, made.path)
    arrive(parts.db, clock, "b")
    with pytest.raises(Refused, match="已经有数据"):
        backup.restore(parts, made.path)

    cut = tmp_path / "cut.backup"
    cut.write_bytes(made.path.read_bytes()[: made.bytes // 2])
    with pytest.raises(Refused, match="损坏"):
        backup.restore(parts, cut, overwrite=True)
    noise = tmp_path / "noise.backup"
    noise.write_bytes(b"this is no backup" * 100)
    with pytest.raises(Refused, match="不是"):
        backup.restore(parts, noise, overwrite=True)

    crypto.install(crypto.KeyRing.parse("other:" + "cd" * 32))
    with pytest.raises(Refused, match="解不开"):
        backup.restore(parts, made.path, overwrite=True)
    crypto.install(crypto.KeyRing.parse(f"{KEYS},index:{'ef' * 32}"))
    with pytest.raises(Refused, match="index"):
        backup.restore(parts, made.path, overwrite=True)
    crypto.install(crypto.KeyRing.parse(KEYS))

    living = Me(Kind.WORKER, "host-a", 7, "1.0", NOON)
    with parts.db.transaction() as session:
        operations.beat(session, living, operations.database_time(session, clock))
    with pytest.raises(Refused, match="worker@host-a:7"):
        backup.restore(parts, made.path, overwrite=True)
    assert counts(parts.db)["inbox_event"] == 2


def test_a_backup_of_a_newer_version_is_refused(
    parts: Parts, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    made = backup.make(parts, tmp_path / "one.backup")
    monkeypatch.setattr(schema, "revisions", lambda: ["0000_long_ago"])
    with pytest.raises(Refused, match="比本版本新"):
        backup.restore(parts, made.path)


def test_an_empty_database_takes_a_backup_without_asking(
    parts: Parts, clock: SetClock, tmp_path: Path
) -> None:
    arrive(parts.db, clock, "a")
    made = backup.make(parts, tmp_path / "one.backup")
    with parts.db.transaction() as session:
        session.execute(text("delete from inbox_event"))
    backup.restore(parts, made.path)
    assert counts(parts.db)["inbox_event"] == 1


@pytest.mark.parametrize("database_url", ["postgresql"], indirect=True)
def test_a_restore_that_fails_half_way_changes_nothing(
    parts: Parts, clock: SetClock, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.backup import postgres

    arrive(parts.db, clock, "a")
    made = backup.make(parts, tmp_path / "one.backup")
    arrive(parts.db, clock, "b")
    broken = tmp_path / "broken"
    broken.write_bytes(b"PGDMP and then noise")
    with pytest.raises(Refused, match="pg_restore"):
        postgres.load(parts.db.engine, broken)
    assert counts(parts.db)["inbox_event"] == 2
    monkeypatch.setenv("PATH", "/nowhere")
    with pytest.raises(Refused, match="没有 pg_restore"):
        backup.restore(parts, made.path, overwrite=True)
    assert counts(parts.db)["inbox_event"] == 2
    assert shutil.which("pg_dump") is None
    with pytest.raises(Refused, match="没有 pg_dump"):
        backup.make(parts, tmp_path / "two.backup")


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)
def test_kinds_are_not_mixed(parts: Parts, tmp_path: Path) -> None:
    made = backup.make(parts, tmp_path / "one.backup")
    manifest, _ = backup.restore.__globals__["_unpack"](made.path, tmp_path)
    with pytest.raises(Refused, match="不能互相恢复"):
        backup.restore.__globals__["_require_fitting"](
            parts, replace(manifest, kind="postgresql"), tmp_path / "database"
        )
    assert inbox.State.PENDING
