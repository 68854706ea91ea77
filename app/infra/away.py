"""Whose fault an error of the database is: it is away or busy, which passes, or the program's."""

from __future__ import annotations

from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

ITS_STATES = ("08", "53", "57", "58")  # connection, resources, shutdown, disk
OTHERS_STATES = ("40", "55P03")  # a deadlock or a conflict with another transaction, a lock
OF_THE_DATA = (DataError, IntegrityError, ProgrammingError)  # whatever the database is like
CANCELLED = "57014"  # a statement that took too long: it would take as long again
OUR_FAULT = "SQLITE_ERROR"  # a statement that makes no sense; the rest is locks, files and disks


def is_away(problem: Exception) -> bool:
    """True when the database cannot be used now, whatever is asked."""
    if not isinstance(problem, DBAPIError):
        return isinstance(problem, NoFreeConnection)
    if isinstance(problem, OF_THE_DATA):
        return False
    of_sqlite = getattr(problem.orig, "sqlite_errorname", None)
    if of_sqlite is not None:
        return bool(of_sqlite != OUR_FAULT)
    state = getattr(problem.orig, "sqlstate", None)
    return state is None or (state.startswith(ITS_STATES) and state != CANCELLED)


def passes(problem: Exception) -> bool:
    """True when the same may be done if it is tried again: the database is away, or others were in
    the way."""
    state = str(getattr(getattr(problem, "orig", None), "sqlstate", None) or "")
    return is_away(problem) or state.startswith(OTHERS_STATES)
