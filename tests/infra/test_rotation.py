"""Keys rotate: everything moves to the newest key, look-ups go on working."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from sqlalchemy import select

from app import identity
from app.identity import Id, Kind
from app.identity.models import Identifier
from app.infra import crypto, rotation
from app.infra.crypto import KeyRing, Undecryptable
from app.infra.db import Database
from tests.conftest import KEYS, NOON

OLD, NEW, INDEX = "11" * 32, "22" * 32, "33" * 32
PHONE = Id(Kind.PHONE, "", "+8619912345678")


@pytest.fixture(autouse=True)
def _restore() -> Iterator[None]:
    yield
    crypto.install(KeyRing.parse(KEYS))


def test_everything_moves_to_the_newest_key_and_is_still_found(database: Database) -> None:
    crypto.install(KeyRing.parse(f"old:{OLD},index:{INDEX}"))
    with database.transaction() as session:
        (row,) = identity.observe(session, [PHONE], event_key="1", source="test", at=NOON, now=NOON)
        identity.describe(
            session, row, {"name": "王某某"}, source="test", trust=1, at=NOON, now=NOON
        )
    crypto.install(KeyRing.parse(f"new:{NEW},old:{OLD},index:{INDEX}"))
    assert rotation.rotate(database) >= 3
    assert rotation.rotate(database) == 0
    crypto.install(KeyRing.parse(f"new:{NEW},index:{INDEX}"))
    with database.reading() as session:
        found = identity.find(session, PHONE)
        assert found is not None
        assert found.value == PHONE.value
        assert identity.search(session, "王某某")[1] in (0, 1)
        assert session.scalars(select(Identifier)).one().value == PHONE.value


def test_without_its_key_nothing_can_be_read(database: Database) -> None:
    crypto.install(KeyRing.parse(f"old:{OLD},index:{INDEX}"))
    with database.transaction() as session:
        identity.observe(session, [PHONE], event_key="1", source="test", at=NOON, now=NOON)
    crypto.install(KeyRing.parse(f"new:{NEW},index:{INDEX}"))
    with database.reading() as session, pytest.raises(Undecryptable):
        session.scalars(select(Identifier)).one()


def test_a_value_cannot_be_moved_to_another_column() -> None:
    ring = KeyRing.parse(f"old:{OLD}")
    sealed = ring.encrypt(b"secret", "identifier.value")
    with pytest.raises(Undecryptable):
        ring.decrypt(sealed, "physician.name")
    with pytest.raises(Undecryptable):
        ring.decrypt(sealed[:-1] + bytes([sealed[-1] ^ 1]), "identifier.value")
