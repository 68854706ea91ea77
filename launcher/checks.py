"""What CI runs: format, lint, types, import contracts, tests, faults."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Sequence

from launcher.environment import BIN
from launcher.tell import ROOT, Trouble, line, step

PROGRAMS = (
    "app",
    "workers",
    "launcher",
    "benchmarks",
    "faults",
    "tests",
    "dev",
    "web.py",
)
PARALLEL = "2"
FAULTS_WITHIN_S = 600  # under four minutes on two idle processors; then something hangs


def test(arguments: Sequence[str]) -> int:
    """Run pytest; without arguments the whole suite, on two processes. Returns its exit code."""
    line("\nTests, on SQLite and PostgreSQL, with a real Valkey")
    chosen = list(arguments) or [
        "-n",
        PARALLEL,
        "--dist",
        "worksteal",
        "-rfEs",
        "--durations",
        "10",
    ]
    return subprocess.call([sys.executable, "-m", "pytest", *chosen], cwd=ROOT, env=_environment())


def faults(arguments: Sequence[str]) -> int:
    """Run `faults`, the whole time it needs. Returns its exit code."""
    command = [sys.executable, "-m", "faults", *arguments]
    return subprocess.call(command, cwd=ROOT, env=_environment())


def check(arguments: Sequence[str]) -> int:
    """Everything in order, cheapest first; goes on after a failure and names all of them."""
    where = [name for name in PROGRAMS if (ROOT / name).exists()]
    reading = {
        name: _started(command)
        for name, command in {
            "Format": ["ruff", "format", "--check", "--quiet", *where],
            "Lint": ["ruff", "check", "--quiet", *where],
            "Import contracts": ["lint-imports", "--no-cache"],
            "Types": ["mypy"],
        }.items()
    }  # all at once: each keeps one processor busy
    failed = [name for name, process in reading.items() if not _passes(name, process)]
    code = test(arguments)
    if code:
        failed.append("Tests")
    if not arguments and not _survives():
        failed.append("Faults")
    if failed:
        print(f"\nFailed: {', '.join(failed)}", file=sys.stderr)
        return 1
    line("\nAll checks passed.")
    return 0


def _survives() -> bool:
    """A thousand events under kills, and a death at every crash point, on real processes."""
    line("\nFaults, on SQLite and PostgreSQL")
    command = [sys.executable, "-m", "faults", "--ci"]
    with subprocess.Popen(command, cwd=ROOT, env=_environment()) as process:
        try:
            return process.wait(FAULTS_WITHIN_S) == 0
        except subprocess.TimeoutExpired:
            print(f"not finished after {FAULTS_WITHIN_S} s", file=sys.stderr)
            process.terminate()  # it says what it was at, and tidies up
            return False


def _started(command: list[str]) -> subprocess.Popen[str]:
    return subprocess.Popen(
        [str(BIN / command[0]), *command[1:]],
        cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
    )  # fmt: skip


def _passes(name: str, process: subprocess.Popen[str]) -> bool:
    try:
        with step(name):
            said, _ = process.communicate()
            if process.returncode:
                raise Trouble(said)
    except Trouble as trouble:
        print(trouble, file=sys.stderr)
        return False
    return True


def _environment() -> dict[str, str]:
    """Without settings of a product that runs here: tests make their own."""
    ours = ("YISHU_", "WECOM_", "OA_", "DATABASE_URL", "REDIS_URL")
    return {name: value for name, value in os.environ.items() if not name.startswith(ours)}
