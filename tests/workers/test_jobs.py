"""Names that travel through Redis: each resolves, and nothing else runs."""

from __future__ import annotations

import re
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest
import redis
from rq import Queue
from rq.job import Callback, Job
from rq.serializers import JSONSerializer
from rq.utils import import_attribute

import workers.context
from app import inbox
from app.bootstrap import Parts, build
from app.infra.queue import FAST, NORMAL, RedisBell
from app.infra.settings import Settings
from tests.conftest import SetClock
from tests.inbox.test_work import arrive
from workers.jobs import ALLOWED
from workers.safe_job import SafeJob
from workers.sweeping import sweep
from workers.worker import bell_worker

ROOT = Path(__file__).parents[2]
NAME = re.compile(r"[\"'](workers\.jobs\.\w+\.\w+)[\"']")


@pytest.fixture
def store(valkey_url: str) -> Iterator[redis.Redis]:
    connection = redis.Redis.from_url(valkey_url)
    connection.flushdb()
    yield connection
    connection.flushdb()
    connection.close()


@pytest.fixture
def parts(
    settings: Settings, clock: SetClock, store: redis.Redis, monkeypatch: pytest.MonkeyPatch
) -> Iterator[Parts]:
    built = build(settings, clock=clock)
    workers.context.parts.cache_clear()
    for module in ("inbox", "sends", "plans", "sweep"):
        monkeypatch.setattr(import_module(f"workers.jobs.{module}"), "parts", lambda: built)
    yield built
    built.db.engine.dispose()


def run_all(store: redis.Redis) -> None:
    bell_worker(store).work(burst=True, logging_level="CRITICAL")


def test_every_name_in_the_code_is_allowed_and_every_allowed_name_resolves() -> None:
    rung = {
        name
        for folder in ("app", "workers")
        for path in (ROOT / folder).rglob("*.py")
        for name in NAME.findall(path.read_text())
    }
    assert rung
    assert rung <= ALLOWED
    for name in ALLOWED:
        assert callable(import_attribute(name))


def test_a_bell_makes_the_worker_drain_the_inbox(
    parts: Parts, store: redis.Redis, clock: SetClock
) -> None:
    arrive(parts.db, clock, "<xml/>")
    RedisBell(store).ring("workers.jobs.inbox.drain", lane=FAST)
    run_all(store)
    with parts.db.reading() as session:
        assert inbox.count_by_state(session)["unknown"] == 1
    assert store.keys("rq:job:*") == []  # a bell leaves nothing behind


def test_the_sweeper_rings_for_what_waits_and_only_then(
    parts: Parts, store: redis.Redis, clock: SetClock
) -> None:
    sweep(parts)
    assert store.keys("rq:queue:*") == []
    arrive(parts.db, clock, "a")
    sweep(parts)
    assert store.llen("rq:queue:normal") == 1
    arrive(parts.db, clock, "b", partition="contact:2", urgent=True)
    sweep(parts)
    assert store.llen("rq:queue:fast") == 1


@pytest.mark.parametrize(
    "name",
    [
        "os.system",
        "subprocess.run",
        "workers.jobs.inbox.parts",
        "workers.jobs.os.system",
        "workers.jobs.sends.send_due.__globals__.get",
        "builtins.eval",
    ],
)
def test_a_job_that_is_not_ours_is_refused(store: redis.Redis, tmp_path: Path, name: str) -> None:
    proof = tmp_path / "proof"
    queue = Queue(NORMAL, connection=store, serializer=JSONSerializer)
    queue.enqueue(name, f"touch {proof}")
    run_all(store)
    assert not proof.exists()
    (failed,) = queue.failed_job_registry.get_job_ids()
    job = SafeJob.fetch(failed, connection=store, serializer=JSONSerializer)
    with pytest.raises(ValueError, match="jobs of the product only"):
        job.func  # noqa: B018


def test_a_job_that_fails_leaves_no_content_in_redis_and_in_logs(
    store: redis.Redis, monkeypatch: pytest.MonkeyPatch, caplog: pytest.LogCaptureFixture
) -> None:
    content = "DETAIL:  Key (name)=(示例医生 13812345678) exists"

    def broken() -> Parts:
        try:
            raise KeyError(content)
        except KeyError as cause:
            raise RuntimeError(content) from cause

    monkeypatch.setattr("workers.jobs.inbox.parts", broken)
    RedisBell(store).ring("workers.jobs.inbox.drain")
    bell_worker(store).work(burst=True, logging_level="WARNING")
    (failed,) = Queue(NORMAL, connection=store).failed_job_registry.get_job_ids()
    job = SafeJob.fetch(failed, connection=store, serializer=JSONSerializer)
    kept = job.latest_result().exc_string  # type: ignore[union-attr]
    assert "RuntimeError in broken:" in str(kept)
    for text in (str(kept), str(store.hgetall(job.key)), caplog.text):
        assert "示例医生" not in text
        assert "13812345678" not in text


def test_callbacks_of_a_job_are_never_called(
    parts: Parts, store: redis.Redis, tmp_path: Path
) -> None:
    proof = tmp_path / "proof"
    queue = Queue(NORMAL, connection=store, serializer=JSONSerializer)
    evil = Callback("tests.workers.test_jobs.leave_proof")
    for name in ("workers.jobs.inbox.drain", "os.system"):
        queue.enqueue(name, meta={"proof": str(proof)}, on_success=evil, on_failure=evil)
    run_all(store)
    assert not proof.exists()
    assert store.llen("rq:queue:normal") == 0


def leave_proof(job: Job, *_: object) -> None:
    """What a planted callback would do."""
    Path(str(job.meta["proof"])).touch()
