"""Named places where a fault test ends the process, as a power cut would.

In real use nothing is armed and a point costs one comparison. A test arms one point by the
environment: `YISHU_CRASH_AT` names it and `YISHU_CRASH_FUSE` is a file that the crash removes, so
that the process which is started again lives on.
"""

from __future__ import annotations

import os
from contextlib import suppress
from pathlib import Path

POINTS = (
    "ack.opened",  # a callback is verified and decrypted, nothing is written
    "ack.inserted",  # the row is on its way into the database, nothing is committed
    "ack.committed",  # durable, the bell has not rung, the answer has not left
    "ack.rung",
    "spill.written",  # the line is in the file, which is not synced
    "spill.synced",
    "spill.set_aside",
    "spill.imported",  # the lines are in the inbox, the file is still there
    "drain.claimed",  # the attempt is counted and committed, nothing else happened
    "drain.prepared",  # the platform was asked, no transaction is open
    "drain.applied",  # effects are in the transaction, which is not committed
    "drain.committed",
    "send.claimed",  # the message is committed as `sending`, the platform not called
    "send.called",  # the platform has answered, the answer is not written down
    "send.recorded",  # the answer is in the transaction, which is not committed
    "send.committed",
    "tick.written",  # due runs are in the transaction, which is not committed
    "tick.committed",
    "run.begun",
    "run.planned",  # the run's messages are in the transaction, which is not committed
    "run.committed",
    "pull.claimed",  # a call of a pull is counted and leased, nobody has been asked
    "pull.asked",
    "pull.taken",  # the differences are in the transaction, which is not committed
    "pull.committed",
)
EXIT_CODE = 137  # what a shell shows for a process that was killed

_armed = os.environ.get("YISHU_CRASH_AT", "")


def crashpoint(name: str) -> None:
    """End this process here, without any clean-up, if a test asked for it."""
    if name == _armed:
        _crash()


def _crash() -> None:
    fuse = os.environ.get("YISHU_CRASH_FUSE")
    if fuse is None:
        os._exit(EXIT_CODE)
    with suppress(FileNotFoundError):
        Path(fuse).unlink()
        os._exit(EXIT_CODE)
