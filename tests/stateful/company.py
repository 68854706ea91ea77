"""The product and the simulated platforms in one thread: no sockets, no threads, one clock.

Callbacks do not travel by themselves: what the platforms send lies in `post` until a test
delivers it, late, twice or in another order.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from flask import Flask
from sqlalchemy.orm import Session
from werkzeug.test import Client

from app import campaigns, content, inbox, tagging
from app.bootstrap import Connected, Parts
from app.campaigns import CatchUp
from app.connectors.http import Answer, Http
from app.connectors.official_account import translate as oa_translate
from app.connectors.official_account.client import OfficialAccount
from app.connectors.tokens import TokenProvider
from app.connectors.wecom import translate as wecom_translate
from app.connectors.wecom.client import WeCom
from app.flows import Outside
from app.inbox import Spill
from app.infra import queue
from app.infra.crashpoint import crashpoint
from app.infra.db import Database, build_engine
from app.infra.settings import Settings
from app.sandbox.__main__ import config_of
from app.sandbox.answers import Code
from app.sandbox.callbacks import xml
from app.sandbox.happenings import HAPPEN
from app.sandbox.server import build as build_sandbox
from app.sandbox.world import World
from tests.conftest import NOON, SetClock, make_settings

BASE = "http://platforms.test"
GLANCES = {"wecom": wecom_translate.glance, "oa": oa_translate.glance}
PEOPLE: dict[str, Any] = {
    "members": [{"userid": "rep01", "name": "陈晓彤"}, {"userid": "rep02", "name": "林致远"}],
    "persons": [
        {"key": "wang", "name": "王某某", "unionid": "oUwang", "phone": "19912345678"},
        {"key": "li", "name": "李某某", "unionid": "oUli", "phone": "19987654321"},
    ],
    "corp_tags": [
        {"group_id": "g1", "group_name": "专科",
         "tags": [{"id": "et1", "name": "房颤"}, {"id": "et2", "name": "心力衰竭"}]},
    ],
}  # fmt: skip
CRON = "0 * * * *"


class Killed(BaseException):
    """The process ends here: nothing below may catch it."""


@dataclass(frozen=True)
class Letter:
    """One callback, opened."""

    source: str
    body: bytes


class ToSandbox(Http):
    """A wire that ends in this process."""

    def __init__(self, base_url: str, app: Flask) -> None:
        super().__init__(base_url)
        self._client = Client(app)

    def send_bytes(
        self, method: str, url: str, name: str, params: Mapping[str, Any] | None, body: bytes | None
    ) -> Answer:
        """See Http."""
        said = self._client.open(
            urlsplit(url).path, method=method.upper(), query_string=dict(params or {}), data=body,
            content_type="application/json" if body else None,
        )  # fmt: skip
        return Answer(said.status_code, said.data)


@dataclass
class Platforms:
    """One sandbox for all examples; each begins with the same people."""

    settings: Settings
    clock: SetClock = field(default_factory=SetClock)
    post: list[Letter] = field(default_factory=list)

    def __post_init__(self) -> None:
        self.world = World(clock=lambda: self.clock().timestamp())
        self.app = build_sandbox(config_of(self.settings), self.world, lambda *_: 200)
        self.app.extensions["callbacks"].send = self._keep

    def reset(self) -> None:
        """As on the first day."""
        self.clock.now = NOON
        self.post.clear()
        self.world.trouble, self.world.tokens, self.world.sent_requests = {}, {}, {}
        self.world.seed(PEOPLE)

    def do(self, verb: str, **arguments: Any) -> bool:
        """Make something happen; False when it cannot."""
        try:
            HAPPEN[verb](self.app.extensions["happenings"], **arguments)
        except Code:
            return False
        return True

    def _keep(self, platform: str, _name: str, fields: dict[str, Any]) -> None:
        self.post.append(Letter(platform, xml(fields).encode()))


def settings_for(database_url: str) -> Settings:
    """Settings of the test company, with the platforms in process."""
    return make_settings(
        database_url, "unix:///nowhere/valkey.sock", wecom_api_base=f"{BASE}/wecom",
        oa_api_base=f"{BASE}/oa", wechat_open_base=f"{BASE}/open",
    )  # fmt: skip


@contextmanager
def product(database_url: str, platforms: Platforms) -> Iterator[Parts]:
    """The parts of a worker whose platforms are in this process."""
    settings, clock = settings_for(database_url), platforms.clock
    db = Database(build_engine(database_url))
    tokens = TokenProvider(db, clock, pause=lambda _seconds: None)
    wecom = WeCom(
        ToSandbox(settings.wecom_api_base, platforms.app), tokens,
        corp_id=settings.wecom_corp_id, agent_id=settings.wecom_agent_id,
        secret=settings.wecom_secret, open_base=settings.wechat_open_base,
    )  # fmt: skip
    account = OfficialAccount(
        ToSandbox(settings.oa_api_base, platforms.app), tokens, app_id=settings.oa_app_id,
        secret=settings.oa_secret, api_base=settings.oa_api_base,
        open_base=settings.wechat_open_base,
    )  # fmt: skip
    outside = Outside(
        settings, Connected({wecom.corp_id: wecom}), Connected({account.app_id: account})
    )
    try:
        spill = Spill(Path(settings.yishu_spill_dir))
        yield Parts(settings, db, queue.connect(settings.redis_url), spill, outside, clock)
    finally:
        db.engine.dispose()


def receive(parts: Parts, letter: Letter) -> None:
    """What the front door does with an opened callback. Returns when it is acknowledged."""
    seen = GLANCES[letter.source](letter.body)
    receiver = (
        parts.settings.wecom_corp_id if letter.source == "wecom" else parts.settings.oa_app_id
    )
    crashpoint("ack.opened")
    with parts.db.transaction() as session:
        inbox.append(
            session, source=letter.source, receiver=receiver, body=letter.body,
            event_type=seen.event_type, partition=seen.partition, occurred_at=seen.at,
            urgent=seen.urgent, now=parts.clock(), reads_only=seen.reads_only,
        )  # fmt: skip
        crashpoint("ack.inserted")
    crashpoint("ack.committed")


def furnish(session: Session) -> None:
    """Tags, one approved content, and a push of it every hour that makes up for everything."""
    tagging.seed(session, NOON)
    tags = {tag.id: 1.0 for key in ("af", "hf") if (tag := tagging.by_key(session, key))}
    fields = {"title": "抗凝新进展", "summary": "摘要", "body": "正文" * 60}
    version = content.draft(session, author="user:1", fields=fields, tags=tags, now=NOON)
    content.submit(session, version.id, now=NOON)
    content.approve(
        session, version.id, approver="user:2", approval_no="示例批准 2026-001",
        valid_from=NOON - timedelta(days=1), valid_until=NOON + timedelta(days=900), now=NOON,
    )  # fmt: skip
    campaign = campaigns.create(
        session, name="每小时", content_id=version.content_id, expression="全部",
        way="suggestion", at=None, cron=CRON, author="user:1", now=NOON,
        catch_up=CatchUp.ALL, max_catch_up=50,
    )  # fmt: skip
    campaigns.activate(session, campaign.id, NOON)


Step = Callable[[], object]
