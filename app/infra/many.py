"""One statement for many rows: arrays on PostgreSQL, on SQLite (where no way is long) row by row.

    _OF = Direct(select(Person.id).where(among(Person.id, "ids")), int)
    _OF.all(session, {"ids": [3, 5]})

    _MOVED = update_many(Person, "id", "city")
    _MOVED.run(session, [{"id": 3, "city": "广州"}, {"id": 5, "city": "深圳"}])

The text of a statement is the same for any number of rows, so it is prepared once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    Boolean,
    Dialect,
    String,
    Text,
    TypeDecorator,
    bindparam,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement

from app.infra.direct import Direct, nothing

T = TypeVar("T")
Row = Mapping[str, Any]


class _List(TypeDecorator[Collection[Any]]):
    """Numbers or texts, as one value."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        array = dialect.name == "postgresql"
        return dialect.type_descriptor(_array(self.kind) if array else Text())

    def process_bind_param(self, value: Collection[Any] | None, dialect: Dialect) -> Any:
        """An array, or JSON."""
        found = list(value or ())
        return found if dialect.name == "postgresql" else json.dumps(found)


class _Among(FunctionElement[bool]):
    type = Boolean()
    inherit_cache = True

    def self_group(self, against: Any = None) -> Any:
        """A condition as it is: `… = 1`, as SQLite would have it, uses no index."""
        return self


def among(column: Any, name: str) -> _Among:
    """The column's value is one of the list `name`: numbers or texts."""
    return _Among(column, bindparam(name, type_=_List(column.type)))


@compiles(_Among, "postgresql")
def _any_of(element: _Among, compiler: Any, **how: Any) -> str:
    column, values = (compiler.process(one, **how) for one in element.clauses)
    return f"{column} = ANY({values})"


@compiles(_Among, "sqlite")
def _in_json(element: _Among, compiler: Any, **how: Any) -> str:
    column, values = (compiler.process(one, **how) for one in element.clauses)
    return f"{column} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - compiled parts


class Many(Generic[T]):
    """A statement that takes many rows with these columns, and what becomes of what it gives.

    `at_once(prefix)` takes lists that are called as the columns are, with the prefix.
    """

    def __init__(
        self,
        columns: Sequence[str],
        at_once: Callable[[str], Any],
        each: Any,
        make: Callable[..., T] = nothing,  # type: ignore[assignment]
    ) -> None:
        self._columns, self.at_once = columns, at_once
        self._at_once, self._each = Direct(at_once(""), make), Direct(each, make)

    def all(self, session: Session, rows: Sequence[Row]) -> list[T]:
        """Whatever all of them give; in no particular order."""
        if not rows:
            return []
        if session.get_bind().dialect.name == "postgresql":
            return self._at_once.all(session, self.lists(rows))
        return [found for row in rows for found in self._each.all(session, row)]

    def run(self, session: Session, rows: Sequence[Row]) -> None:
        """For statements that give nothing."""
        self.all(session, rows)

    def lists(self, rows: Sequence[Row], prefix: str = "") -> dict[str, list[Any]]:
        """The rows as `at_once` takes them."""
        return {f"{prefix}{name}": [row[name] for row in rows] for name in self._columns}


class Together:
    """Several `Many` of which none needs another's result: on PostgreSQL one statement."""

    def __init__(self, **parts: Many[Any]) -> None:
        self._parts = parts
        ctes = [one.at_once(f"{name}_").cte(name) for name, one in parts.items()]
        self._whole = Direct(select(literal_column("1")).add_cte(*ctes), int)

    def run(self, session: Session, rows: Mapping[str, Sequence[Row]]) -> None:
        """The rows of each part by its name."""
        if session.get_bind().dialect.name != "postgresql":
            for name, one in self._parts.items():
                one.run(session, rows.get(name, ()))
        elif any(rows.values()):
            values: dict[str, Any] = {}
            for name, one in self._parts.items():
                values |= one.lists(rows.get(name, ()), f"{name}_")
            self._whole.run(session, values)


def insert_many(
    model: Any,
    *columns: str,
    constant: Mapping[str, str] | None = None,
    once_by: Sequence[str] = (),
    change: Callable[[Any], Mapping[str, Any]] | None = None,
    gives: Sequence[str] = (),
    make: Callable[..., T] = nothing,  # type: ignore[assignment]
) -> Many[T]:
    """Insert rows of `model`; `constant` columns are SQL. A row that is there by `once_by` stays as
    it is, or takes what `change` makes of the row that was to be inserted."""
    table = model.__table__
    fixed = {name: literal_column(text) for name, text in (constant or {}).items()}

    def whole(statement: Any) -> Any:
        if change is not None:
            changed = dict(change(statement.excluded))
            statement = statement.on_conflict_do_update(index_elements=once_by, set_=changed)
        elif once_by:
            statement = statement.on_conflict_do_nothing(index_elements=once_by)
        return statement.returning(*(table.c[name] for name in gives)) if gives else statement

    def at_once(prefix: str) -> Any:
        given = _given(table, columns, prefix)
        rows = select(*(given.c[name] for name in columns), *fixed.values())
        names = [*columns, *fixed]
        return whole(postgresql.insert(table).from_select(names, rows, include_defaults=False))

    single = {name: bindparam(name, type_=table.c[name].type) for name in columns}
    return Many(columns, at_once, whole(sqlite.insert(table).values(single | fixed)), make)


def update_many(model: Any, key: str, *columns: str) -> Many[None]:
    """Give the rows of `model` with these values of `key` these values of the columns."""
    table, names = model.__table__, (key, *columns)

    def changed(row: Mapping[str, Any]) -> Any:
        values = {name: row[name] for name in columns}
        return update(table).where(table.c[key] == row[key]).values(values)

    def at_once(prefix: str) -> Any:
        given = _given(table, names, prefix)
        return changed({name: given.c[name] for name in names})

    # What it is given may not be called as its columns are.
    single = {name: bindparam(f"its_{name}", type_=table.c[name].type) for name in names}
    return _Update(names, at_once, changed(single))


class _Update(Many[None]):
    def all(self, session: Session, rows: Sequence[Row]) -> list[None]:
        if rows and session.get_bind().dialect.name != "postgresql":
            rows = [{f"its_{name}": value for name, value in row.items()} for row in rows]
        return super().all(session, rows)


def _given(table: Any, columns: Sequence[str], prefix: str) -> Any:
    """The rows of a statement as a table of its own."""
    lists = [bindparam(f"{prefix}{name}", type_=_array(table.c[name].type)) for name in columns]
    return func.unnest(*lists).table_valued(*columns, name=f"{prefix}given").render_derived()


def _array(kind: Any) -> Any:
    # A cast to VARCHAR(24) would cut what is too long, without a word.
    return postgresql.ARRAY(String() if isinstance(kind, String) else kind)
