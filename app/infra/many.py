"""One statement for many rows: one value of JSON on PostgreSQL, where each value of its own costs
the driver as much as a row; row by row on SQLite, where no way is long.

    _OF = Direct(select(Person.id).where(among(Person.id, "ids")), int)
    _OF.all(session, {"ids": [3, 5]})

    _MOVED = update_many(Person, "id", "city")
    _MOVED.run(session, [{"id": 3, "city": "广州"}, {"id": 5, "city": "深圳"}])

The text of a statement is the same for any number of rows, so it is prepared once.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, Generic, TypeVar

from sqlalchemy import (
    Boolean,
    Dialect,
    String,
    Text,
    TypeDecorator,
    bindparam,
    cast,
    column,
    func,
    literal_column,
    select,
    update,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.ext.compiler import compiles
from sqlalchemy.orm import Session
from sqlalchemy.sql.functions import FunctionElement

from app.infra.direct import Asked, Direct, nothing

T = TypeVar("T")
Row = Mapping[str, Any]
FIRST, LAST = 1, 2**63 - 1  # numbers of rows


class _List(TypeDecorator[Collection[Any]]):
    """Numbers or texts, as one value."""

    impl = Text
    cache_ok = True

    def __init__(self, kind: Any) -> None:
        super().__init__()
        self.kind = kind

    def load_dialect_impl(self, dialect: Dialect) -> Any:
        array = dialect.name == "postgresql"
        return dialect.type_descriptor(postgresql.ARRAY(_plain(self.kind)) if array else Text())

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


def among(one_of: Any, name: str) -> _Among:
    """The column's value is one of the list `name`: numbers or texts."""
    return _Among(one_of, bindparam(name, type_=_List(one_of.type)))


@compiles(_Among, "postgresql")
def _looked_up(element: _Among, compiler: Any, **how: Any) -> str:
    """Each by itself, along an index. A plan is made while a table is small and kept when it has
    grown; and for an array it is made each time, as what it would gain depends on the length. A
    range that holds everything makes the planner think of one row."""
    one_of, values = (compiler.process(one, **how) for one in element.clauses)
    text = isinstance(_plain(element.clauses.clauses[0].type), String)
    every = "length(v) BETWEEN 0 AND 1000000000" if text else f"v BETWEEN {FIRST} AND {LAST}"
    return f"{one_of} IN (SELECT v FROM unnest({values}) AS v WHERE {every})"  # noqa: S608


@compiles(_Among, "sqlite")
def _in_json(element: _Among, compiler: Any, **how: Any) -> str:
    one_of, values = (compiler.process(one, **how) for one in element.clauses)
    return f"{one_of} IN (SELECT value FROM json_each({values}))"  # noqa: S608 - compiled parts


class Many(Generic[T]):
    """A statement that takes many rows with these columns, and what becomes of what it gives.

    `at_once(name)` takes all of them as the one value of this name.
    """

    def __init__(
        self,
        at_once: Callable[[str], Any],
        each: Any,
        make: Callable[..., T] = nothing,  # type: ignore[assignment]
    ) -> None:
        self.at_once = at_once
        self._at_once, self._each = Direct(at_once("rows"), make), Direct(each, make)

    def all(self, session: Session, rows: Sequence[Row]) -> list[T]:
        """Whatever all of them give; in no particular order."""
        if not rows:
            return []
        if session.get_bind().dialect.name == "postgresql":
            return self._at_once.all(session, self._whole(rows))
        return [found for row in rows for found in self._each.all(session, self._one(row))]

    def run(self, session: Session, rows: Sequence[Row]) -> None:
        """For statements that give nothing."""
        if session.get_bind().dialect.name == "postgresql":
            self.all(session, rows)
        elif rows:
            self._each.run_each(session, list(map(self._one, rows)))

    def asked(self, session: Session, rows: Sequence[Row]) -> list[Asked]:
        """What `run` does, to be sent with other statements."""
        if session.get_bind().dialect.name == "postgresql":
            return [(self._at_once, self._whole(rows))] if rows else []
        return [(self._each, self._one(row)) for row in rows]

    def _whole(self, rows: Sequence[Row]) -> Row:
        """The values of the statement for all."""
        return {"rows": rows}

    def _one(self, row: Row) -> Row:
        """Those of the statement for each."""
        return row


class _Lists(Many[None]):
    """Its statement takes a list for each column."""

    def _whole(self, rows: Sequence[Row]) -> Row:
        return {name: [row[name] for row in rows] for name in rows[0]}


class Together:
    """Several `Many` of which none needs another's result: on PostgreSQL one statement."""

    def __init__(self, **parts: Many[Any]) -> None:
        self._parts = parts
        ctes = [one.at_once(f"of_{name}").cte(name) for name, one in parts.items()]
        self._whole = Direct(select(literal_column("1")).add_cte(*ctes), int)

    def asked(self, session: Session, rows: Mapping[str, Sequence[Row]]) -> list[Asked]:
        """The rows of each part by its name, as statements to be sent with others."""
        if session.get_bind().dialect.name != "postgresql":
            parts = self._parts.items()
            return [each for name, one in parts for each in one.asked(session, rows.get(name, ()))]
        if not any(rows.values()):
            return []
        return [(self._whole, {f"of_{name}": rows.get(name, ()) for name in self._parts})]


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
    fixed: dict[str, Any] = {name: literal_column(text) for name, text in (constant or {}).items()}

    def whole(statement: Any) -> Any:
        if change is not None:
            changed = dict(change(statement.excluded))
            statement = statement.on_conflict_do_update(index_elements=once_by, set_=changed)
        elif once_by:
            statement = statement.on_conflict_do_nothing(index_elements=once_by)
        return statement.returning(*(table.c[name] for name in gives)) if gives else statement

    def at_once(name: str) -> Any:
        these = given(table, columns, name)
        rows = select(*(these.c[column] for column in columns), *fixed.values())
        names = [*columns, *fixed]
        return whole(postgresql.insert(table).from_select(names, rows, include_defaults=False))

    single = {name: bindparam(name, type_=table.c[name].type) for name in columns}
    return Many(at_once, whole(sqlite.insert(table).values(single | fixed)), make)


def insert_lists(model: Any, *columns: str, once_by: Sequence[str]) -> Many[None]:
    """As `insert_many`, for rows of numbers, texts, and long bytes, which JSON would double."""
    table = model.__table__
    kinds = {name: table.c[name].type for name in columns}

    def at_once(_name: str) -> Any:
        lists = [bindparam(name, type_=_List(kind)) for name, kind in kinds.items()]
        typed = [column(name, _plain(kind)) for name, kind in kinds.items()]
        rows = func.unnest(*lists).table_valued(*typed, name="given").render_derived()
        chosen = select(*(rows.c[name] for name in columns))
        made = postgresql.insert(table).from_select(columns, chosen, include_defaults=False)
        return made.on_conflict_do_nothing(index_elements=once_by)

    single = {name: bindparam(name, type_=kind) for name, kind in kinds.items()}
    each = sqlite.insert(table).values(single).on_conflict_do_nothing(index_elements=once_by)
    return _Lists(at_once, each)


def update_many(model: Any, key: str, *columns: str) -> Many[None]:
    """Give the rows of `model` with these values of `key` these values of the columns."""
    table, names = model.__table__, (key, *columns)

    def changed(row: Mapping[str, Any]) -> Any:
        values = {name: row[name] for name in columns}
        return update(table).where(table.c[key] == row[key]).values(values)

    def at_once(name: str) -> Any:
        these = given(table, names, name)
        # As in `_looked_up`: rows are found along the index of a numbered key.
        return changed({column: these.c[column] for column in names}).where(
            these.c[key].between(literal_column(str(FIRST)), literal_column(str(LAST)))
        )

    # What it is given may not be called as its columns are.
    single = {name: bindparam(f"its_{name}", type_=table.c[name].type) for name in names}
    return _Update(at_once, changed(single))


class _Update(Many[None]):
    def _one(self, row: Row) -> Row:
        return {f"its_{name}": value for name, value in row.items()}


def given(table: Any, columns: Sequence[str], name: str) -> Any:
    """The rows that a statement for PostgreSQL is given as `name`, as a table."""
    kinds = {column: table.c[column].type for column in columns}
    rows = cast(bindparam(name, type_=_Rows(kinds)), postgresql.JSON)
    typed = [column(one, _plain(kind)) for one, kind in kinds.items()]
    made = func.json_to_recordset(rows).table_valued(*typed, name=f"given_{name}")
    return made.render_derived(with_types=True)


class _Rows(TypeDecorator[Sequence[Row]]):
    """Rows with these columns as JSON, of which PostgreSQL makes a table."""

    impl = Text
    cache_ok = False

    def __init__(self, kinds: Mapping[str, Any]) -> None:
        super().__init__()
        self._columns = [
            (name, kind.process_bind_param if isinstance(kind, TypeDecorator) else None)
            for name, kind in kinds.items()
        ]

    def process_bind_param(self, value: Sequence[Row] | None, dialect: Dialect) -> str:
        """Each column as its type stores it."""
        if not value:
            return "[]"
        stored = [
            {
                name: row[name] if stores is None else stores(row[name], dialect)
                for name, stores in self._columns
            }
            for row in value
        ]
        return _as_json(stored)


def _as_text(value: bytes | datetime) -> str:
    """As PostgreSQL reads it."""
    return value.isoformat() if isinstance(value, datetime) else f"\\x{value.hex()}"


_as_json = json.JSONEncoder(
    ensure_ascii=False, separators=(",", ":"), default=_as_text
).encode  # built once; a new one for each statement costs as much as its work


def _plain(kind: Any) -> Any:
    """Without length: what is too long shall fail and not be cut."""
    if isinstance(kind, TypeDecorator):
        return kind.impl_instance
    return String() if isinstance(kind, String) else kind
