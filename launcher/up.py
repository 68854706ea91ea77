"""`./dev up`: the whole product on one machine, with embedded defaults and sample data."""

from __future__ import annotations

import json
import os
import socket
import sqlite3
import sys
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

from launcher import embedded, valkey
from launcher.embedded import Folder, Ports
from launcher.guardian import Guardian
from launcher.processes import Family, Leaving
from launcher.tell import Trouble, line, step

HOST = "127.0.0.1"
READY_WITHIN_S = 60.0
CHECKED_TO_BYTES = 64 * 1024 * 1024  # larger files are not read through at each start
PAGES = """
  医枢已启动 · Yishu is running

    手机演示  Phones       http://localhost:{sandbox}/
    控制台    Console      http://localhost:{web}/console/
    接口      API          http://localhost:{web}/api/v1/openapi.json
{logins}
    数据和日志在 var/ · data and logs live in var/
    接口令牌 YISHU_API_TOKEN 在 var/env 中 · the API token is in var/env
    按 Ctrl-C 停止 · press Ctrl-C to stop
"""


@dataclass(frozen=True, slots=True)
class Wishes:
    """What the command line asked for."""

    ports: Ports
    fresh: bool = False
    sample: bool = True


def run(wishes: Wishes, folder: Folder) -> int:
    """Start everything, stay until Ctrl-C, stop everything. Raises Trouble."""
    folder.make()
    held = embedded.lock(folder, wishes.ports)
    _require_free(wishes.ports)
    if wishes.fresh:
        embedded.start_over(folder)
        folder.make()
    folder.forget_counters()
    embedded.ensure_secrets(folder)
    environment = embedded.environment(folder, wishes.ports, os.environ)
    _require_sound(environment["DATABASE_URL"])
    embedded.require_whole(folder, os.environ)
    family = Family(environment, Guardian(keep_open=held))
    family.listen()
    try:
        _start(family, folder, wishes)
        family.run()
    except Leaving:
        pass
    finally:
        if sys.exc_info()[0] is None:
            line("\n  正在停止 · stopping …")
        family.stop()
        valkey.tidy(folder.valkey)
        os.close(held)
    line("  已停止 · stopped. 数据已保留 · data are kept in var/")
    return 0


def _start(family: Family, folder: Folder, wishes: Wishes) -> None:
    if not os.environ.get("REDIS_URL"):
        _start_valkey(family, folder)
    with step("Database 数据库"):
        family.finish("migrate", _python("app.cli", "migrate"), folder.logs)
    with step("Sandbox 沙箱"):
        port = wishes.ports.sandbox
        state = str(folder.sandbox)
        command = _python("app.sandbox", "--port", str(port), "--state", state)
        sandbox = family.start("sandbox", command, folder.logs)
        family.wait_until(sandbox, lambda: _answers(f"http://{HOST}:{port}/"), READY_WITHIN_S)
    sample = _load_sample(family, folder) if wishes.sample else {}
    with step("Web, worker, scheduler 服务"):
        family.start("worker", _python("workers.worker"), folder.logs)
        family.start("scheduler", _python("workers.scheduler"), folder.logs)
        web = family.start("web", _web(wishes), folder.logs)
        ready = f"http://{HOST}:{wishes.ports.web}/readyz"
        family.wait_until(web, lambda: _answers(ready, only=200), READY_WITHIN_S)
    line(_pages(wishes.ports, sample))


def _start_valkey(family: Family, folder: Folder) -> None:
    with step("Valkey"):
        try:
            where = valkey.socket_path(folder.valkey)
            command = valkey.command(folder.valkey, where)
        except valkey.NoServer as problem:
            raise Trouble(str(problem)) from None
        child = family.start("valkey", command, folder.logs)
        try:
            family.wait_until(child, lambda: valkey.answers(where), READY_WITHIN_S)
        except Trouble as trouble:
            if not valkey.set_aside_broken(folder.valkey, child.log):
                raise Trouble(
                    f"{trouble}\n{_shown(folder.valkey)} holds bells only, no data: if it cannot "
                    f"be read, remove the folder and run the same command again."
                ) from None
            family.start_again(child)
            family.wait_until(child, lambda: valkey.answers(where), READY_WITHIN_S)


def _shown(path: Path) -> str:
    return f"{path.parent.name}/{path.name}"


def _load_sample(family: Family, folder: Folder) -> dict[str, object]:
    with step("Sample company 示例公司") as shown:
        command = _python("app.cli", "sample", "load", "--json")
        output = family.finish("sample", command, folder.logs, shown.now)
    try:
        said = json.loads(output.strip().splitlines()[-1])
    except (ValueError, IndexError):
        return {}
    return said if isinstance(said, dict) else {}


def _pages(ports: Ports, sample: dict[str, object]) -> str:
    logins = sample.get("logins")
    text = ""
    if isinstance(logins, list):
        names = "  ".join(f"{one['login']} ({one['role']})" for one in logins)
        text = f"    登录      Log in with  {names}\n"
        text += f"    密码      Password     {sample.get('password', '')}\n"
    else:
        text = "    建账号    Account      .venv/bin/yishu users create admin --role admin\n"
    return PAGES.format(web=ports.web, sandbox=ports.sandbox, logins=text)


def _python(module: str, *arguments: str) -> list[str]:
    return [sys.executable, "-m", module, *arguments]


def _web(wishes: Wishes) -> list[str]:
    return [sys.executable, "web.py", "--host", HOST, "--port", str(wishes.ports.web)]


def _answers(address: str, only: int = 0) -> bool:
    """True when somebody serves HTTP there; with `only`, when the answer has that status."""
    opener = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with opener.open(address, timeout=2) as answer:
            status = int(answer.status)
    except urllib.error.HTTPError as refusal:
        status = refusal.code
    except OSError:
        return False
    return status == only if only else True


def _require_free(ports: Ports) -> None:
    for option, port in (("--port", ports.web), ("--sandbox-port", ports.sandbox)):
        with socket.socket() as probe:
            probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
            try:
                probe.bind((HOST, port))
            except PermissionError:
                raise Trouble(
                    f"Port {port} needs more rights than you have. Choose one above 1023 with "
                    f"{option}."
                ) from None
            except OSError:
                raise Trouble(
                    f"Port {port} is already in use by another program. Stop that one, or choose "
                    f"another: ./dev up {option} {port + 1}"
                ) from None


def _require_sound(url: str) -> None:
    scheme, _, path = url.partition(":///")
    file = Path(path)
    if not scheme.startswith("sqlite") or not file.is_file():
        return
    try:
        with sqlite3.connect(file, timeout=15) as connection:
            connection.execute("SELECT count(*) FROM sqlite_master").fetchone()
            if file.stat().st_size <= CHECKED_TO_BYTES:
                found = connection.execute("PRAGMA quick_check(1)").fetchone()[0]
                if found != "ok":
                    raise sqlite3.DatabaseError(found)
        connection.close()
    except sqlite3.DatabaseError as problem:
        raise Trouble(
            f"The database file {file} is broken ({problem}).\nPut a backup in its place, or move "
            f"it away; ./dev up --fresh starts over with an empty one."
        ) from None
