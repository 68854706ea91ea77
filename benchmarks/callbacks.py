"""Acknowledged callbacks per second of the whole product path, beside the app one writes today.

    python -m benchmarks.callbacks [--json] [--rounds 5] [--requests 4000] [--connections 64]
                                   [--reconnect] [--per-s 50] [--no-postgres]

Ours verifies, decrypts, commits the encrypted event to a database that syncs to disk, and answers.
The peer (`_naive.py`) verifies, decrypts, parses and enqueues one RQ job in a Valkey that syncs
once a second. Ours runs in its own server (two processes), the peer under gunicorn (two processes
of four threads); same Valkey, same distinct pre-sealed events, rounds in turn. No worker runs on
either side.

Everything that serves (web, database, Valkey) has one core and the load client another, so that the
client neither slows nor feeds what is measured: callbacks/s is what one core acknowledges, waiting
for the disk included. Processor time per callback is that of the web processes, the database and
the Valkey together. Both ratios are medians over the rounds of ours against the peer.

`--connections` stay open, as behind a reverse proxy; with `--reconnect` each request opens its own.
With `--per-s` requests come at that pace and latency is what counts.
"""

from __future__ import annotations

import argparse
import json
import os
import secrets
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import app.models
from app.connectors.callback_crypto import Secrets, seal
from app.infra.db import build_engine
from benchmarks import _cores
from benchmarks._load import pack
from benchmarks._servers import ROOT, gunicorn, ours
from launcher import postgres, valkey

WECOM = Secrets("benchmarktoken", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wwbenchmark")
PEER, SQLITE, POSTGRES = "Flask + wechatpy + rq.enqueue", "Yishu, SQLite", "Yishu, PostgreSQL"
GUNICORN = ["--workers", "2", "--worker-class", "gthread", "--threads", "4", "--log-level", "error"]


@dataclass(frozen=True, slots=True)
class Side:
    """A server, and all processes whose time its callbacks cost."""

    port: int
    processes: frozenset[int]


def main(arguments: list[str] | None = None) -> int:
    """Run, print a table, and with --json one JSON object on the last line."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="yishu-bench-") as name, ExitStack() as stack:
        options.client_core = stack.enter_context(_cores.apart())
        sides = _start(stack, Path(name), with_postgres=not options.no_postgres)
        rounds = _measure(sides, Path(name), options)
    result = _summary(rounds, options)
    _print_table(result)
    if options.json:
        print(json.dumps(result))
    return 1 if any(row["other"] for row in result["servers"].values()) else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench callbacks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=4000, help="per server and round")
    parser.add_argument("--connections", type=int, default=64)
    parser.add_argument("--reconnect", action="store_true", help="one connection a request")
    parser.add_argument("--per-s", type=float, default=0, help="a pace; 0: as fast as it goes")
    parser.add_argument("--no-postgres", action="store_true")
    return parser.parse_args(arguments)


def _start(stack: ExitStack, folder: Path, *, with_postgres: bool) -> dict[str, Side]:
    redis_url = stack.enter_context(valkey.running(folder))
    shared = _cores.children()
    environment = {
        "REDIS_URL": redis_url,
        "WECOM_CORP_ID": WECOM.receive_id,
        "WECOM_TOKEN": WECOM.token,
        "WECOM_AES_KEY": WECOM.aes_key,
        "YISHU_SECRET_KEY": secrets.token_hex(16),
        "YISHU_ENCRYPTION_KEYS": f"bench:{secrets.token_hex(32)}",
    }
    peer = stack.enter_context(
        gunicorn("benchmarks._naive:app", environment, GUNICORN, folder / "peer.log")
    )
    sides = {PEER: Side(peer.port, shared | {peer.pid})}

    def add(name: str, url: str, database: frozenset[int]) -> None:
        _create_tables(url)
        spill, log = folder / f"spill-{len(sides)}", folder / f"yishu-{len(sides)}.log"
        own = {"DATABASE_URL": url, "YISHU_SPILL_DIR": str(spill), "WEB_CONCURRENCY": "2"}
        server = stack.enter_context(ours(environment | own, log))
        sides[name] = Side(server.port, shared | database | {server.pid})

    add(SQLITE, f"sqlite:///{folder / 'bench.db'}", frozenset())
    if with_postgres:
        before = _cores.children()
        try:
            url = stack.enter_context(_postgres())
        except postgres.NoPostgres as problem:
            print(f"PostgreSQL is left out: {problem}", file=sys.stderr)
        else:
            add(POSTGRES, url, _cores.children() - before)
    return sides


@contextmanager
def _postgres() -> Iterator[str]:
    with (
        postgres.running(durable=True) as administrator,
        postgres.copy_of(administrator, "template1") as url,
    ):
        yield url


def _create_tables(url: str) -> None:
    engine = build_engine(url)
    app.models.metadata.create_all(engine)
    engine.dispose()


def _measure(
    sides: dict[str, Side], folder: Path, options: argparse.Namespace
) -> dict[str, list[dict[str, float]]]:
    found: dict[str, list[dict[str, float]]] = {name: [] for name in sides}
    names = list(sides)
    for number in range(-1, options.rounds):  # round -1 warms up
        requests = options.requests if number >= 0 else 500
        batch = folder / "requests.bin"
        batch.write_bytes(pack(list(_requests(requests, number, options.reconnect))))
        for name in names:
            outcome = _load(sides[name], batch, options)
            if number >= 0:
                found[name].append(outcome)
        names.append(names.pop(0))  # nobody is always first
    return found


def _load(side: Side, batch: Path, options: argparse.Namespace) -> dict[str, float]:
    asked = [str(side.port), str(options.connections), str(batch), str(options.per_s)]
    asked += ["--keep-alive"] * (not options.reconnect)
    asked += ["--core", str(options.client_core)] * (options.client_core is not None)
    before = _cores.cpu_s(side.processes)
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks._load", *asked],
        cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=300, check=True,
    )  # fmt: skip
    outcome: dict[str, float] = json.loads(done.stdout)
    used = _cores.cpu_s(side.processes) - before
    outcome["cpu_us"] = used / max(outcome["ok"], 1) * 1e6
    outcome["client_busy"] = outcome["client_cpu_s"] / outcome["seconds"]
    return outcome


def _requests(count: int, round_number: int, reconnect: bool) -> Iterator[bytes]:
    now, ending = int(time.time()), "Connection: close\r\n" if reconnect else ""
    for number in range(count):
        plain = _event(f"wm{round_number + 1:02d}{number:08d}invented", now)
        made = seal(WECOM, plain, timestamp=now, nonce=f"{number:010d}")
        query = urlencode(
            {"msg_signature": made.signature, "timestamp": made.timestamp, "nonce": made.nonce}
        )
        body = made.xml(WECOM.receive_id, "1000002")
        head = (
            f"POST /callbacks/wecom/main?{query} HTTP/1.1\r\nHost: 127.0.0.1\r\n"
            f"Content-Type: text/xml\r\nContent-Length: {len(body)}\r\n{ending}\r\n"
        )
        yield head.encode() + body


def _event(contact: str, at: int) -> bytes:
    return (
        f"<xml><ToUserName><![CDATA[{WECOM.receive_id}]]></ToUserName>"
        "<FromUserName><![CDATA[sys]]></FromUserName>"
        f"<CreateTime>{at}</CreateTime><MsgType><![CDATA[event]]></MsgType>"
        "<Event><![CDATA[change_external_contact]]></Event>"
        "<ChangeType><![CDATA[edit_external_contact]]></ChangeType>"
        "<UserID><![CDATA[invented-rep]]></UserID>"
        f"<ExternalUserID><![CDATA[{contact}]]></ExternalUserID>"
        "<State><![CDATA[invented]]></State></xml>"
    ).encode()


def _summary(
    rounds: dict[str, list[dict[str, float]]], options: argparse.Namespace
) -> dict[str, Any]:
    servers = {}
    for name, runs in rounds.items():
        row = {
            key: statistics.median(run[key] for run in runs)
            for key in ("per_s", "cpu_us", "p50_ms", "p99_ms", "client_busy")
        }
        row["other"] = sum(run["other"] for run in runs)
        both = list(zip(runs, rounds[PEER], strict=True))
        row["ratio"] = statistics.median(run["per_s"] / peer["per_s"] for run, peer in both)
        row["cpu_ratio"] = statistics.median(
            peer["cpu_us"] / max(run["cpu_us"], 1e-9) for run, peer in both
        )
        servers[name] = row
    return {
        "bench": "callbacks",
        "ratio": round(servers[SQLITE]["ratio"], 3),
        "cpu_ratio": round(servers[SQLITE]["cpu_ratio"], 3),
        "peer": " ".join(["gunicorn", *GUNICORN]),
        "connections": options.connections,
        "reconnect": options.reconnect,
        "per_s": options.per_s,
        "apart": options.client_core is not None,
        "servers": servers,
    }


def _print_table(result: dict[str, Any]) -> None:
    names = ("callbacks/s", "of peer", "CPU µs each", "of peer", "p50 ms", "p99 ms", "client busy")
    print(f"{'':30}" + "".join(f"{name:>13}" for name in names))
    for name, row in result["servers"].items():
        print(
            f"{name:30}{row['per_s']:13.0f}{row['ratio']:12.2f}x{row['cpu_us']:13.0f}"
            f"{row['cpu_ratio']:12.2f}x{row['p50_ms']:13.1f}{row['p99_ms']:13.1f}"
            f"{row['client_busy']:13.0%}"
        )
    if not result["apart"]:
        print("One core for servers and client: callbacks/s holds the client's own work, too.")


if __name__ == "__main__":
    sys.exit(main())
