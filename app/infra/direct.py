"""Statements that every event costs, as the driver takes them.

What a session does around a statement takes longer than the statement: finding its compiled form,
converting, setting up a result. A `Direct` is compiled once and run on the driver's cursor, inside
the session's transaction; the columns' types still convert values both ways, and errors are those
that SQLAlchemy would raise. For what a profile names, and nothing else: rows are plain values that
no session keeps up to date.

    _OLDEST = Direct(select(Person.id, Person.name).where(Person.id < bindparam("id")), Found)
    _OLDEST.all(session, {"id": 12})      # [Found(id=3, name="…"), …]
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, Generic, TypeVar

from sqlalchemy import Connection, Dialect, text
from sqlalchemy.exc import DBAPIError
from sqlalchemy.orm import Session

from app.infra import wire
from app.infra.discreet import hide_values

POSITIONAL = {"postgresql": "format", "sqlite": "qmark"}
NUMBERED = "numeric_dollar"

T = TypeVar("T")
Convert = Callable[[Any], Any]
Asked = tuple["Direct[Any]", Mapping[str, Any]]  # a statement and its values


class DriverStatement:
    """`text` and `parameters(row)` for a cursor of `dialect`'s driver.

    `columns` of an insert are those that rows give a value; the others get their default. Lists
    (`expanding` parameters) are not possible.
    """

    def __init__(
        self, dialect: Dialect, statement: Any, columns: Sequence[str] = (), style: str = ""
    ) -> None:
        style = style or POSITIONAL[dialect.name]
        positional = type(dialect)(paramstyle=style)  # type: ignore[call-arg]
        compiled = statement.compile(dialect=positional, column_keys=list(columns) or None)
        self.text = str(compiled)
        if "POSTCOMPILE" in self.text or getattr(compiled, "update_prefetch", None):
            raise TypeError("neither lists nor columns that change with every update")
        defaults = {c.key: c.default for c in getattr(compiled, "insert_prefetch", ())}
        self._parts = [
            (name, _default(defaults.get(name), bind), _into(dialect, bind.type))
            for name in compiled.positiontup or ()
            for bind in (compiled.binds[name],)
        ]

    def parameters(self, *rows: Mapping[str, Any]) -> list[Any]:
        """The values of these rows, one after the other."""
        found = []
        for row in rows:
            for name, default, convert in self._parts:
                value = row[name] if default is None or name in row else default()
                found.append(convert(value) if convert is not None else value)
        return found


def nothing(*_columns: object) -> None:
    """What becomes of the rows of a statement that gives none."""


class Direct(Generic[T]):
    """A statement, and what becomes of a row: `make(*columns)`."""

    def __init__(
        self, statement: Any, make: Callable[..., T], columns: Sequence[str] = (), *,
        large: bool = False,
    ) -> None:  # fmt: skip
        """`large`: what it gives may be much, and shall not stay in memory with its cursor."""
        self._statement, self._make, self._columns = statement, make, columns
        self._large = large
        self._prepared: dict[str, DriverStatement] = {}
        self._wire: tuple[DriverStatement, wire.Wire] | None = None
        self._converters: dict[str, Sequence[tuple[int, Convert]] | None] = {}

    def all(self, session: Session, values: Mapping[str, Any]) -> list[T]:
        """Every row."""
        return self._made(*self._run(session, values))

    def first(self, session: Session, values: Mapping[str, Any]) -> T | None:
        """The first row, None when there is none."""
        rows = self.all(session, values)
        return rows[0] if rows else None

    def run(self, session: Session, values: Mapping[str, Any]) -> None:
        """For statements that give no rows."""
        self._run(session, values)

    def run_each(self, session: Session, rows: Sequence[Mapping[str, Any]]) -> None:
        """The same with each of many values, by the driver's own loop."""
        session.flush()
        connection = session.connection()
        statement, driver = self._for(connection.dialect), connection.dialect.dbapi
        try:
            self._cursor(connection).executemany(statement.text, map(statement.parameters, rows))
        except driver.Error as problem:  # type: ignore[union-attr]
            raise _as_usual(connection, problem) from problem

    def _run(
        self, session: Session, values: Mapping[str, Any]
    ) -> tuple[list[Any], Sequence[tuple[int, Convert]]]:
        session.flush()  # as a session does before it asks
        connection = session.connection()
        dialect = connection.dialect
        driver: Any = dialect.dbapi
        try:
            if dialect.name == "postgresql":
                asked = [self.for_wire(dialect, values)]
                told = wire.ask(_driver_of(connection), asked, connection.info)
                if told is not None:
                    return told[0].rows, self._out_of(dialect, told[0].codes) or ()
            statement = self._for(dialect)
            parameters = statement.parameters(values)
            cursor = self._cursor(connection)
            cursor.execute(statement.text, parameters)
            codes = [column[1] for column in cursor.description or ()]
            converters = self._out_of(dialect, codes)
            rows = list(cursor.fetchall()) if converters is not None else []
            if self._large:
                cursor.close()
            return rows, converters or ()
        except driver.Error as problem:
            raise _as_usual(connection, problem) from problem

    def for_wire(
        self, dialect: Dialect, values: Mapping[str, Any]
    ) -> tuple[wire.Wire, Sequence[Any]]:
        """This statement and its values, as `wire.ask` takes them."""
        if self._wire is None:
            numbered = DriverStatement(dialect, self._statement, self._columns, NUMBERED)
            self._wire = numbered, wire.Wire(numbered.text)
        return self._wire[1], self._wire[0].parameters(values)

    def from_wire(self, dialect: Dialect, answer: wire.Answer) -> list[T]:
        """Every row of what it gave."""
        return self._made(answer.rows, self._out_of(dialect, answer.codes) or ())

    def _made(self, rows: list[Any], converters: Sequence[tuple[int, Convert]]) -> list[T]:
        if converters:
            rows = [_converted(row, converters) for row in rows]
        return [self._make(*row) for row in rows]

    def _cursor(self, connection: Connection) -> Any:
        """This statement's own on this connection: it remembers how values are converted."""
        kept = connection.info.setdefault("direct", {})
        if self._large or self not in kept:
            kept[self] = connection.connection.cursor()
        return kept[self]

    def _for(self, dialect: Dialect) -> DriverStatement:
        if dialect.name not in self._prepared:
            statement = DriverStatement(dialect, self._statement, self._columns)
            self._prepared[dialect.name] = statement
        return self._prepared[dialect.name]

    def _out_of(
        self, dialect: Dialect, codes: Sequence[Any]
    ) -> Sequence[tuple[int, Convert]] | None:
        """Where a column's type changes what the driver gives; None when it gives no rows."""
        if dialect.name not in self._converters:
            self._converters[dialect.name] = (
                [
                    (at, convert)
                    for at, (column, code) in enumerate(
                        zip(self._statement.exported_columns, codes, strict=True)
                    )
                    if (convert := _out_of(dialect, column.type, code)) is not None
                ]
                if codes
                else None
            )
        return self._converters[dialect.name]


def together(session: Session, *asked: Asked) -> list[list[Any]]:
    """Every row of each of these statements, done one after the other; PostgreSQL is sent all of
    them at once."""
    if not asked:
        return []
    session.flush()
    connection = session.connection()
    dialect = connection.dialect
    driver: Any = dialect.dbapi
    if dialect.name == "postgresql":
        ready = [one.for_wire(dialect, values) for one, values in asked]
        try:
            told = wire.ask(_driver_of(connection), ready, connection.info)
        except driver.Error as problem:
            raise _as_usual(connection, problem) from problem
        if told is not None:
            return [
                one.from_wire(dialect, answer) for (one, _), answer in zip(asked, told, strict=True)
            ]
    return [one.all(session, values) for one, values in asked]


def ended(session: Session, *asked: Asked) -> None:
    """These statements, and nothing after them in this transaction: PostgreSQL is sent its COMMIT
    with them. Whoever began the transaction still ends it. When one of them fails, nothing is
    committed; any other error (a lost connection, a row that cannot be made) may be raised
    although PostgreSQL has committed, as an error of a COMMIT may."""
    commits = session.get_bind().dialect.name == "postgresql"
    whole = bool(asked) and commits and not session.in_nested_transaction()
    together(session, *asked, *([_COMMIT] if whole else []))


def _driver_of(connection: Connection) -> Any:
    return connection.connection.driver_connection


def _converted(row: Sequence[Any], converters: Sequence[tuple[int, Convert]]) -> list[Any]:
    values = list(row)
    for at, convert in converters:
        values[at] = convert(values[at])
    return values


def _default(default: Any, bind: Any) -> Callable[[], Any] | None:
    """What a row may leave out; None when it may not."""
    if default is not None:
        return (lambda: default.arg(None)) if default.is_callable else (lambda: default.arg)
    return None if bind.required else (lambda: bind.value)  # written into the statement itself


def _into(dialect: Dialect, kind: Any) -> Convert | None:
    convert: Convert | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return convert


def _out_of(dialect: Dialect, kind: Any, code: Any) -> Convert | None:
    convert: Convert | None = kind.dialect_impl(dialect).result_processor(dialect, code)
    return convert


def _as_usual(connection: Connection, problem: Any) -> Exception:
    """What SQLAlchemy makes of a driver's error."""
    driver: Any = connection.dialect.dbapi
    hide_values(problem)
    cut_off = connection.dialect.is_disconnect(problem, connection.connection, None)
    if cut_off:
        connection.invalidate(problem)
    usual: Exception = DBAPIError.instance(
        None, None, problem, driver.Error, hide_parameters=True,
        connection_invalidated=cut_off, dialect=connection.dialect,
    )  # fmt: skip
    return usual


_COMMIT: Asked = Direct(text("COMMIT"), nothing), {}  # the driver sees that it is done
