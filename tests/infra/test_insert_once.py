"""The one insert that every "exactly once" of the product rests on."""

from __future__ import annotations

from app.infra.db import Database, insert_once
from app.tagging.models import TagCategory


def test_only_the_first_insert_says_that_it_happened(database: Database) -> None:
    values = {"key": "k", "name": "名称", "exclusive": False, "position": 0}
    with database.transaction() as session:
        assert insert_once(session, TagCategory, values, "key") is True
        assert insert_once(session, TagCategory, values | {"name": "别的"}, "key") is False
    with database.transaction() as session:
        assert insert_once(session, TagCategory, values, "key") is False
        assert session.get_one(TagCategory, "k").name == "名称"
