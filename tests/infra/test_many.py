"""Many rows in one statement are stored exactly as one by one, and fail as loudly."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta, timezone
from typing import Any

import pytest
from sqlalchemy import select
from sqlalchemy.exc import DBAPIError, IntegrityError
from sqlalchemy.orm import Session

from app.identity.models import Component, Identifier, IdentityLog
from app.infra.columns import Columns
from app.infra.db import Database
from app.infra.direct import Direct, together
from app.infra.many import Many, Together, among, insert_lists, insert_many, update_many
from app.recommend.fit.fit_models import PhysicianFit
from tests.conftest import NOON

TEXTS = ["示例人民医院", 'a "quoted" \\ back\\slash', "it's {1,2}, NULL", "a\tb\n\u2028", ""]
NEW: Many[tuple[int, str]] = insert_many(
    Identifier, "value_hash", "value", "component_id", "one_id", "split_at", "first_seen_at",
    constant={"kind": "'phone'", "namespace": "''", "status": "'active'"},
    once_by=("kind", "namespace", "value_hash"),
    gives=("id", "value"), make=lambda number, value: (number, value),
)  # fmt: skip
MOVED = update_many(Identifier, "id", "one_id", "split_at", "value")
LOG: Many[None] = insert_many(IdentityLog, "at", "kind", "cause", "before", "after", "rule_version")
IDS = Direct(select(Identifier.id).where(among(Identifier.id, "ids")), int)
EPOCH = datetime(1970, 1, 1, tzinfo=UTC)
OWNED = Direct(select(Identifier.id).where(among(Identifier.one_id, "owners")), int)


def row(session: Session, number: int, **others: Any) -> dict[str, Any]:
    if (component := session.get(Component, 1)) is None:
        component = Component(id=1, size=1)
        session.add(component)
    return {
        "value_hash": bytes([number]) * 32, "value": TEXTS[number % len(TEXTS)],
        "component_id": component.id, "one_id": f"YS{number}", "split_at": None,
        "first_seen_at": NOON, **others,
    }  # fmt: skip


def test_every_type_comes_back_as_it_went_in(database: Database) -> None:
    in_china = NOON.astimezone(timezone(timedelta(hours=8))) + timedelta(microseconds=7)
    with database.transaction() as session:
        rows = [row(session, n, split_at=in_china if n else None) for n in range(5)]
        given = NEW.all(session, rows)
        assert sorted(value for _, value in given) == sorted(TEXTS)
        assert NEW.all(session, [*rows, row(session, 9)])[1:] == [], "once"
    with database.reading() as session:
        found = session.scalars(select(Identifier).order_by(Identifier.value_hash)).all()
        assert [one.value for one in found] == [*TEXTS, TEXTS[4]]
        assert [one.value_hash for one in found[:2]] == [bytes(32), b"\1" * 32]
        assert [one.split_at for one in found[:2]] == [None, in_china]
        raw = session.connection().exec_driver_sql("select value from identifier").scalars()
        assert TEXTS[0].encode() not in b"".join(bytes(value) for value in raw)


def test_long_bytes_come_back_as_they_went_in_and_once(database: Database) -> None:
    fits = insert_lists(PhysicianFit, "one_id", "night_id", "body", once_by=["one_id"])
    bodies = {text: bytes(range(256)) * n for n, text in enumerate(TEXTS)}
    with database.transaction() as session:
        fits.run(session, [])
        for night in (7, 8):
            fits.run(session, [
                {"one_id": text, "night_id": night, "body": body} for text, body in bodies.items()
            ])  # fmt: skip
    with database.reading() as session:
        found = session.scalars(select(PhysicianFit)).all()
        assert {one.one_id: one.body for one in found} == bodies
        assert {one.night_id for one in found} == {7}


def test_each_way_of_many_rows_does_the_same(database: Database) -> None:
    """`run`, `all`, and what is sent with others, of an update and of lists."""
    fits = insert_lists(PhysicianFit, "one_id", "night_id", "body", once_by=["one_id"])
    ways: list[Any] = [
        lambda session, many, rows: many.run(session, rows),
        lambda session, many, rows: many.all(session, rows),
        lambda session, many, rows: together(session, *many.asked(session, rows)),
    ]
    for n, way in enumerate(ways):
        with database.transaction() as session:
            given = NEW.all(session, [row(session, 10 * n + k) for k in range(2)])
            way(session, MOVED, [
                {"id": number, "one_id": f"moved{n}", "split_at": NOON, "value": "x"}
                for number, _ in given
            ])  # fmt: skip
            bodies = [{"one_id": f"{n}{k}", "night_id": n, "body": b"1" * k} for k in range(3)]
            way(session, fits, bodies)
            way(session, fits, [])
    with database.reading() as session:
        owners = session.scalars(select(Identifier.one_id)).all()
        assert sorted(owners) == [f"moved{n}" for n in range(3) for _ in range(2)]
        assert len(session.scalars(select(PhysicianFit.one_id)).all()) == 9


def test_columns_are_what_was_stored(database: Database) -> None:
    pytest.importorskip("numpy")
    moments = [NOON - timedelta(days=n * 777, microseconds=n) for n in range(20)]
    said = Columns(
        select(Identifier.id, Identifier.one_id, Identifier.first_seen_at)
        .where(among(Identifier.one_id, "owners"))
    )  # fmt: skip
    with database.transaction() as session:
        assert [len(one) for one in said.all(session, {"owners": ["YS3"]})] == [0, 0, 0]
        numbers = [
            number for number, _ in
            NEW.all(session, [row(session, n, first_seen_at=at) for n, at in enumerate(moments)])
        ]  # fmt: skip
        found = said.all(session, {"owners": [f"YS{n}" for n in range(20)]})
        told = sorted(zip(found[1], found[0].tolist(), found[2].tolist(), strict=True))
        stored = session.execute(select(Identifier.one_id, Identifier.id, Identifier.first_seen_at))
        assert sorted(number for _, number, _ in told) == sorted(numbers)
        assert told == sorted(
            (a, b, (c - EPOCH) // timedelta(microseconds=1)) for a, b, c in stored
        )


def test_lists_find_numbers_and_texts_and_nothing_when_they_are_empty(database: Database) -> None:
    with database.transaction() as session:
        given = NEW.all(session, [row(session, n, one_id=TEXTS[n]) for n in range(4)])
        ids = sorted(number for number, _ in given)
        assert sorted(IDS.all(session, {"ids": ids[:2]})) == ids[:2]
        assert IDS.all(session, {"ids": []}) == []
        assert len(OWNED.all(session, {"owners": [*TEXTS[:3], "nobody"]})) == 3
        assert NEW.all(session, []) == []


def test_several_are_written_together(database: Database) -> None:
    both = Together(moved=MOVED, log=LOG)
    with database.transaction() as session:
        given = NEW.all(session, [row(session, n) for n in range(3)])
        changes = [
            {"id": number, "one_id": f"YS{number}x", "split_at": NOON, "value": TEXTS[1]}
            for number, _ in given[:2]
        ]
        log = {"at": NOON, "kind": "merge", "cause": TEXTS[1], "before": {"1": TEXTS[1]},
               "after": {}, "rule_version": 1}  # fmt: skip
        together(session, *both.asked(session, {"moved": changes, "log": [log, log]}))
        assert not both.asked(session, {"moved": []})
    with database.reading() as session:
        found = session.scalars(select(Identifier)).all()
        assert sorted(one.one_id.endswith("x") for one in found) == [False, True, True]
        assert {one.value for one in found if one.split_at == NOON} == {TEXTS[1]}
        logged = session.scalars(select(IdentityLog)).all()
        assert [(one.before, one.after, one.cause) for one in logged] == [
            ({"1": TEXTS[1]}, {}, TEXTS[1])
        ] * 2


def test_what_is_too_long_is_refused_and_not_cut(database: Database) -> None:
    if database.engine.dialect.name != "postgresql":
        pytest.skip("SQLite knows no lengths")
    with pytest.raises(DBAPIError), database.transaction() as session:
        NEW.all(session, [row(session, 1, one_id="YS" + "0" * 23)])


def test_errors_show_no_value(database: Database) -> None:
    with database.transaction() as session:
        rows = [row(session, 1), row(session, 2, component_id=99, one_id="SECRET")]
    with pytest.raises(IntegrityError) as caught, database.transaction() as session:
        NEW.all(session, rows)
    assert "SECRET" not in str(caught.value)
