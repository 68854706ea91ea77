"""What a forked process does to be `yishu`. Imported into the process that all of them come from.

No test is imported here, and nothing that opens a connection.
"""

from __future__ import annotations

import os
import sys
from pathlib import Path

from app.cli.main import command_line, run

ALL = command_line()  # imports every module; each process makes a command line of its own


def be_yishu(folder: Path, environment: dict[str, str], words: tuple[str, ...]) -> None:
    """Take `environment`, read and write the files of `folder`, and end as the command ends."""
    os.environ.clear()
    os.environ.update(environment)
    for number, (name, flags) in enumerate(
        (("in", os.O_RDONLY), ("out", os.O_WRONLY), ("err", os.O_WRONLY))
    ):
        file = os.open(folder / name, flags)
        os.dup2(file, number)
        os.close(file)
    sys.stdin = open(0, encoding="utf-8", closefd=False)  # noqa: SIM115  # multiprocessing takes it away
    sys.argv = ["yishu", *words]
    run()
