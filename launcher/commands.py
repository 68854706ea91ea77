"""The command line of `dev`."""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
from collections.abc import Sequence

from launcher import assets, embedded, environment, up
from launcher.tell import ROOT, Trouble, line, sentence, speak_any_charset, warn

HELP = """\
Yishu (医枢) on one machine, with nothing but Python 3.11 or newer.

  ./dev up        set up, then run everything with embedded defaults and a sample company
                    --port N           web (8000)
                    --sandbox-port N   sandbox and phones (8100)
                    --fresh            remove the data of this folder first
                    --no-sample        start with an empty company
  ./dev setup     only set up: environment, packages, styles and scripts, languages
  ./dev test      set up, then all tests on SQLite and PostgreSQL; takes pytest's arguments
  ./dev check     what CI runs: format, lint, types, import contracts, tests, faults
  ./dev faults    kill, stop, fill and cut off real processes and compare what is left
                    F1 F2 …            fault classes; all of them without names
                    --events N --seeds 1,2,3 --database sqlite|postgresql|both
                    --ci               what CI runs: three seeds, all crash points, four minutes
  ./dev bench N   run benchmarks/N.py; --json ends with one JSON object
  ./dev lock      resolve the dependencies again and write the lock files

  .venv/bin/yishu     the product's own commands, over the data of ./dev up
  docs/operations.md  settings, processes, and real deployments
"""
INSIDE = "_YISHU_DEV_INSIDE"


def main(arguments: Sequence[str]) -> int:
    """Run one command; trouble is a sentence and exit code 1."""
    speak_any_charset()
    try:
        return _dispatch(list(arguments))
    except Trouble as trouble:
        print(f"\n{trouble}", file=sys.stderr)
        return 1
    except OSError as problem:
        print(f"\n{sentence(problem)}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped.", file=sys.stderr)
        return 128 + signal.SIGINT


def _dispatch(arguments: list[str]) -> int:
    name, rest = (arguments[0], arguments[1:]) if arguments else ("--help", [])
    if name in ("-h", "--help", "help"):
        print(HELP)
        return 0
    commands = {"up": _up, "setup": _setup, "test": _test, "check": _check, "faults": _faults,
                "bench": _bench, "lock": _lock}  # fmt: skip
    if name not in commands:
        print(f"There is no command {name!r}.\n\n{HELP}", file=sys.stderr)
        return 2
    if name in ("up", "bench") and {"-h", "--help"} & set(rest):
        print(HELP)
        return 0
    if name == "up":
        _wishes(rest)  # what is misspelt is told before anything is installed
    os.chdir(ROOT)
    if os.environ.pop(INSIDE, "") != name:
        _prepare(environment.RUNTIME if name == "up" else environment.DEV, name == "setup")
        if name != "setup":
            return _inside([name, *rest])
    return commands[name](rest)


def _prepare(lock: str, insist: bool) -> None:
    line("医枢 Yishu")
    environment.set_up(lock)
    assets.build(insist)
    assets.compile_catalogues()


def _inside(arguments: list[str]) -> int:
    """Go on in the project's own Python, as the same process."""
    python = str(environment.PYTHON)
    sys.stdout.flush()
    os.environ[INSIDE] = arguments[0]
    os.execv(python, [python, str(ROOT / "dev"), *arguments])


def _setup(_rest: list[str]) -> int:
    line(f"  Ready. Next: ./dev up · everything is in {environment.VENV.name}/ and node_modules/")
    return 0


def _up(rest: list[str]) -> int:
    return up.run(_wishes(rest), embedded.Folder())


def _wishes(rest: list[str]) -> up.Wishes:
    parser = argparse.ArgumentParser(prog="./dev up", add_help=False)
    parser.add_argument("--port", type=int, default=8000)
    parser.add_argument("--sandbox-port", type=int, default=8100)
    parser.add_argument("--fresh", action="store_true")
    parser.add_argument("--no-sample", action="store_true")
    asked = parser.parse_args(rest)
    ports = embedded.Ports(asked.port, asked.sandbox_port)
    for port in (ports.web, ports.sandbox):
        if not 0 < port < 65536:
            raise Trouble(f"There is no port {port}; ports are 1 to 65535.")
    if ports.web == ports.sandbox:
        raise Trouble(
            f"Web and sandbox cannot both listen on port {ports.web}. Choose two: "
            f"./dev up --port {ports.web} --sandbox-port {ports.web % 65535 + 1}"
        )
    return up.Wishes(ports, asked.fresh, not asked.no_sample)


def _test(rest: list[str]) -> int:
    from launcher import checks

    return checks.test(rest)


def _check(rest: list[str]) -> int:
    from launcher import checks

    return checks.check(rest)


def _faults(rest: list[str]) -> int:
    from launcher import checks

    return checks.faults(rest)


def _bench(rest: list[str]) -> int:
    names = sorted(p.stem for p in (ROOT / "benchmarks").glob("[!_]*.py"))
    if not rest or rest[0] not in names:
        raise Trouble(f"Which benchmark? There are: {', '.join(names) or 'none yet'}")
    if rest[0] in ("worker", "identity", "segments"):
        _prepare_peers(others=rest[0] != "segments", linkage=rest[0] != "worker")
    if rest[0] in ("recommend", "explore", "night", "learning"):
        _prepare_evaluate()
    return subprocess.call([sys.executable, "-m", f"benchmarks.{rest[0]}", *rest[1:]])


def _prepare_peers(*, others: bool, linkage: bool) -> None:
    try:
        if others:
            environment.set_up_peers()
        if linkage:
            environment.set_up_linkage()
    except Trouble as trouble:
        warn(f"{trouble}\nThey are left out.")


def _prepare_evaluate() -> None:
    try:
        environment.set_up_evaluate()
    except Trouble as trouble:
        warn(f"{trouble}\nWithout numpy there is nothing to measure; without numba it is slow.")


def _lock(_rest: list[str]) -> int:
    from launcher import locks

    locks.write()
    return 0
