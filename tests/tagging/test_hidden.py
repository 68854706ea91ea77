"""What only staff may see is hidden from reps under every name that it has or had."""

from __future__ import annotations

from collections.abc import Collection

import pytest
from sqlalchemy.orm import Session

from app import tagging
from app.flows.tagging import tag_cards, vocabulary
from app.infra.db import Database
from app.tagging import editing
from app.tagging.naming import fold
from tests.conftest import NOON
from tests.tagging.people import tag


def revise(session: Session, key: str, **values: str) -> None:
    vocabulary.edit(session, lambda d: editing.revised(d, key, values), actor="u", now=NOON)


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the same on both: saves time
def test_no_name_of_a_staff_tag_is_told(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        told = [
            "对「房颤」感兴趣",
            "企微标签「疾病 / 房颤」 · 王敏",
            "CRM 标签「 房 颤 」",
            "读过「房…",
            "读过《《房颤指南》解读》的医生也常读这一篇",
            "读过《《指南》房颤解…",
        ]
        other = ["读过「心衰」内容", "房颤", "读过《心衰指南》的医生也常读房颤"]
        revise(session, "af", sensitivity="staff")
        assert tagging.without_hidden(session, [*told, *other]) == other
        revise(session, "af", name="内部甲")
        assert tagging.without_hidden(session, [*told, *other]) == other
        vocabulary.merge(session, "heart-failure", "af", actor="u", now=NOON)
        assert tagging.without_hidden(session, [*told, *other]) == other[1:2]
        assert tag(session, "heart-failure").id in tagging.LEXICON.of(session).staff


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # the same on both: saves time
def test_whatever_hides_a_name_takes_it_out_of_cards_that_wait(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    hidden: list[str] = []

    def hide(_: Session, names: Collection[str]) -> int:
        hidden.extend(names)
        return 0

    monkeypatch.setattr(tag_cards, "hide", hide)
    heart_failure = fold("心衰")

    def hides() -> bool:
        found = heart_failure in hidden
        hidden.clear()
        return found

    with database.transaction() as session:
        tagging.seed(session, NOON)
        revise(session, "af", sensitivity="staff")
        assert not hides()
        merge = vocabulary.merge(session, "heart-failure", "af", actor="u", now=NOON)
        assert hides()
        undone = vocabulary.undo(session, merge.number, actor="u", now=NOON)
        assert not hides()
        vocabulary.undo(session, undone.number, actor="u", now=NOON)
        assert hides()
        vocabulary.roll_back(session, undone.number, actor="u", now=NOON)
        vocabulary.roll_back(session, merge.number, actor="u", now=NOON)
        assert hides()
        vocabulary.roll_back(session, undone.number, actor="u", now=NOON)
        share = vocabulary.Share("af", words=("心衰",))
        hidden.clear()
        vocabulary.split(session, "heart-failure", [share], rest="af", actor="u", now=NOON)
        assert hides()
