"""What every event needs and hardly ever changes, kept in the process while its stamp stays.

    LEXICON = Stamped("vocabulary", read_lexicon)    (several may be made from the same thing)
    LEXICON.of(session)       one short question a transaction instead of the whole table
    LEXICON.changed(session)  belongs to the transaction that changes what the value is made from

A stamp is random, so one that was rolled back never comes again, and no two databases share one
by accident. Without a stamp, and in the transaction that changed it, the value is read anew.
"""

from __future__ import annotations

import secrets
from collections.abc import Callable
from typing import Generic, TypeVar

from sqlalchemy import String, bindparam, select, update
from sqlalchemy.orm import Mapped, Session, mapped_column

from app.infra.db import Base, insert_once
from app.infra.direct import Direct

KEPT = 4  # values by stamp; tests and tools may have several databases in one process

T = TypeVar("T")


class Stamp(Base):
    """Changes whenever the thing of this name changes."""

    __tablename__ = "stamp"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    value: Mapped[str] = mapped_column(String(32))


_CURRENT = Direct(
    select(Stamp.__table__.c.value).where(Stamp.__table__.c.name == bindparam("name")), str
)


class Stamped(Generic[T]):
    """A value that `read(session)` makes; treat it as unchangeable, it is shared by threads."""

    def __init__(self, name: str, read: Callable[[Session], T]) -> None:
        self._name, self._read = name, read
        self._by_stamp: dict[str, T] = {}

    def of(self, session: Session) -> T:
        """The value as this transaction sees it."""
        of_name = session.info.setdefault("stamped", {}).setdefault(self._name, {})
        known: dict[Stamped[T], T] = of_name
        if self not in known:
            known[self] = self._look_up(session)
        return known[self]

    def again(self, session: Session) -> T:
        """Read anew, and kept, although the stamp is the same."""
        self._by_stamp = {}
        session.info.setdefault("stamped", {}).pop(self._name, None)
        return self.of(session)

    def changed(self, session: Session) -> None:
        """Everybody reads it anew once this transaction has committed, and this one at once."""
        change(session, self._name)

    def _look_up(self, session: Session) -> T:
        stamp = _CURRENT.first(session, {"name": self._name})
        if stamp is None or self._name in session.info.get("stamps changed", ()):
            return self._read(session)
        value = self._by_stamp.get(stamp)
        if value is None:
            value = self._read(session)  # at least as new as the stamp
            self._by_stamp = dict([*self._by_stamp.items(), (stamp, value)][-KEPT:])
        return value


def change(session: Session, name: str) -> None:
    """`changed` of the value of this name, for whoever changes it and does not read it."""
    fresh = {"name": name, "value": secrets.token_hex(16)}
    if not insert_once(session, Stamp, fresh, "name"):
        stamp = update(Stamp).where(Stamp.name == name).values(value=fresh["value"])
        session.execute(stamp.execution_options(synchronize_session=False))
    session.info.setdefault("stamped", {}).pop(name, None)
    session.info.setdefault("stamps changed", set()).add(name)
