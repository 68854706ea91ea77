"""The embedded defaults of one folder: where data live, which secrets protect them, who may run.

Everything is under `var/`: `yishu.db`, the private Valkey, logs, and `env` with secrets made on
first use. What the caller's environment already says wins over every default.
"""

from __future__ import annotations

import base64
import fcntl
import json
import os
import secrets
import shutil
import time
from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path

from launcher import valkey
from launcher.tell import ROOT, Trouble, line

STOPPING_WITHIN_S = 15.0
TOKEN = "YISHU_API_TOKEN"  # a folder works without it


@dataclass(frozen=True, slots=True)
class Ports:
    """Where the product and the sandbox listen."""

    web: int = 8000
    sandbox: int = 8100


@dataclass(frozen=True, slots=True)
class Folder:
    """`var/` of a checkout."""

    path: Path = ROOT / "var"

    @property
    def database(self) -> Path:
        """The SQLite file."""
        return self.path / "yishu.db"

    @property
    def secrets(self) -> Path:
        """Secrets and invented platform credentials, for this folder only."""
        return self.path / "env"

    @property
    def logs(self) -> Path:
        """One log for each process."""
        return self.path / "log"

    @property
    def valkey(self) -> Path:
        """The append-only file of the private Valkey."""
        return self.path / "valkey"

    @property
    def spill(self) -> Path:
        """Callbacks that wait for the database."""
        return self.path / "spill"

    @property
    def sandbox(self) -> Path:
        """What the simulated platforms remember."""
        return self.path / "sandbox.json"

    @property
    def counters(self) -> Path:
        """Where the processes count together, from one start to the next."""
        return self.path / "counters"

    @property
    def running(self) -> Path:
        """Who runs here: locked while `up` lives, and the ports it took."""
        return self.path / "up.lock"

    def make(self) -> None:
        """Create the folders, readable by their owner only."""
        for path in (self.path, self.logs, self.valkey, self.counters):
            path.mkdir(mode=0o700, parents=True, exist_ok=True)

    def forget_counters(self) -> None:
        """Begin to count from zero."""
        for path in self.counters.glob("*.db"):
            path.unlink()


def lock(folder: Folder, ports: Ports) -> int:
    """Take the folder for this process; returns the file that holds the lock. Raises Trouble.

    The lock goes with the process, however it ends, so a stale process id means nothing.
    """
    handle = os.open(folder.running, os.O_RDWR | os.O_CREAT, 0o600)
    deadline = time.monotonic() + STOPPING_WITHIN_S
    while True:
        try:
            fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
            break
        except BlockingIOError:
            owner = _owner(folder)
            if _alive(owner):
                os.close(handle)
                raise Trouble(
                    f"./dev up already runs in this folder (process {owner}). Stop it with Ctrl-C "
                    f"or `kill {owner}`, or work in another clone."
                ) from None
            if time.monotonic() > deadline:
                os.close(handle)
                raise Trouble(
                    "Processes of an earlier ./dev up are still stopping. Try again in a moment."
                ) from None
            time.sleep(0.2)
    text = json.dumps({"pid": os.getpid(), **asdict(ports)}).encode()
    os.ftruncate(handle, 0)
    os.pwrite(handle, text, 0)
    return handle


def ports_in_use(folder: Folder) -> Ports:
    """The ports of the `up` that runs here or ran here last."""
    said = _said(folder)
    return Ports(said.get("web", Ports().web), said.get("sandbox", Ports().sandbox))


def start_over(folder: Folder) -> None:
    """Remove everything that `up` keeps, saying what."""
    doomed = [
        path
        for path in (
            *(folder.path.glob("yishu.db*")),
            folder.secrets,
            folder.valkey,
            folder.sandbox,
            folder.spill,
            folder.logs,
        )
        if path.exists()
    ]
    if not doomed:
        line("  --fresh: there is nothing to remove")
        return
    names = sorted(str(path.relative_to(folder.path.parent)) for path in doomed)
    line(f"  --fresh removes {', '.join(names)}")
    for path in doomed:
        shutil.rmtree(path) if path.is_dir() else path.unlink()


def environment(folder: Folder, ports: Ports, given: Mapping[str, str]) -> dict[str, str]:
    """The whole environment of the product's processes: `given` over secrets over defaults."""
    sandbox = f"http://localhost:{ports.sandbox}"
    defaults = {
        "DATABASE_URL": f"sqlite:///{folder.database}",
        "REDIS_URL": f"unix://{valkey.socket_path(folder.valkey)}",
        "YISHU_BASE_URL": f"http://localhost:{ports.web}",
        "YISHU_SPILL_DIR": str(folder.spill),
        "YISHU_DEMO": "true",
        "WECOM_API_BASE": f"{sandbox}/wecom",
        "OA_API_BASE": f"{sandbox}/oa",
        "WECHAT_OPEN_BASE": f"{sandbox}/open",
        "PROMETHEUS_MULTIPROC_DIR": str(folder.counters),
        "PYTHONUNBUFFERED": "1",
    }
    chosen = {name: value for name, value in given.items() if value}
    return defaults | _read(folder.secrets) | chosen


def ensure_secrets(folder: Folder) -> bool:
    """Make secrets on first use; True when they are new. Raises Trouble when data lost theirs."""
    if folder.secrets.exists():
        return False
    if folder.database.exists() and folder.database.stat().st_size > 0:
        raise Trouble(
            f"{folder.database} is encrypted, and its keys were in {folder.secrets}, which is "
            f"gone.\nBring that file back, or start over with: ./dev up --fresh"
        )
    text = "\n".join(f"{name}={value}" for name, value in _invented().items())
    handle = os.open(folder.secrets, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
    with os.fdopen(handle, "w") as file:
        file.write(
            f"# Made by ./dev up for this folder. Without it var/yishu.db is lost.\n{text}\n"
        )
    return True


def require_whole(folder: Folder, given: Mapping[str, str]) -> None:
    """Raises Trouble when `var/env` has lost a secret that the caller does not give either."""
    said = _read(folder.secrets)
    needed = [name for name in _invented() if name.startswith("YISHU_") and name != TOKEN]
    lost = [name for name in needed if not said.get(name) and not given.get(name)]
    if lost:
        raise Trouble(
            f"{folder.secrets} is broken: it says nothing of {', '.join(lost)}. Bring a copy of "
            f"it back; without it the data of this folder are lost, and only ./dev up --fresh "
            f"helps."
        )


def _invented() -> dict[str, str]:
    return {
        "YISHU_SECRET_KEY": secrets.token_urlsafe(32),
        "YISHU_ENCRYPTION_KEYS": f"k1:{_key()},index:{_key()}",
        TOKEN: secrets.token_urlsafe(24),
        "WECOM_CORP_ID": "wwsamplecompany0001",
        "WECOM_AGENT_ID": "1000002",
        "WECOM_SECRET": secrets.token_urlsafe(32),
        "WECOM_TOKEN": secrets.token_hex(12),
        "WECOM_AES_KEY": _aes_key(),
        "OA_APP_ID": "wxsampleaccount001",
        "OA_SECRET": secrets.token_hex(16),
        "OA_TOKEN": secrets.token_hex(12),
        "OA_AES_KEY": _aes_key(),
    }


def _key() -> str:
    return base64.urlsafe_b64encode(secrets.token_bytes(32)).decode()


def _aes_key() -> str:
    """43 characters, letters and digits only, as the platforms demand."""
    while True:
        key = base64.b64encode(secrets.token_bytes(32)).decode().rstrip("=")
        if key.isalnum():
            return key


def _read(path: Path) -> dict[str, str]:
    try:
        lines = path.read_text().splitlines()
    except FileNotFoundError:
        return {}
    except UnicodeDecodeError:
        raise Trouble(
            f"{path} is broken: it is not text. Bring a copy of it back; without it the data of "
            f"this folder are lost, and only ./dev up --fresh helps."
        ) from None
    pairs = (line.partition("=") for line in lines if line and not line.startswith("#"))
    return {name: value for name, _, value in pairs}


def _said(folder: Folder) -> dict[str, int]:
    try:
        said = json.loads(folder.running.read_text())
    except (OSError, ValueError):
        return {}
    return said if isinstance(said, dict) else {}


def _owner(folder: Folder) -> int:
    return _said(folder).get("pid", 0)


def _alive(pid: int) -> bool:
    if not pid:
        return False
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return False
    except PermissionError:
        return True
    return True
