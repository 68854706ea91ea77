"""A statement as PostgreSQL takes it: prepared once on a connection, then its values and no more.

The driver's cursor looks up the plan, adapts each value and runs a state machine for every
statement, which takes several times as long as libpq does. Here values are written as the text that
PostgreSQL reads (each has a cast in the statement), and libpq is asked directly. Whatever is not
plain is left to the driver: an option of the transaction, a value of another type, statements that
it has to forget first. It also decides what is prepared: names are kept in its own register, so
that its `DEALLOCATE` and this agree.
"""

from __future__ import annotations

import select
import struct
from collections.abc import Callable, Iterator, Mapping, Sequence
from datetime import date, datetime
from itertools import count
from types import NoneType
from typing import Any, NamedTuple

from psycopg import Binary, Connection, DataError, OperationalError, errors
from psycopg.adapt import Transformer
from psycopg.pq import ConnStatus, DiagnosticField, ExecStatus, TransactionStatus

BYTEA = 17  # PostgreSQL's number of the type

_numbers = count()


class Answer(NamedTuple):
    """Rows, and the type codes of their columns; no codes when it gives no rows."""

    rows: list[Any]
    codes: Sequence[int]


class Wire:
    """One statement with `$1` … in its text."""

    def __init__(self, text: str) -> None:
        self._text = text.encode()
        self.key = self._text, ()

    def prepare(self, server: Any, names: dict[Any, bytes]) -> bytes:
        """Its name on this connection."""
        name = names.get(self.key)
        if name is None:
            name = b"_yishu_%d" % next(_numbers)
            _good(server.prepare(name, self._text))
            names[self.key] = name
        return name


def ask(
    driver: Connection[Any], asked: Sequence[tuple[Wire, Sequence[Any]]], kept: Any
) -> list[Answer] | None:
    """What these statements give with these values, sent at once and done one after the other;
    None when the driver has to do it, and nothing was done.

    `kept` is anything that lives as long as the connection. Raises what the driver would.
    """
    server, names, begin = driver.pgconn, _register(driver), _begin(driver)
    given: list[Any] = [_as_text(values) for _, values in asked]
    if names is None or begin is None or None in given:
        return None
    calls = [
        (wire.prepare(server, names), value, _forms(values))
        for (wire, values), value in zip(asked, given, strict=True)
    ]
    if begin or len(asked) > 1:
        results = _all_at_once(server, begin, calls)
    else:
        results = [server.exec_prepared(*calls[0])]
    # After a problem a rollback follows, at which the driver forgets all statements.
    return [_answer(driver, _good(result), kept) for result in results]


def _all_at_once(server: Any, begin: bytes, calls: Sequence[tuple[Any, ...]]) -> list[Any]:
    """The results of these calls; of those after one that failed there are none."""
    server.enter_pipeline_mode()
    try:
        if begin:
            server.send_query_params(begin, None)
        for call in calls:
            server.send_query_prepared(*call)
        server.pipeline_sync()
        results = list(_until_synced(server))
    finally:
        if server.status == ConnStatus.OK:
            server.exit_pipeline_mode()
    if begin:
        _good(results.pop(0))
    return results


def _until_synced(server: Any) -> Iterator[Any]:
    """Every statement has a result, and an end."""
    ended = False
    while True:
        _await(server)
        result = server.get_result()
        if result is None and ended:
            raise OperationalError(server.get_error_message("utf-8"))
        if result is not None and result.status == ExecStatus.PIPELINE_SYNC:
            return
        ended = result is None
        if result is not None:
            yield result


def _await(server: Any) -> None:
    """Wait until a result is there. libpq would as well, but no other thread could run then."""
    while server.is_busy():
        look = select.POLLIN | (select.POLLOUT if server.flush() else 0)
        waiting = select.poll()
        waiting.register(server.socket, look)
        waiting.poll()
        server.consume_input()


def _register(driver: Any) -> dict[Any, bytes] | None:
    """The driver's names of prepared statements, unless it has to forget some before the next."""
    manager = getattr(driver, "_prepared", None)
    if getattr(manager, "_to_flush", True):
        return None
    names: dict[Any, bytes] | None = getattr(manager, "_names", None)
    return names


def _begin(driver: Any) -> bytes | None:
    """What begins the transaction as the driver would; empty when it has begun, None when that is
    for the driver to say."""
    status = driver.pgconn.transaction_status
    if status == TransactionStatus.INTRANS:
        return b""
    optional = driver.autocommit or driver.isolation_level is not None or driver.deferrable
    if status != TransactionStatus.IDLE or optional:
        return None
    return b"BEGIN READ ONLY" if driver.read_only else b"BEGIN"


def _good(result: Any) -> Any:
    if result.status not in _GOOD:
        raise _problem(result)
    return result


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


def _forms(values: Sequence[Any]) -> list[int] | None:
    """Which of them are written in binary; None when all are text."""
    return [_is_binary(one) for one in values] if list in map(type, values) else None


def _is_binary(value: Any) -> bool:
    """Lists of bytes: as text, each byte would be two letters that are read one by one."""
    return type(value) is list and bool(value) and all(type(one) is Binary for one in value)


def _list(values: Sequence[Any]) -> bytes | None:
    if _is_binary(values):
        head = struct.pack("!iiIii", 1, 0, BYTEA, len(values), 1)  # one dimension, from 1
        return head + b"".join([struct.pack("!i", len(one.obj)) + one.obj for one in values])
    kinds = set(map(type, values))
    if kinds == {int}:
        return f"{{{','.join(map(str, values))}}}".encode()
    if kinds == {str} and not any("\0" in one for one in values):
        whole = "\0".join(values).replace("\\", "\\\\").replace('"', '\\"')
        return '{{"{}"}}'.format(whole.replace("\0", '","')).encode()
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
    Binary: lambda value: b"\\x" + bytes(value.obj).hex().encode(),
    datetime: lambda value: value.isoformat().encode(),
    date: lambda value: value.isoformat().encode(),
    list: _list,
}
