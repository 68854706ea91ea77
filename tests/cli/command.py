"""The `yishu` command: each a process of its own, forked from one that has imported everything.

Starting Python and importing the product takes fifty times as long as most commands. A few tests
start it as people do (`cold`), because what is imported may be wrong as well.
"""

from __future__ import annotations

import json
import multiprocessing
import subprocess
import sys
import tempfile
from pathlib import Path
from typing import Any

from tests.cli.forked import be_yishu

ROOT = Path(__file__).parents[2]
WITHIN_S = 60.0
_forking = multiprocessing.get_context("forkserver")
_forking.set_forkserver_preload(["tests.cli.forked"])


def yishu(environment: dict[str, str], *words: str, given: str = "") -> Any:
    """The JSON that the command prints; it must succeed."""
    done = run(environment, *words, "--json", given=given)
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def run(
    environment: dict[str, str], *words: str, given: str = ""
) -> subprocess.CompletedProcess[str]:
    """Exit code and output of `yishu` with these words, this environment, this standard input."""
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for file, content in (("in", given), ("out", ""), ("err", "")):
            (folder / file).write_text(content)
        process = _forking.Process(target=be_yishu, args=(folder, environment, words))
        process.start()
        process.join(WITHIN_S)
        if process.is_alive():
            process.kill()
            raise TimeoutError(f"yishu {' '.join(words)} has not ended")
        code = process.exitcode
        assert code is not None
        out, err = ((folder / file).read_text() for file in ("out", "err"))
    return subprocess.CompletedProcess(list(words), code, out, err)


def cold(
    environment: dict[str, str], *words: str, given: str = ""
) -> subprocess.CompletedProcess[str]:
    """The same, started as people start it."""
    return subprocess.run(
        [sys.executable, "-m", "app.cli", *words],
        cwd=ROOT, env=environment, input=given, capture_output=True, text=True, timeout=WITHIN_S,
    )  # fmt: skip
