"""The whole line in one process: product, simulated platforms over HTTP, one clock."""

from __future__ import annotations

import threading
from collections.abc import Iterator
from contextlib import contextmanager
from copy import deepcopy
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
from flask.testing import FlaskClient
from werkzeug.serving import make_server

from app import content, segments, tagging
from app.bootstrap import Parts, build, build_web
from app.content import ContentVersion
from app.flows.segments import audiences
from app.sandbox.__main__ import config_of
from app.sandbox.server import build as build_sandbox
from app.sandbox.world import Person, World
from tests.company import renew
from tests.conftest import SetClock, make_settings
from workers.drain import drain_inbox
from workers.sending import send_due

LOOPBACK = httpx.Client(verify=False)  # one, and no certificates to load each time
PEOPLE = {
    "members": [
        {"userid": "rep01", "name": "陈晓彤"},
        {"userid": "rep02", "name": "林致远"},
    ],
    "persons": [
        {"key": "wang", "name": "王某某", "unionid": "oUwang", "phone": "19912345678"},
        {"key": "li", "name": "李某某", "unionid": "oUli", "phone": "19987654321"},
    ],
    "corp_tags": [
        {
            "group_id": "g1",
            "group_name": "专科",
            "tags": [{"id": "et1", "name": "房颤"}, {"id": "et2", "name": "没见过的标签"}],
        }
    ],
}


@dataclass
class Line:
    """Everything a story needs."""

    parts: Parts
    web: FlaskClient
    world: World
    base: str
    clock: SetClock

    def do(self, verb: str, **arguments: Any) -> dict[str, Any]:
        """Make something happen on the platforms and let the product work through it."""
        answer = LOOPBACK.post(f"{self.base}/sandbox/do/{verb}", json=arguments)
        assert answer.status_code == 200, answer.text
        self.work()
        done: dict[str, Any] = answer.json()
        return done

    def work(self) -> None:
        """Callbacks in, inbox drained, messages out, until nothing is left to do."""
        for _ in range(6):
            LOOPBACK.post(f"{self.base}/sandbox/settle", timeout=30)
            if not drain_inbox(self.parts) and not send_due(self.parts):
                return

    def api_says(self, **query: str) -> dict[str, Any]:
        """One answer of GET /api/v1/physicians."""
        headers = {"Authorization": "Bearer setup-token-of-the-tests"}
        answer = self.web.get("/api/v1/physicians", query_string=query, headers=headers)
        assert answer.status_code == 200, answer.text
        body: dict[str, Any] = answer.json
        return body

    def inbox(self, userid: str) -> list[dict[str, Any]]:
        """What a rep's WeCom shows from our app."""
        return self.world.members[userid].inbox

    def person(self, key: str) -> Person:
        """A physician on the platforms."""
        return self.world.persons[key]


@pytest.fixture
def line(database_url: str, valkey_url: str, clock: SetClock) -> Iterator[Line]:
    with opened(database_url, valkey_url, clock) as found:
        yield found


@contextmanager
def opened(database_url: str, valkey_url: str, clock: SetClock) -> Iterator[Line]:
    """A line over this database, while the block lasts."""
    plain = make_settings(database_url, valkey_url)
    world = World(clock=lambda: clock().timestamp())
    world.seed(deepcopy(PEOPLE))
    holder: dict[str, FlaskClient] = {}

    def post(path: str, query: dict[str, str], body: bytes) -> int:
        return holder["web"].post(path, query_string=query, data=body).status_code

    server = make_server(
        "127.0.0.1", 0, build_sandbox(config_of(plain), world, post), threaded=True
    )
    threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    settings = make_settings(
        database_url,
        valkey_url,
        wecom_api_base=f"{base}/wecom",
        oa_api_base=f"{base}/oa",
        wechat_open_base=f"{base}/open",
    )
    parts = build(settings, clock=clock)
    parts.redis.flushall()  # login limits of the story before
    app = build_web(parts)
    holder["web"] = app.test_client()
    with parts.db.transaction() as session:
        tagging.seed(session, clock())
    yield Line(parts, app.test_client(), world, base, clock)
    server.shutdown()
    parts.db.engine.dispose()


def publish(line: Line, title: str, tag_keys: list[str], **fields: str) -> ContentVersion:
    """An approved content."""
    from datetime import timedelta

    now = line.clock()
    with line.parts.db.transaction() as session:
        tags = {}
        for key in tag_keys:
            tag = tagging.by_key(session, key)
            assert tag is not None
            tags[tag.id] = 1.0
        values = {"title": title, "summary": f"{title}的摘要", "body": "正文" * 100, **fields}
        version = content.draft(session, author="user:1", fields=values, tags=tags, now=now)
        content.submit(session, version.id, now=now)
        content.approve(
            session,
            version.id,
            approver="user:2",
            approval_no="示例批准 2026-001",
            valid_from=now - timedelta(days=1),
            valid_until=now + timedelta(days=90),
            now=now,
        )
    return version


def renewed(line: Line, version_id: int) -> int:
    """Another version is approved in its place; its number."""
    with line.parts.db.transaction() as session:
        old, now = content.get_version(session, version_id), line.clock.tick(minutes=5)
        return renew(session, old, now).id


def spare(line: Line, identifier_id: int, name: str) -> None:
    """From now on this physician is on a list of those whom nobody writes to."""
    now = line.clock()
    with line.parts.db.transaction() as session:
        drafted = segments.lists.draft(
            session, name=name, purpose="不打扰", filename="a.csv", members=[identifier_id],
            figures={}, report=[], expires_at=None, author="user:1", now=now,
        )  # fmt: skip
        segments.lists.confirm(session, drafted.id)
        audiences.spare(session, author="user:1", now=now, list_id=drafted.id)
