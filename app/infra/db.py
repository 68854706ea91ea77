"""The database: one code path for SQLite (embedded) and PostgreSQL (real use)."""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager, suppress
from datetime import UTC, datetime
from functools import cache
from typing import Any

from sqlalchemy import (
    BigInteger,
    DateTime,
    Dialect,
    Engine,
    Integer,
    LargeBinary,
    MetaData,
    create_engine,
    event,
)
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import SQLAlchemyError
from sqlalchemy.orm import DeclarativeBase, Session, sessionmaker
from sqlalchemy.types import TypeDecorator

from app.infra import alive, crypto
from app.infra import sqlite as sqlite_writing
from app.infra.direct import Asked, Direct, ended
from app.infra.discreet import make_discreet
from app.infra.queue import NORMAL, Bell, SilentBell

NAMING = {
    "ix": "ix_%(column_0_N_label)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_N_name)s",
    "pk": "pk_%(table_name)s",
}


Work = Callable[[Session], Sequence[Asked] | None]


class Base(DeclarativeBase):
    """Base of every model."""

    metadata = MetaData(naming_convention=NAMING)


BigId = BigInteger().with_variant(Integer(), "sqlite")
"""A growing primary key: SQLite only counts up INTEGER columns."""


class UtcDateTime(TypeDecorator[datetime]):
    """An aware datetime, stored as UTC. A naive one is a bug and raises ValueError."""

    impl = DateTime(timezone=True)
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """UTC, and without zone on SQLite, which has none."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError("a naive datetime cannot be stored")
        moment = value.astimezone(UTC)
        return moment.replace(tzinfo=None) if dialect.name == "sqlite" else moment

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """Always aware, always UTC."""
        if value is None:
            return None
        return value.replace(tzinfo=UTC) if value.tzinfo is None else value.astimezone(UTC)


class Encrypted(TypeDecorator[str]):
    """Text that is encrypted at rest. `context` is `table.column` and part of the seal."""

    impl = LargeBinary
    cache_ok = True

    def __init__(self, context: str) -> None:
        super().__init__()
        self.context = context

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | None:
        """Sealed bytes."""
        return None if value is None else crypto.ring().encrypt(value.encode(), self.context)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> str | None:
        """The text. Raises Undecryptable."""
        return None if value is None else crypto.ring().decrypt(value, self.context).decode()


class EncryptedBytes(Encrypted):
    """Bytes that are encrypted at rest: raw events and frozen payloads."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        """Sealed bytes."""
        return None if value is None else crypto.ring().encrypt(value, self.context)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:
        """The bytes. Raises Undecryptable."""
        return None if value is None else crypto.ring().decrypt(value, self.context)


class EncryptedJson(Encrypted):
    """A JSON value that is encrypted at rest."""

    cache_ok = True

    def process_bind_param(self, value: Any, dialect: Dialect) -> bytes | None:
        """Sealed bytes of compact JSON."""
        if value is None:
            return None
        text = json.dumps(value, ensure_ascii=False, separators=(",", ":"))
        return crypto.ring().encrypt(text.encode(), self.context)

    def process_result_value(self, value: bytes | None, dialect: Dialect) -> Any:
        """The value. Raises Undecryptable."""
        return None if value is None else json.loads(crypto.ring().decrypt(value, self.context))


def build_engine(url: str) -> Engine:
    """An engine for `url`; opens nothing until first use."""
    url = url.replace("postgres://", "postgresql://", 1)
    if not url.startswith("sqlite"):
        engine = create_engine(
            url,
            hide_parameters=True,  # errors reach logs, and rows hold personal data
            pool_use_lifo=True,  # a connection that was just used has its statements prepared
            pool_size=10,
            max_overflow=10,
            connect_args={
                "connect_timeout": 2,
                # A host that lost its power says nothing any more: give it up within seconds.
                "tcp_user_timeout": 8000,
                "keepalives_idle": 5,
                "keepalives_interval": 2,
                "keepalives_count": 2,
                "options": "-c statement_timeout=30000 -c timezone=UTC",
            },
        )
        event.listen(engine, "handle_error", make_discreet)
        event.listen(engine, "connect", _remember_statements)
        alive.watch(engine)
        return engine
    engine = create_engine(
        url, hide_parameters=True, connect_args={"timeout": 15.0, "check_same_thread": False}
    )
    sqlite_writing.tune(engine)
    return engine


def _remember_statements(connection: Any, _record: object) -> None:
    connection.prepared_max = 300  # a worker has more than the usual hundred, by lengths of lists


class Database:
    """Opens transactions. `transaction()` writes, `reading()` never blocks a writer."""

    def __init__(self, engine: Engine, bell: Bell | None = None) -> None:
        self.engine = engine
        self.bell = bell or SilentBell()
        self._writing = sessionmaker(engine, expire_on_commit=False)
        reading = engine.execution_options(yishu_reading=True, postgresql_readonly=True)
        self._reading = sessionmaker(reading, expire_on_commit=False)

    @contextmanager
    def transaction(self) -> Iterator[Session]:
        """A session that commits at the end of the block and rolls back on any error.

        What was asked for with `before_commit` is its last work. Bells asked for with
        `ring_after_commit` ring once the commit is durable, equal ones once.
        """
        with self._writing() as session:
            with session.begin() as begun:
                yield session
                if begun.is_active:  # not when the block itself rolled back
                    _end(session)
            for job, ids, lane in dict.fromkeys(session.info.pop("bells", ())):
                self.bell.ring(job, *ids, lane=lane)

    @contextmanager
    def reading(self) -> Iterator[Session]:
        """A session for questions only: PostgreSQL refuses changes, SQLite takes them back.

        PostgreSQL's ends with COMMIT: at a ROLLBACK the driver forgets every prepared statement.
        """
        with self._reading() as session:
            try:
                yield session
                session.expunge_all()
                if self.engine.dialect.name == "postgresql":
                    with suppress(SQLAlchemyError):  # it broke; there is nothing to lose
                        session.commit()
            finally:
                session.expunge_all()  # what was read stays readable
                session.rollback()  # after an error: a statement that fails may fail for ever


def insert_once(session: Session, model: type[Base], values: dict[str, Any], *keys: str) -> bool:
    """Insert a row unless one with the same `keys` exists; True when it was inserted."""
    return insert_new(session, model, values, *keys) is not None


def insert_new(session: Session, model: type[Base], values: dict[str, Any], *keys: str) -> Any:
    """The same; gives the new row's primary key, or None."""
    dialect = session.get_bind().dialect.name
    return _insert_new(dialect, model, keys, tuple(values)).first(session, values)


def insert_all(
    session: Session, model: type[Base], rows: Sequence[dict[str, Any]], *keys: str
) -> None:
    """Insert those rows that are not there yet, by `keys`."""
    session.flush()  # what the rows point at must be there
    if rows:
        statement = _insert(session.get_bind().dialect.name, model, keys)
        session.connection().execute(statement, list(rows))


@cache
def _insert_new(
    dialect: str, model: type[Base], keys: tuple[str, ...], columns: tuple[str, ...]
) -> Direct[Any]:
    # What comes back is counted, not `rowcount`: PostgreSQL's driver gives -1 for it here.
    key = model.__mapper__.primary_key[0]
    return Direct(_insert(dialect, model, keys).returning(key), lambda key: key, columns)


@cache
def _insert(dialect: str, model: type[Base], keys: tuple[str, ...]) -> Any:
    maker = postgresql if dialect == "postgresql" else sqlite
    return maker.insert(model.__table__).on_conflict_do_nothing(index_elements=keys)


def ring_after_commit(session: Session, job: str, *ids: int | str, lane: str = NORMAL) -> None:
    """Ring `job` when this session's transaction has committed; never before, never without."""
    session.info.setdefault("bells", []).append((job, ids, lane))


def before_commit(session: Session, name: str, work: Work) -> None:
    """Do `work` once, as the last thing of this transaction, whoever asked for it by this `name`.

    For what many parts of a transaction would else write one by one. The statements that it gives
    are the very last, and cost no time of their own.
    """
    session.info.setdefault("last", {}).setdefault(name, work)


def _end(session: Session) -> None:
    asked: list[Asked] = []
    last: dict[str, Work] = session.info.setdefault("last", {})
    while last:  # work may ask for more, also of what still waits
        work = last.pop(next(iter(last)))
        asked += work(session) or ()
    ended(session, *asked)
