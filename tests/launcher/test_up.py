"""`./dev up` as people meet it: it runs, it says clearly what is wrong, it leaves nothing behind."""

from __future__ import annotations

import os
import re
import signal
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from launcher.tell import ROOT
from tests.ports import free_port

UP = """
import sys
from pathlib import Path
from launcher import embedded, up
from launcher.tell import Trouble
folder, web, sandbox, *rest = sys.argv[1:]
wishes = up.Wishes(embedded.Ports(int(web), int(sandbox)), fresh="fresh" in rest, sample=False)
try:
    sys.exit(up.run(wishes, embedded.Folder(Path(folder))))
except Trouble as trouble:
    sys.exit(f"TROUBLE {trouble}")
"""
OURS = ("YISHU_", "WECOM_", "OA_", "DATABASE_URL", "REDIS_URL", "WECHAT_")


@dataclass
class Place:
    """A folder and two free ports."""

    folder: Path
    web: int
    sandbox: int

    def up(self, *wishes: str) -> subprocess.Popen[str]:
        """Start the product there."""
        command = [sys.executable, "-c", UP, str(self.folder), str(self.web), str(self.sandbox)]
        clean = {name: value for name, value in os.environ.items() if not name.startswith(OURS)}
        return subprocess.Popen(
            [*command, *wishes], cwd=ROOT, env=clean, text=True,
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT,
        )  # fmt: skip

    def refused(self, *wishes: str) -> str:
        """What `up` says when it does not start."""
        process = self.up(*wishes)
        said, _ = process.communicate(timeout=60)
        assert process.returncode == 1
        assert "Traceback" not in said
        return said.partition("TROUBLE ")[2]

    def processes(self) -> list[int]:
        """Everything alive that belongs to this place, by its environment or command line."""
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                mine = (entry / "environ").read_bytes() + (entry / "cmdline").read_bytes()
            except OSError:
                continue
            if str(self.folder).encode() in mine and int(entry.name) != os.getpid():
                found.append(int(entry.name))
        return found


@pytest.fixture
def place(tmp_path: Path) -> Iterator[Place]:
    made = Place(tmp_path / "var", free_port(), free_port())
    yield made
    for pid in made.processes():
        os.kill(pid, signal.SIGKILL)


@pytest.mark.slow
@pytest.mark.skipif(sys.platform != "linux", reason="looks into /proc")
@pytest.mark.timeout(180)
def test_it_runs_restarts_what_crashes_keeps_data_and_leaves_nothing_behind(place: Place) -> None:
    product = place.up()
    assert product.stdout
    wait_for(product, "Yishu is running")
    with urllib.request.urlopen(f"http://127.0.0.1:{place.web}/readyz", timeout=5) as answer:
        assert answer.status == 200
    assert f"process {product.pid}" in place.refused()

    worker = running(place, "workers.worker")
    os.kill(worker, signal.SIGKILL)
    wait_for(product, "worker ended (signal 9)")
    assert becomes(lambda: running(place, "workers.worker") not in (0, worker))

    product.send_signal(signal.SIGINT)
    said, _ = product.communicate(timeout=30)
    assert product.returncode == 0
    assert "killed" not in said
    assert place.processes() == []

    before = (place.folder / "env").read_text()
    again = place.up()
    wait_for(again, "Yishu is running")
    again.kill()
    again.communicate(timeout=10)
    assert becomes(lambda: place.processes() == [])
    assert (place.folder / "env").read_text() == before


@pytest.mark.parametrize("which", ["web", "sandbox"])
def test_a_busy_port_is_named_with_the_way_out(place: Place, which: str) -> None:
    port = getattr(place, which)
    option = {"web": "--port", "sandbox": "--sandbox-port"}[which]
    with socket.create_server(("127.0.0.1", port)):
        said = place.refused()
    assert f"Port {port} is already in use" in said
    assert f"./dev up {option} {port + 1}" in said


@pytest.mark.parametrize("damage", [b"not a database at all, but long enough to look", b"SQLite"])
def test_a_broken_database_file_is_named_and_left_alone(place: Place, damage: bytes) -> None:
    place.folder.mkdir()
    database = place.folder / "yishu.db"
    (place.folder / "env").write_text("YISHU_SECRET_KEY=x\n")
    database.write_bytes(damage * 200)
    said = place.refused()
    assert f"The database file {database} is broken" in said
    assert "--fresh" in said
    assert database.read_bytes() == damage * 200


def wait_for(process: subprocess.Popen[str], text: str) -> None:
    assert process.stdout
    said = ""
    for line in process.stdout:
        said += line
        if re.search(re.escape(text), line):
            return
    raise AssertionError(said)


def running(place: Place, module: str) -> int:
    for pid in place.processes():
        try:
            if module in Path(f"/proc/{pid}/cmdline").read_text().split("\0"):
                return pid
        except OSError:
            continue
    return 0


def becomes(is_so: object, within_s: float = 15.0) -> bool:
    assert callable(is_so)
    deadline = time.monotonic() + within_s
    while not is_so():
        if time.monotonic() > deadline:
            return False
        time.sleep(0.1)
    return True
