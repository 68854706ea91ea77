"""The real clients against the simulated platforms over HTTP, sharing tokens in a real database."""

from __future__ import annotations

import threading
from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from werkzeug.serving import make_server

from app.connectors.http import Http
from app.connectors.official_account.client import OfficialAccount
from app.connectors.tokens import TokenProvider
from app.connectors.wecom.client import WeCom
from app.infra.db import Database
from app.infra.settings import Settings
from app.sandbox.__main__ import config_of
from app.sandbox.server import build
from app.sandbox.world import Relation, World
from tests.conftest import SetClock, make_settings

PEOPLE: dict[str, Any] = {
    "members": [{"userid": "Rep01", "name": "陈晓彤"}, {"userid": "rep02", "name": "林致远"}],
    "persons": [
        {"key": "wang", "name": "王某某", "unionid": "oUwang", "external_userid": "wmWang",
         "openid": "oAwang", "follows_oa": True},
        {"key": "li", "name": "李某某", "unionid": "oUli", "external_userid": "wmLi"},
    ],
    "relations": [
        {"userid": "Rep01", "external_userid": "wmWang", "createtime": 1_790_000_000,
         "remark": "王主任", "remark_mobiles": ["19912345678"], "tag_ids": ["et1"],
         "state": "hall-3"},
        {"userid": "rep02", "external_userid": "wmWang", "createtime": 1_790_000_500},
    ],
    "corp_tags": [
        {"group_id": "g1", "group_name": "专科",
         "tags": [{"id": "et1", "name": "房颤"}, {"id": "et2", "name": "心衰"}]},
    ],
}  # fmt: skip


@dataclass
class Platforms:
    """Both simulated platforms, our clients, and what the platforms saw."""

    world: World
    settings: Settings
    tokens: TokenProvider
    clock: SetClock
    base: str

    def wecom(self, *, secret: str = "", base: str = "") -> WeCom:
        """A new client, as another process would have one."""
        return WeCom(
            Http(base or self.settings.wecom_api_base),
            self.tokens,
            corp_id=self.settings.wecom_corp_id,
            agent_id=self.settings.wecom_agent_id,
            secret=secret or self.settings.wecom_secret,
            open_base=self.settings.wechat_open_base,
        )

    def account(self, *, secret: str = "", base: str = "") -> OfficialAccount:
        """A new client of the Official Account."""
        base = base or self.settings.oa_api_base
        return OfficialAccount(
            Http(base),
            self.tokens,
            app_id=self.settings.oa_app_id,
            secret=secret or self.settings.oa_secret,
            api_base=base,
            open_base=self.settings.wechat_open_base,
        )

    def calls(self) -> Counter[str]:
        """How often each API was called."""
        with self.world.lock:
            return Counter(line["name"] for line in self.world.journal if line["kind"] == "call")

    def trouble(self, **what: Any) -> None:
        """Make the platforms misbehave."""
        self.world.trouble.update(what)

    def fails(self, api: str, errcode: int, times: int = 1) -> None:
        """The next calls of `api` answer this code."""
        self.trouble(errcodes={api: {"errcode": errcode, "times": times}})

    def expire_tokens(self) -> None:
        """The platforms forget every token, before its time."""
        self.world.tokens.clear()

    def relation(self, userid: str, external_userid: str) -> Relation:
        """One member's side of a contact."""
        found = self.world.relation(userid, external_userid)
        assert found is not None
        return found


@pytest.fixture
def platforms(database: Database, database_url: str, clock: SetClock) -> Iterator[Platforms]:
    world = World(clock=lambda: clock().timestamp())
    world.seed(PEOPLE)
    plain = make_settings(database_url, "redis://unused")
    app = build(config_of(plain), world, lambda _path, _query, _body: 200)
    server = make_server("127.0.0.1", 0, app, threaded=True)
    threading.Thread(target=server.serve_forever, args=(0.05,), daemon=True).start()
    base = f"http://127.0.0.1:{server.server_port}"
    settings = make_settings(
        database_url,
        "redis://unused",
        wecom_api_base=f"{base}/wecom",
        oa_api_base=f"{base}/oa",
        wechat_open_base=f"{base}/open",
    )
    yield Platforms(world, settings, TokenProvider(database, clock), clock, base)
    server.shutdown()
    server.server_close()
