"""Weights as numbers, and as arrays, are the weights, to the last bit."""

from __future__ import annotations

import random
from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from app import tagging
from app.infra.db import Database
from app.tagging import Source
from tests.company import hire, meet
from tests.conftest import SetClock


def in_arrays(session: Session, people: list[str], now: datetime) -> dict[str, dict[int, float]]:
    found: dict[str, dict[int, float]] = {one_id: {} for one_id in people}
    held = tagging.in_arrays(session, people, now)
    rows = zip(held.place.tolist(), held.tag.tolist(), held.value.tolist(), strict=True)
    for place, tag, value in rows:
        found[people[place]][tag] = value
    return found


@pytest.mark.parametrize("as_arrays", [False, True])
def test_values_are_the_weights_whatever_was_said(
    database: Database, clock: SetClock, as_arrays: bool
) -> None:
    if as_arrays:
        pytest.importorskip("numpy")
    dice = random.Random(4)
    with database.transaction() as session:
        tagging.seed(session, clock())
        rep = hire(session, "rep01", clock())
        tags = [tag.id for tag in tagging.tags(session)]
        people = []
        for n in range(30):
            row = meet(session, rep, f"p{n}", clock())
            people.append(row.one_id)
            for k in range(dice.randint(0, 40)):
                tagging.assert_tag(
                    session, row.id, dice.choice(tags), ref=f"test:{n}:{k}", evidence="测试",
                    source=dice.choice([Source.CRM, Source.WECOM_TAG, Source.PERSON]),
                    confidence=dice.choice([1.0, 0.6, 0.05, -0.5]),
                    at=clock() - timedelta(hours=dice.randint(-5, 9000)),
                )  # fmt: skip
            if n % 3 == 0:
                gone = list(tagging.weights(session, [row.one_id], clock())[row.one_id])[:2]
                for tag in gone:
                    ago = clock() - timedelta(days=900)
                    tagging.delete_own(session, [row.id], tag, at=ago)
                left = tagging.weights(session, [row.one_id], clock())[row.one_id]
                assert left.keys().isdisjoint(gone)
        row, shape = meet(session, rep, "alike", clock()), tagging.shape(session)
        people.append(row.one_id)
        older, newer = [tag for tag in tags if tag in shape.exclusive][:2]
        for tag, hours in ((newer, 2), (older, 1)):
            tagging.assert_tag(
                session, row.id, tag, ref="test", evidence="测试", source=Source.CRM,
                confidence=1.0, at=clock() + timedelta(hours=hours),
            )  # fmt: skip
        known = tagging.weights(session, people, clock())
        ask = in_arrays if as_arrays else tagging.values
        assert ask(session, [], clock()) == {}
        found = ask(session, people, clock())
        assert {one: {t: w.value for t, w in of.items()} for one, of in known.items()} == found
        assert sum(map(len, found.values())) > 100
        assert found[row.one_id].keys() == {newer}
        assert any(tag in shape.exclusive for of in found.values() for tag in of)
