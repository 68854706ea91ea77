"""The only place that builds things: settings → keys, engine, bell, clients → web app or worker.

Building opens no connection: the database, Redis and the platforms are reached on first use.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, TypeVar

import redis
from flask import Flask

from app.connectors.calls import http_client
from app.connectors.official_account.client import OfficialAccount
from app.connectors.tokens import TokenProvider
from app.connectors.wecom.client import WeCom
from app.flows import Outside
from app.inbox import Spill
from app.infra import crypto, log, queue
from app.infra import settings as settings_module
from app.infra.clock import Clock, utc_now
from app.infra.db import Database, build_engine
from app.infra.errors import Permanent
from app.infra.settings import Settings

if TYPE_CHECKING:
    from app.web.callbacks.asgi import CallbacksFirst

Client = TypeVar("Client", WeCom, OfficialAccount)


@dataclass(frozen=True, slots=True)
class Parts:
    """Everything a process needs, built once."""

    settings: Settings
    db: Database
    redis: redis.Redis
    spill: Spill
    outside: Outside
    clock: Clock


def build(settings: Settings | None = None, *, clock: Clock = utc_now, process: str = "") -> Parts:
    """All parts for one process. Raises Misconfigured with a sentence for people."""
    settings = settings or settings_module.load()
    log.configure(settings.yishu_log_level, process=process)
    crypto.install(crypto.KeyRing.parse(settings.yishu_encryption_keys))
    connection = queue.connect(settings.redis_url)
    bell: queue.Bell = queue.RedisBell(queue.connect_bell(settings.redis_url))
    if process == "web":
        bell = queue.BackgroundBell(bell)
    db = Database(build_engine(settings.database_url), bell)
    spill = Spill(Path(settings.yishu_spill_dir))
    return Parts(settings, db, connection, spill, _outside(settings, db, clock), clock)


def build_asgi() -> CallbacksFirst:
    """What the web process serves."""
    from app.web import create_asgi  # here: workers need no pages

    return create_asgi(build(process="web"))


def build_web(parts: Parts | None = None) -> Flask:
    """The web application."""
    from app.web import create_app  # here: workers need no pages

    return create_app(parts or build(process="web"))


def _outside(settings: Settings, db: Database, clock: Clock) -> Outside:
    tokens = TokenProvider(db, clock)
    wecom = WeCom(
        http_client(settings.wecom_api_base),
        tokens,
        corp_id=settings.wecom_corp_id,
        agent_id=settings.wecom_agent_id,
        secret=settings.wecom_secret,
        open_base=settings.wechat_open_base,
    )
    account = OfficialAccount(
        http_client(settings.oa_api_base),
        tokens,
        app_id=settings.oa_app_id,
        secret=settings.oa_secret,
        api_base=settings.oa_api_base,
        open_base=settings.wechat_open_base,
    )
    return Outside(
        settings, Connected({wecom.corp_id: wecom}), Connected({account.app_id: account})
    )


class Connected(dict[str, Client]):
    """Clients by corp id or app id. Raises Permanent for one that is not connected."""

    def __missing__(self, key: str) -> Client:
        raise Permanent(f"没有连接企业或公众号 {key[:40]}，请检查设置后重放。")
