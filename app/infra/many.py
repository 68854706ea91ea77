"""One statement for many rows: arrays on PostgreSQL, on SQLite (where no way is long) row by row.

    _OF = Direct(select(Person.id).where(among(Person.id, "ids")), int)
    _OF.all(session, {"ids": [3, 5]})

    _MOVED = Many.update(Person, "id", "city")
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
    """A statement that takes many rows with these columns, and what becomes of what it gives."""

    def __init__(self, columns: Sequence[str], at_once: Direct[T], each: Direct[T]) -> None:
        self._columns, self._at_once, self._each = columns, at_once, each

    def all(self, session: Session, rows: Sequence[Row]) -> list[T]:
        """Whatever all of them give; in no particular order."""
        if not rows:
            return []
        if session.get_bind().dialect.name == "postgresql":
            lists = {name: [row[name] for row in rows] for name in self._columns}
            return self._at_once.all(session, lists)
        return [found for row in rows for found in self._each.all(session, row)]

    def run(self, session: Session, rows: Sequence[Row]) -> None:
        """For statements that give nothing."""
        self.all(session, rows)

    @classmethod
    def insert(
        cls,
        model: Any,
        *columns: str,
        constant: Mapping[str, str] | None = None,
        once_by: Sequence[str] = (),
        change: Callable[[Any], Mapping[str, Any]] | None = None,
        gives: Sequence[str] = (),
        make: Callable[..., T] = nothing,  # type: ignore[assignment]
    ) -> Many[T]:
        """Rows of `model`; `constant` columns are SQL. A row that is there by `once_by` stays as it
        is, or takes what `change` makes of the row that was to be inserted."""
        table, fixed = model.__table__, constant or {}
        literals = [literal_column(text) for text in fixed.values()]
        names = [*columns, *fixed]
        given = _given(table, columns)
        whole = select(*(given.c[name] for name in columns), *literals)
        at_once = postgresql.insert(table).from_select(names, whole, include_defaults=False)
        single = {name: bindparam(name, type_=table.c[name].type) for name in columns}
        each = sqlite.insert(table).values(single | dict(zip(fixed, literals, strict=True)))
        prepared = []
        for one in (at_once, each):
            chosen: Any = one
            if change is not None:
                chosen = one.on_conflict_do_update(
                    index_elements=once_by, set_=dict(change(one.excluded))
                )
            elif once_by:
                chosen = one.on_conflict_do_nothing(index_elements=once_by)
            if gives:
                chosen = chosen.returning(*(table.c[name] for name in gives))
            prepared.append(Direct(chosen, make))
        return cls(columns, *prepared)

    @classmethod
    def update(cls, model: Any, key: str, *columns: str) -> Many[None]:
        """The rows of `model` that have these values of `key`."""
        table = model.__table__
        given = _given(table, (key, *columns))
        at_once = (
            update(table)
            .where(table.c[key] == given.c[key])
            .values({name: given.c[name] for name in columns})
        )
        each = (
            update(table)
            .where(table.c[key] == bindparam(f"{key}_"))
            .values({name: bindparam(f"{name}_", type_=table.c[name].type) for name in columns})
        )
        return _Renamed((key, *columns), Direct(at_once, nothing), Direct(each, nothing))


class _Renamed(Many[None]):
    """An update may not call what it is given as it calls its columns."""

    def all(self, session: Session, rows: Sequence[Row]) -> list[None]:
        if rows and session.get_bind().dialect.name != "postgresql":
            rows = [{f"{name}_": value for name, value in row.items()} for row in rows]
        return super().all(session, rows)


def _given(table: Any, columns: Sequence[str]) -> Any:
    """The rows of a statement as a table of its own."""
    lists = [bindparam(name, type_=_array(table.c[name].type)) for name in columns]
    made = func.unnest(*lists).table_valued(*columns, name="given")
    return made.render_derived()


def _array(kind: Any) -> Any:
    # A cast to VARCHAR(24) would cut what is too long, without a word.
    return postgresql.ARRAY(String() if isinstance(kind, String) else kind)
