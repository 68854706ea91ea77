"""The empty job of each peer of `benchmarks.worker`, in an environment of their own.

The variable PEER names the one that this process belongs to. `FILL` puts jobs into its queue on
REDIS_URL, `COMMANDS` carries them out. Everything is what one gets by default, but for one job at
a time. Runs without the product's packages.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path
from typing import Any

PYTHON = Path(__file__).parents[1] / ".venv" / "peers" / "bin" / "python"
MODULE = "benchmarks._peers"
FILL = f"import {MODULE} as p; [p.enqueue() for _ in range({{}})]"
COMMANDS = {
    "celery": ["-m", "celery", "-A", f"{MODULE}:peer", "worker", "-c", "1", "-l", "ERROR"],
    "dramatiq": ["-m", "dramatiq", f"{MODULE}:peer", "-p", "1", "-t", "1"],
    "huey": ["-m", "huey.bin.huey_consumer", f"{MODULE}.peer", "-w", "1", "-q"],
}


def left(connection: Any, name: str) -> int:
    """How many jobs of the peer are not finished; `connection` is a Redis client."""
    if name == "celery":
        return int(connection.llen("celery") + connection.hlen("unacked"))
    if name == "dramatiq":
        return int(connection.hlen("dramatiq:default.msgs"))
    return int(connection.llen("huey.redis.bench"))


def _celery(url: str) -> tuple[Any, Callable[[], object]]:
    from celery import Celery

    peer = Celery(MODULE, broker=url.replace("unix://", "redis+socket://"))
    job = peer.task(name="nothing", ignore_result=True)(nothing)
    return peer, job.delay


def _dramatiq(url: str) -> tuple[Any, Callable[[], object]]:
    import dramatiq
    from dramatiq.brokers.redis import RedisBroker

    peer = RedisBroker(url=url)
    dramatiq.set_broker(peer)
    return peer, dramatiq.actor(nothing).send


def _huey(url: str) -> tuple[Any, Callable[[], object]]:
    from huey import RedisHuey

    peer = RedisHuey("bench", url=url)
    return peer, peer.task()(nothing)


def nothing() -> None:
    """Nothing."""


_MAKERS = {"celery": _celery, "dramatiq": _dramatiq, "huey": _huey}
if os.environ.get("PEER"):
    peer, enqueue = _MAKERS[os.environ["PEER"]](os.environ["REDIS_URL"])
