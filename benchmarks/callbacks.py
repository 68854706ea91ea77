"""Acknowledged callbacks per second of the whole product path, beside the app one writes today.

    python -m benchmarks.callbacks [--json] [--rounds 5] [--requests 1500] [--connections 16]
                                   [--keep-alive] [--per-s 50]

Ours verifies, decrypts, commits the encrypted event to a database that syncs to disk, and answers.
The peer (`_naive.py`) verifies, decrypts, parses and enqueues one RQ job in a Valkey that syncs
once a second. Ours runs in its own server (two processes), the peer under gunicorn (two processes
of four threads); same Valkey, same distinct pre-sealed events, rounds in turn; the ratio is the
median over the rounds of ours / peer. No worker runs on either side. `--connections` are busy at
once, and each request opens its own; with `--per-s` they come at that pace and latency is what
counts. With `--keep-alive` connections stay open, as behind a reverse proxy.
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
from pathlib import Path
from urllib.parse import urlencode

import app.models
from app.connectors.callback_crypto import Secrets, seal
from app.infra.db import build_engine
from benchmarks._load import pack
from benchmarks._servers import ROOT, gunicorn, ours
from launcher import postgres, valkey

WECOM = Secrets("benchmarktoken", "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C", "wwbenchmark")
PEER, SQLITE, POSTGRES = "Flask + wechatpy + rq.enqueue", "Yishu, SQLite", "Yishu, PostgreSQL"
GUNICORN = ["--workers", "2", "--worker-class", "gthread", "--threads", "4", "--log-level", "error"]


def main(arguments: list[str] | None = None) -> int:
    """Run, print a table, and with --json one JSON object on the last line."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="yishu-bench-") as name, ExitStack() as stack:
        folder = Path(name)
        ports = _start(stack, folder, with_postgres=not options.no_postgres)
        rounds = _measure(ports, folder, options)
    result = _summary(rounds, options)
    _print_table(result)
    if options.json:
        print(json.dumps(result))
    return 1 if any(row["other"] for row in result["servers"].values()) else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench callbacks", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--requests", type=int, default=1500, help="per server and round")
    parser.add_argument("--connections", type=int, default=16)
    parser.add_argument("--keep-alive", action="store_true")
    parser.add_argument("--per-s", type=float, default=0, help="a pace; 0: as fast as it goes")
    parser.add_argument("--no-postgres", action="store_true")
    return parser.parse_args(arguments)


def _start(stack: ExitStack, folder: Path, *, with_postgres: bool) -> dict[str, int]:
    redis_url = stack.enter_context(valkey.running(folder))
    environment = {
        "REDIS_URL": redis_url,
        "WECOM_CORP_ID": WECOM.receive_id,
        "WECOM_TOKEN": WECOM.token,
        "WECOM_AES_KEY": WECOM.aes_key,
        "YISHU_SECRET_KEY": secrets.token_hex(16),
        "YISHU_ENCRYPTION_KEYS": f"bench:{secrets.token_hex(32)}",
    }
    databases = {SQLITE: f"sqlite:///{folder / 'bench.db'}"}
    if with_postgres:
        try:
            databases[POSTGRES] = stack.enter_context(_postgres())
        except postgres.NoPostgres as problem:
            print(f"PostgreSQL is left out: {problem}", file=sys.stderr)
    ports = {
        PEER: stack.enter_context(
            gunicorn("benchmarks._naive:app", environment, GUNICORN, folder / "peer.log")
        )
    }
    for number, (name, url) in enumerate(databases.items()):
        _create_tables(url)
        spill = str(folder / f"spill-{number}")
        own = environment | {"DATABASE_URL": url, "YISHU_SPILL_DIR": spill, "WEB_CONCURRENCY": "2"}
        ports[name] = stack.enter_context(ours(own, folder / f"yishu-{number}.log"))
    return ports


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
    ports: dict[str, int], folder: Path, options: argparse.Namespace
) -> dict[str, list[dict[str, float]]]:
    found: dict[str, list[dict[str, float]]] = {name: [] for name in ports}
    names = list(ports)
    for number in range(-1, options.rounds):  # round -1 warms up
        requests = options.requests if number >= 0 else 200
        batch = folder / "requests.bin"
        batch.write_bytes(pack(list(_requests(requests, number, options.keep_alive))))
        for name in names:
            outcome = _load(ports[name], batch, options)
            if number >= 0:
                found[name].append(outcome)
        names.append(names.pop(0))  # nobody is always first
    return found


def _load(port: int, batch: Path, options: argparse.Namespace) -> dict[str, float]:
    asked = [str(port), str(options.connections), str(batch), str(options.per_s)]
    done = subprocess.run(
        [sys.executable, "-m", "benchmarks._load", *asked, *["keep-alive"] * options.keep_alive],
        cwd=ROOT, env=dict(os.environ), capture_output=True, text=True, timeout=120, check=True,
    )  # fmt: skip
    outcome: dict[str, float] = json.loads(done.stdout)
    return outcome


def _requests(count: int, round_number: int, keep_alive: bool = False) -> Iterator[bytes]:
    now, ending = int(time.time()), "" if keep_alive else "Connection: close\r\n"
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
) -> dict[str, object]:
    servers = {}
    for name, runs in rounds.items():
        row = {
            key: statistics.median(run[key] for run in runs)
            for key in ("per_s", "p50_ms", "p99_ms")
        }
        row["other"] = sum(run["other"] for run in runs)
        row["ratio"] = statistics.median(
            run["per_s"] / peer["per_s"] for run, peer in zip(runs, rounds[PEER], strict=True)
        )
        servers[name] = row
    return {
        "bench": "callbacks",
        "ratio": round(servers[SQLITE]["ratio"], 3),
        "peer": " ".join(["gunicorn", *GUNICORN]),
        "connections": options.connections,
        "keep_alive": options.keep_alive,
        "per_s": options.per_s,
        "servers": servers,
    }


def _print_table(result: dict[str, object]) -> None:
    print(f"{'':34}{'callbacks/s':>12}{'p50 ms':>9}{'p99 ms':>9}{'ratio':>8}")
    servers = result["servers"]
    assert isinstance(servers, dict)
    for name, row in servers.items():
        print(
            f"{name:34}{row['per_s']:12.0f}{row['p50_ms']:9.1f}{row['p99_ms']:9.1f}"
            f"{row['ratio']:8.2f}"
        )


if __name__ == "__main__":
    sys.exit(main())
