"""Statements about an arrival as the driver takes them: compiled once, without the ORM around.

The acknowledgement of a callback is little more than this one statement, so what SQLAlchemy does
for each execution would be the greater part of it. Types are still converted by the columns.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from sqlalchemy import ClauseElement, Dialect

from app.inbox.models import InboxEvent


class DriverStatement:
    """`text` and `parameters(row)` for a cursor of `dialect`'s driver."""

    def __init__(self, dialect: Dialect, statement: ClauseElement, columns: list[str]) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=columns)
        self.text = str(compiled)
        self._positions: list[str] | None = getattr(compiled, "positiontup", None)
        self._converters = {name: _converter(dialect, name) for name in columns}

    def parameters(self, row: Mapping[str, Any]) -> Any:
        """The values of `row` for `text`."""
        values = {
            name: convert(row[name]) if convert else row[name]
            for name, convert in self._converters.items()
        }
        if self._positions is None:
            return values
        return tuple(values[name] for name in self._positions)


def _converter(dialect: Dialect, name: str) -> Callable[[Any], Any] | None:
    kind = InboxEvent.__table__.c[name].type.dialect_impl(dialect)
    return kind.bind_processor(dialect)
