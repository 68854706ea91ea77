"""A statement as PostgreSQL takes it: prepared once on a connection, then its values and no more.

The driver's cursor looks up the plan, adapts each value and runs a state machine for every
statement, which takes several times as long as libpq does. Here values are written as the text that
PostgreSQL reads (each has a cast in the statement), and libpq is asked directly. Whatever is not
plain is left to the driver: an option of the transaction, a value of another type, statements that
it has to forget first. It also decides what is prepared: names are kept in its own register, so
that its `DEALLOCATE` and this agree.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from datetime import date, datetime
from itertools import count
from types import NoneType
from typing import Any, NamedTuple

from psycopg import Connection, DataError, OperationalError, errors
from psycopg.adapt import Transformer
from psycopg.pq import DiagnosticField, ExecStatus, TransactionStatus

_numbers = count()


class Answer(NamedTuple):
    """Rows, and the type codes of their columns; no codes when it gives no rows."""

    rows: list[Any]
    codes: Sequence[int]


class Wire:
    """One statement with `$1` … in its text."""

    def __init__(self, text: str) -> None:
        self._text = text.encode()
        self._key = self._text, ()

    def ask(self, driver: Connection[Any], values: Sequence[Any], kept: Any) -> Answer | None:
        """What it gives; None when the driver has to do it, and nothing was done. `kept` is
        anything that lives as long as the connection. Raises what the driver would."""
        names = _register(driver)
        given = _as_text(values)
        if names is None or given is None or not _in_transaction(driver):
            return None
        server = driver.pgconn
        name = names.get(self._key)
        if name is None:
            name = b"_yishu_%d" % next(_numbers)
            _check(server.prepare(name, self._text), ExecStatus.COMMAND_OK)
            names[self._key] = name
        result = server.exec_prepared(name, given)
        if result.status not in _GOOD:
            raise _problem(result)  # a rollback follows, at which the driver forgets all of them
        return _answer(driver, result, kept)


def _register(driver: Any) -> dict[Any, bytes] | None:
    """The driver's names of prepared statements, unless it has to forget some before the next."""
    manager = getattr(driver, "_prepared", None)
    if getattr(manager, "_to_flush", True):
        return None
    names: dict[Any, bytes] | None = getattr(manager, "_names", None)
    return names


def _in_transaction(driver: Any) -> bool:
    """True once a transaction has begun, as the driver would begin it."""
    status = driver.pgconn.transaction_status
    if status == TransactionStatus.IDLE:
        if driver.autocommit or driver.isolation_level is not None or driver.deferrable:
            return False
        begin = b"BEGIN READ ONLY" if driver.read_only else b"BEGIN"
        _check(driver.pgconn.exec_(begin), ExecStatus.COMMAND_OK)
        return True
    return bool(status == TransactionStatus.INTRANS)


def _check(result: Any, wanted: ExecStatus) -> None:
    if result.status != wanted:
        raise _problem(result)


def _problem(result: Any) -> Exception:
    if not result.error_field(DiagnosticField.SQLSTATE):  # the connection is gone
        return OperationalError(result.get_error_message("utf-8"))
    return errors.error_from_result(result)


def _answer(driver: Any, result: Any, kept: Any) -> Answer:
    if result.status != ExecStatus.TUPLES_OK:
        return Answer([], ())
    codes = [result.ftype(at) for at in range(result.nfields)]
    if not result.ntuples:
        return Answer([], codes)
    reader = kept.get("reader")
    if reader is None:
        reader = kept["reader"] = Transformer(driver)
    reader.set_pgresult(result)
    rows = reader.load_rows(0, result.ntuples, tuple)
    reader.set_pgresult(None)
    return Answer(rows, codes)


def _as_text(values: Sequence[Any]) -> list[bytes | None] | None:
    """As PostgreSQL reads them; None when there is one of an unknown type. Raises DataError."""
    found: list[bytes | None] = []
    for value in values:
        write = _WRITTEN.get(type(value)) or _of_base(value)
        if write is None:
            return None
        found.append(write(value))
    return found


def _of_base(value: Any) -> Callable[[Any], bytes | None] | None:
    """How to write e.g. an enum that is a text."""
    bases = (str, bytes, int, float)
    return next((_WRITTEN[base] for base in bases if isinstance(value, base)), None)


def _text(value: str) -> bytes:
    found = str.encode(value)
    if b"\0" in found:
        raise DataError("PostgreSQL text fields cannot contain NUL (0x00) bytes")
    return found


def _list(values: Sequence[Any]) -> bytes | None:
    return b"{" + b",".join([_element(one) for one in values]) + b"}"


def _element(value: Any) -> bytes:
    if type(value) is int:
        return b"%d" % value
    if value is None:
        return b"NULL"
    write = _WRITTEN.get(type(value)) or _of_base(value)
    if write is None:
        raise DataError(f"a list with a {type(value).__name__} cannot be written")
    found = write(value) or b""
    return b'"' + found.replace(b"\\", b"\\\\").replace(b'"', b'\\"') + b'"'


_GOOD = (ExecStatus.TUPLES_OK, ExecStatus.COMMAND_OK)
_WRITTEN: Mapping[type, Callable[[Any], bytes | None]] = {
    NoneType: lambda _: None,
    bool: lambda value: b"t" if value else b"f",
    int: lambda value: b"%d" % value,
    float: lambda value: repr(value).encode(),
    str: _text,
    bytes: lambda value: b"\\x" + value.hex().encode(),
    datetime: lambda value: value.isoformat().encode(),
    date: lambda value: value.isoformat().encode(),
    list: _list,
}
