"""Whether a pooled connection to PostgreSQL still lives, without asking the server each time.

A question before every transaction costs as much as a statement of it. But a server that has ended,
or has ended this connection, leaves something to read on its socket, which a look tells at once.
Only a host that fell silent leaves nothing: so whoever was idle for a while is asked as ever.
"""

from __future__ import annotations

import select
import time
from typing import Any

from sqlalchemy import Engine, event
from sqlalchemy.exc import InvalidatePoolError

ASK_AFTER_S = 5.0  # as idle connections are probed by the system


def watch(engine: Engine) -> None:
    """No transaction of this engine begins on a dead connection; the pool makes another."""
    dialect: Any = engine.dialect

    def leaves(connection: Any, record: Any, _fairy: object) -> None:
        since = record.info.get("left")
        if since is None or (time.monotonic() - since < ASK_AFTER_S and _is_silent(connection)):
            return
        try:
            dialect.do_ping(connection)
        except dialect.dbapi.Error as problem:
            raise InvalidatePoolError() from problem

    def comes(_connection: object, record: Any) -> None:
        record.info["left"] = time.monotonic()

    event.listen(engine, "checkout", leaves)
    event.listen(engine, "checkin", comes)


def _is_silent(connection: Any) -> bool:
    """False when there is something to read where nobody has asked: an end, or a notice."""
    if connection.closed:
        return False
    looking = select.poll()
    looking.register(connection.fileno(), select.POLLIN)
    return not looking.poll(0)
