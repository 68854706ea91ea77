"""The only place that builds things: settings → keys, engine, bell, clients → web app or worker.

Building opens no connection: the database, Redis and the platforms are reached on first use.
"""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

import redis
from flask import Flask

from app.connectors.http import Http
from app.connectors.official_account.client import OfficialAccount
from app.connectors.tokens import TokenProvider
from app.connectors.wecom.client import WeCom
from app.flows import Outside
from app.inbox import Spill
from app.infra import crypto, log, queue
from app.infra import settings as settings_module
from app.infra.clock import Clock, utc_now
from app.infra.database_clock import DatabaseClock
from app.infra.db import Database, build_engine
from app.infra.errors import Permanent
from app.infra.settings import Settings

BEHIND = ("worker", "scheduler")  # processes that nobody waits for
RINGS_OFTEN = ("web", "worker")  # rings from a thread, equal bells together

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


def build(
    settings: Settings | None = None, *, clock: Clock | None = None, process: str = ""
) -> Parts:
    """All parts for one process. Raises Misconfigured with a sentence for people.

    Worker and scheduler go by the database's time where it has one. The web goes by its host's:
    it must answer without a database, and a signature's age is a matter of real time.
    """
    settings = settings or settings_module.load()
    log.configure(settings.yishu_log_level, process=process)
    crypto.install(crypto.KeyRing.parse(settings.yishu_encryption_keys))
    connection = queue.connect(settings.redis_url)
    bell: queue.Bell = queue.RedisBell(queue.connect_bell(settings.redis_url))
    if process in RINGS_OFTEN:
        bell = queue.BackgroundBell(bell)
    db = Database(build_engine(settings.database_url), bell)
    if clock is None:
        behind = process in BEHIND and db.engine.dialect.name == "postgresql"
        clock = DatabaseClock(db.engine) if behind else utc_now
    spill = Spill(Path(settings.yishu_spill_dir))
    return Parts(settings, db, connection, spill, _outside(settings, db, clock), clock)


def build_web(parts: Parts | None = None) -> Flask:
    """The web application."""
    from app.web import create_app  # here: workers need no pages

    return create_app(parts or build(process="web"))


def _outside(settings: Settings, db: Database, clock: Clock) -> Outside:
    tokens = TokenProvider(db, clock)
    wecom = WeCom(
        Http(settings.wecom_api_base),
        tokens,
        corp_id=settings.wecom_corp_id,
        agent_id=settings.wecom_agent_id,
        secret=settings.wecom_secret,
        open_base=settings.wechat_open_base,
    )
    account = OfficialAccount(
        Http(settings.oa_api_base),
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
