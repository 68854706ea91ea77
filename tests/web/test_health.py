"""What a load balancer and a dashboard see."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from app.bootstrap import Parts, build, build_web
from app.infra.settings import Settings
from tests.conftest import SetClock, make_settings
from tests.inbox.test_work import arrive


@pytest.fixture
def parts(settings: Settings, clock: SetClock) -> Iterator[Parts]:
    built = build(settings, clock=clock)
    yield built
    built.db.engine.dispose()


def test_the_numbers_come_from_the_tables(parts: Parts, clock: SetClock) -> None:
    arrive(parts.db, clock, "a", "b")
    clock.tick(seconds=90)
    lines = build_web(parts).test_client().get("/metrics").text.splitlines()
    assert 'yishu_inbox_events{state="pending"} 2.0' in lines
    assert "yishu_inbox_oldest_pending_seconds 90.0" in lines
    assert "yishu_database_up 1.0" in lines
    assert 'yishu_dispatches{state="queued"} 0.0' in lines


def test_refused_callbacks_are_counted_by_reason_without_a_trace_of_who_knocked(
    parts: Parts,
) -> None:
    client = build_web(parts).test_client()
    client.get("/callbacks/wecom/main?timestamp=x&nonce=secret-nonce")
    client.get("/callbacks/secret-source/main")
    text = client.get("/metrics").text
    assert 'yishu_callbacks_rejected_total{reason="form",source="wecom"}' in text
    assert 'yishu_callbacks_rejected_total{reason="address",source="other"}' in text
    assert "secret" not in text


def test_without_a_database_the_numbers_say_so(tmp_path: Path) -> None:
    parts = build(make_settings(f"sqlite:///{tmp_path}/empty.db", f"unix://{tmp_path}/no.sock"))
    client = build_web(parts).test_client()
    answer = client.get("/metrics")
    assert answer.status_code == 200
    assert "yishu_database_up 0.0" in answer.text
    assert client.get("/readyz").status_code == 503
    parts.db.engine.dispose()


def test_readiness_reports_redis_and_does_not_need_it(database_url: str, tmp_path: Path) -> None:
    parts = build(make_settings(database_url, f"unix://{tmp_path}/no.sock"))
    answer = build_web(parts).test_client().get("/readyz")
    assert answer.status_code == 200
    assert answer.json == {"database": "ok", "redis": "away: work goes on by polling"}
    parts.db.engine.dispose()


def test_a_request_is_logged_by_route_and_never_with_its_query(
    parts: Parts, caplog: pytest.LogCaptureFixture
) -> None:
    client = build_web(parts).test_client()
    answer = client.get("/console/?token=do-not-log-me")
    (line,) = [r for r in caplog.records if "'event': 'request'" in str(r.msg)]
    assert "do-not-log-me" not in str(line.msg)
    assert "'route': '/console/'" in str(line.msg)
    assert f"'request_id': '{answer.headers['X-Request-Id']}'" in str(line.msg)
