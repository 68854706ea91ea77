"""A process of the product with faults inside it: a clock that is wrong, handlers that misbehave.

    python -m faults.inside workers.worker

`FAULTS_CLOCK` names a file with seconds to add to the clock; it may change at any time. With
`FAULTS_POISON` an event whose body holds `<Poison>raise|exit|hang|grow</Poison>` does that when it
is translated, and what takes minutes in real life takes seconds: until something has hung, and
between attempts. The product's own code knows nothing of it.
"""

from __future__ import annotations

import os
import re
import runpy
import sys
import time
from datetime import UTC, datetime, timedelta
from pathlib import Path

from app import bootstrap, facts

HANG_S = 3600.0
HUNG_AFTER = 5  # renewals, one a second
SHORTER = 10  # times
POISON = re.compile(rb"<Poison>(\w+)</Poison>")


def main() -> None:
    """Prepare, then be the module that the command line names."""
    clock = os.environ.get("FAULTS_CLOCK")
    if clock:
        _turn_clock(Path(clock))
    if os.environ.get("FAULTS_POISON"):
        _poison()
    sys.argv = sys.argv[1:]
    runpy.run_module(sys.argv[0], run_name="__main__", alter_sys=True)


def _turn_clock(path: Path) -> None:
    def shifted() -> datetime:
        try:
            seconds = float(path.read_text())
        except (OSError, ValueError):
            seconds = 0.0
        return datetime.now(UTC) + timedelta(seconds=seconds)

    defaults = bootstrap.build.__kwdefaults__
    if not defaults or "clock" not in defaults:
        sys.exit("faults.inside: bootstrap.build has no clock to turn")
    defaults["clock"] = shifted


def _poison() -> None:
    from app.inbox import work
    from workers import keeping, reading

    keeping.HUNG_AFTER = HUNG_AFTER
    work.BACKOFF = tuple(wait / SHORTER for wait in work.BACKOFF)
    sane = reading.TRANSLATORS["wecom"]

    def translate(body: bytes, receiver: str) -> facts.Fact:
        found = POISON.search(body)
        if found:
            _misbehave(found.group(1).decode())
        return sane(body, receiver)

    reading.TRANSLATORS["wecom"] = translate


def _misbehave(how: str) -> None:
    if how == "exit":
        os._exit(1)
    if how == "hang":
        time.sleep(HANG_S)
    if how == "grow":
        raise MemoryError(len(bytearray(100 * 1024 * 1024)))
    raise RuntimeError("poison")


if __name__ == "__main__":
    main()
