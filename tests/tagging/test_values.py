"""Weights as numbers are the weights, to the last bit."""

from __future__ import annotations

import random
from datetime import timedelta

from app import tagging
from app.infra.db import Database
from app.tagging import Source
from tests.company import hire, meet
from tests.conftest import SetClock


def test_values_are_the_weights_whatever_was_said(database: Database, clock: SetClock) -> None:
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
        known = tagging.weights(session, people, clock())
        found = tagging.values(session, people, clock())
        assert {one: {t: w.value for t, w in of.items()} for one, of in known.items()} == found
        assert sum(map(len, found.values())) > 100
        shape = tagging.shape(session)
        assert any(tag in shape.exclusive for of in found.values() for tag in of)
