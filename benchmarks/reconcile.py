"""How long a pull takes: every contact of every rep, compared with what the product knows.

    python -m benchmarks.reconcile [--json] [--reps 12] [--contacts 600] [--postgres]

The simulated platforms serve a company over HTTP in a process of their own; the product knows all
of it already, so each page is fetched and compared and nothing is found. Timed is one full pull
by one worker: pages a second, and contacts compared a second.
"""

from __future__ import annotations

import argparse
import json
import os
import subprocess
import sys
import tempfile
import time
from contextlib import ExitStack
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import httpx

import app.models
from app import completeness, identity, reps
from app.bootstrap import Parts, build
from app.completeness import Kind, PullRun
from app.connectors.wecom.types import Customer, Follower
from app.flows.completeness.reconcile import accounts_of, pull_one
from app.identity import Id
from app.infra.settings import Settings
from benchmarks._servers import ROOT, free_port
from launcher import postgres

SINCE = 1_790_000_000


def main(arguments: list[str] | None = None) -> int:
    """Run, print a line, and with --json one JSON object on the last line."""
    options = _options(arguments)
    with tempfile.TemporaryDirectory(prefix="yishu-bench-") as name, ExitStack() as stack:
        url = f"sqlite:///{name}/yishu.db"
        if options.postgres:
            server = stack.enter_context(postgres.running())
            url = stack.enter_context(postgres.copy_of(server, "template0"))
        settings = _settings(url, free_port())
        process = _start_sandbox(settings, Path(name))
        stack.callback(process.wait, 10)
        stack.callback(process.terminate)
        parts = build(settings)
        app.models.metadata.create_all(parts.db.engine)
        world = _world(options.reps, options.contacts)
        _seed(settings, world)
        _know(parts, settings.wecom_corp_id, world)
        result = _pull(parts) | {"reps": options.reps, "contacts": options.contacts}
        parts.db.engine.dispose()
    print(
        f"{result['calls']} calls in {result['seconds']} s: {result['calls_per_s']} pages/s, "
        f"{result['compared_per_s']} contacts/s; found {result['found'] or 'nothing'}"
    )
    if options.json:
        print(json.dumps(result))
    return 1 if result["failed"] or result["found"] else 0


def _options(arguments: list[str] | None) -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="bench reconcile", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--reps", type=int, default=12)
    parser.add_argument("--contacts", type=int, default=600, help="of each rep")
    parser.add_argument("--postgres", action="store_true")
    return parser.parse_args(arguments)


def _settings(url: str, port: int) -> Settings:
    base = f"http://127.0.0.1:{port}"
    return Settings(
        database_url=url, redis_url="redis://127.0.0.1:1",
        yishu_secret_key="a secret key of benchmarks", yishu_encryption_keys="bench:" + "ab" * 32,
        yishu_base_url="http://127.0.0.1:1", yishu_log_level="ERROR",
        wecom_corp_id="wwbenchmark", wecom_agent_id="1000002", wecom_secret="benchmark-secret",
        wecom_token="benchmarktoken",
        wecom_aes_key="jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C",
        wecom_api_base=f"{base}/wecom", oa_api_base=f"{base}/oa",
    )  # fmt: skip


def _start_sandbox(settings: Settings, folder: Path) -> subprocess.Popen[bytes]:
    values = {
        name.upper(): str(value)
        for name, value in settings.model_dump().items()
        if isinstance(value, str) and value
    }
    port = settings.wecom_api_base.split(":")[2].split("/")[0]
    with (folder / "sandbox.log").open("wb") as log:
        process = subprocess.Popen(
            [sys.executable, "-m", "app.sandbox", "--port", port],
            cwd=ROOT, env=os.environ | values, stdout=log, stderr=log,
        )  # fmt: skip
    until = time.monotonic() + 60
    while time.monotonic() < until:
        try:
            httpx.get(settings.wecom_api_base.removesuffix("/wecom") + "/sandbox/journal")
            return process
        except httpx.HTTPError:
            time.sleep(0.2)
    process.terminate()
    raise RuntimeError("the sandbox did not start")


def _world(number_of_reps: int, contacts: int) -> dict[str, Any]:
    userids = [f"rep{number:02d}" for number in range(1, number_of_reps + 1)]
    persons, relations = [], []
    for position, userid in enumerate(userids):
        for number in range(contacts):
            key = f"{position:02d}{number:05d}"
            persons.append({"key": key, "name": f"医生{key}", "external_userid": f"wm{key}",
                            "unionid": f"oU{key}"})  # fmt: skip
            relations.append({"userid": userid, "external_userid": f"wm{key}", "createtime": SINCE,
                              "remark": f"备注{key}", "tag_ids": []})  # fmt: skip
    members = [{"userid": userid, "name": userid} for userid in userids]
    return {"members": members, "persons": persons, "relations": relations}


def _seed(settings: Settings, world: dict[str, Any]) -> None:
    base = settings.wecom_api_base.removesuffix("/wecom")
    httpx.put(f"{base}/sandbox/world", json=world, timeout=60).raise_for_status()


def _know(parts: Parts, corp_id: str, world: dict[str, Any]) -> None:
    """The product has read everybody before."""
    now = datetime.fromtimestamp(SINCE, UTC)
    people = {person["external_userid"]: person for person in world["persons"]}
    with parts.db.transaction() as session:
        for relation in world["relations"]:
            one = Id(identity.Kind.WECOM_EXTERNAL_USERID, corp_id, relation["external_userid"])
            (row,) = identity.observe(
                session, [one], event_key="bench", source="bench", at=now, now=now
            )
            side = Follower.of(relation)
            customer = Customer.of(people[relation["external_userid"]], [side])
            rep = reps.ensure_rep(session, corp_id, relation["userid"], now=now)
            reps.connect(session, rep, row, since=side.added_at, now=now, remark=side.remark,
                         mark=completeness.mark_of(customer, side))  # fmt: skip


def _pull(parts: Parts) -> dict[str, Any]:
    with parts.db.transaction() as session:
        now = parts.clock()
        run = completeness.begin(session, Kind.FULL, now, accounts_of(parts.outside), now)
        assert run is not None
        run_id = run.id
    started = time.perf_counter()
    while pull_one(parts.db, parts.outside, parts.clock):
        pass
    took = time.perf_counter() - started
    with parts.db.reading() as session:
        run = session.get_one(PullRun, run_id)
    return {
        "calls": run.calls, "seconds": round(took, 2), "calls_per_s": round(run.calls / took, 1),
        "compared_per_s": round(run.there / took), "there": run.there, "known": run.known,
        "found": run.found, "failed": run.failed, "state": run.state,
    }  # fmt: skip


if __name__ == "__main__":
    sys.exit(main())
