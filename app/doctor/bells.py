"""Redis: carries bells only, but whoever can write to it can ask our workers to run things."""

from __future__ import annotations

import ipaddress
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

import redis

from app.bootstrap import Parts
from app.doctor.finding import Finding, attention, bad, good

ADVICE_OPEN = "只监听本机或内网地址，并设置密码（requirepass 或 ACL）"


def redis_server(parts: Parts) -> Iterator[Finding]:
    """It answers, remembers, throws nothing away, and is not open to strangers."""
    try:
        parts.redis.ping()
        info: Mapping[str, Any] = parts.redis.info("all")
    except (redis.RedisError, OSError) as problem:
        yield attention(
            "redis", f"Redis 无法连接（{type(problem).__name__}）",
            "不会丢失任何东西，处理改为每秒查看数据库；请恢复 Redis",
        )  # fmt: skip
        return
    name = "Valkey" if "valkey_version" in info else "Redis"
    yield good("redis", f"{name} {info.get('valkey_version') or info.get('redis_version')} 可用")
    if int(info.get("aof_enabled", 0)):
        yield good("redis.persistence", "AOF 已打开")
    else:
        yield attention(
            "redis.persistence", "AOF 没有打开", "设 appendonly yes，重启后少等一轮轮询"
        )
    policy = str(info.get("maxmemory_policy", "noeviction"))
    if policy == "noeviction":
        yield good("redis.memory", "maxmemory-policy 是 noeviction")
    else:
        yield bad(
            "redis.memory", f"maxmemory-policy 是 {policy}，会随意丢弃通知", "设为 noeviction"
        )
    yield _exposure(parts)


def is_open(bind: str, password: bool, protected: bool) -> bool:
    """True when strangers on the network may talk to it: pure, from its own configuration."""
    if password or protected:
        return False
    return not bind.split() or any(not _is_loopback(one) for one in bind.split())


def _exposure(parts: Parts) -> Finding:
    url = urlsplit(parts.settings.redis_url)
    if url.scheme == "unix":
        return good("redis.exposure", "通过本机套接字连接")
    if not url.password and not _is_loopback(url.hostname or "localhost"):
        return bad("redis.exposure", f"不用密码就能连接 {url.hostname}", ADVICE_OPEN)
    try:
        said = {
            name: str(parts.redis.config_get(name).get(name, ""))
            for name in ("bind", "requirepass", "protected-mode", "port")
        }
    except redis.RedisError:
        return good("redis.exposure", "使用密码连接，服务端不允许查看它的设置")
    password = bool(said["requirepass"] or url.password)
    if said["port"] != "0" and is_open(said["bind"], password, said["protected-mode"] == "yes"):
        return bad("redis.exposure", "Redis 没有密码，并且对网络开放", ADVICE_OPEN)
    return good("redis.exposure", "没有密码的连接只能来自本机" if not password else "需要密码")


def _is_loopback(host: str) -> bool:
    try:
        return ipaddress.ip_address(host.lstrip("-")).is_loopback
    except ValueError:
        return host == "localhost"
