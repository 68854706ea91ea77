"""`.venv/bin/yishu`: the product's own commands, over the data that `./dev up` uses in this folder.

What the caller's environment says wins, so the same command works on a production machine.
"""

from __future__ import annotations

import os
import runpy
import sys

from launcher import embedded


def main() -> int:
    """Run `python -m app.cli` in the environment that `up` would give it."""
    folder = embedded.Folder()
    if folder.secrets.exists():
        ports = embedded.ports_in_use(folder)
        os.environ.update(embedded.environment(folder, ports, os.environ))
    sys.argv[0] = "yishu"
    runpy.run_module("app.cli", run_name="__main__", alter_sys=True)
    return 0
