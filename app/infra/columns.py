"""What a statement gives as arrays, one for each column: for hundreds of thousands of rows, without
an object for any of them. Needs numpy.

    _SAID = Columns(select(Said.person_id, Said.at).where(among(Said.person_id, "ids")))
    person, at = _SAID.all(session, {"ids": [3, 5]})

The database strings the values of a column together, PostgreSQL as its binary form, SQLite as text,
and numpy reads that. Whole numbers are int64, moments too (microseconds since 1970), and texts,
which may hold no comma, are a list. Numbers with a fraction lie between −2 and 2: SQLite says them
in steps of 2^-62, since it would round what it writes as a decimal. No value may be NULL.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from sqlalchemy import Float, Integer, String
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement
from sqlalchemy.types import NullType

from app.infra.db import UtcDateTime
from app.infra.direct import Direct

STEPS = 2.0**62
_2000 = 946_684_800_000_000  # PostgreSQL's first moment, in microseconds since 1970
_STAMP = len("2026-11-24 00:30:00.000000")  # as SQLite keeps moments


class Columns:
    """A statement, and its columns as arrays."""

    def __init__(self, statement: Any) -> None:
        columns = statement.selected_columns
        self._kinds = [_kind(column) for column in columns]
        self._asked = Direct(
            statement.with_only_columns(*map(_Strung, columns)), lambda *one: one, large=True
        )

    def all(self, session: Session, values: Mapping[str, Any]) -> list[Any]:
        """Every row, in no particular order, but in one for all columns."""
        import numpy as np

        found = self._asked.first(session, values)
        if found is None or found[0] is None:
            return [[] if kind is String else np.zeros(0, _FORM[kind]) for kind in self._kinds]
        is_binary = session.get_bind().dialect.name == "postgresql"
        read = _from_binary if is_binary else _from_text
        columns = [read(kind, one) for kind, one in zip(self._kinds, found, strict=True)]
        if len(set(map(len, columns))) > 1:
            raise ValueError("a column has a NULL, or a text with a comma")
        return columns


class _Strung(FunctionElement[Any]):
    type = NullType()
    inherit_cache = True


@compiles(_Strung, "postgresql")
def _as_binary(element: _Strung, compiler: Any, **how: Any) -> str:
    kind, value = _kind(*element.clauses), compiler.process(element.clauses, **how)
    if kind is String:
        return f"string_agg({value}, ',')"
    return f"string_agg({_SEND[kind]}({value}), '')"


@compiles(_Strung, "sqlite")
def _as_text(element: _Strung, compiler: Any, **how: Any) -> str:
    kind, value = _kind(*element.clauses), compiler.process(element.clauses, **how)
    if kind is Float:
        value = f"CAST({value} * {STEPS:.1f} AS INTEGER)"
    return f"group_concat({value}, '{'' if kind is UtcDateTime else ','}')"


def _kind(column: Any) -> type:
    return next(kind for kind in (String, *_SEND) if isinstance(column.type, kind))


def _from_binary(kind: type, given: Any) -> Any:
    import numpy as np

    if kind is String:
        return given.split(",")
    values = np.frombuffer(given, np.dtype(_FORM[kind]).newbyteorder(">")).astype(_FORM[kind])
    return values + _2000 if kind is UtcDateTime else values


def _from_text(kind: type, given: str) -> Any:
    import numpy as np

    if kind is String:
        return given.split(",")
    if kind is UtcDateTime:
        return _moments(np.frombuffer(given.encode(), np.uint8).reshape(-1, _STAMP) - ord("0"))
    values = np.fromstring(given, np.int64, sep=",")
    return values / STEPS if kind is Float else values


def _moments(digit: Any) -> Any:
    """Microseconds since 1970 from rows of digits."""
    import numpy as np

    def number(*places: int) -> Any:
        found = np.zeros(len(digit), np.int64)
        for place in places:
            found = found * 10 + digit[:, place]
        return found

    month = (number(0, 1, 2, 3) - 1970) * 12 + number(5, 6) - 1
    day = month.astype("M8[M]").astype("M8[D]").astype(np.int64) + number(8, 9) - 1
    second = (number(11, 12) * 60 + number(14, 15)) * 60 + number(17, 18)
    return (day * 86400 + second) * 1_000_000 + number(20, 21, 22, 23, 24, 25)


_SEND = {Integer: "int8send", Float: "float8send", UtcDateTime: "timestamptz_send"}
_FORM = {Integer: "i8", Float: "f8", UtcDateTime: "i8"}
