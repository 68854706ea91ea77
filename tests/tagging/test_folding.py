"""Foreign names: mapped, kept waiting with their carriers, folded, superseded."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import tagging
from app.identity import Identifier
from app.infra.db import Database
from app.infra.errors import Refused
from app.tagging import Source
from app.tagging.models import TagAssertion, TagSighting
from tests.conftest import NOON
from tests.tagging.people import fold_name, person, tag


def take(session: Session, who: Identifier, *names: str, at: datetime = NOON) -> None:
    tagging.take_names(
        session, who.id, source=Source.WECOM_TAG, scope="rep:1",
        names={name: f"企微标签「{name}」 · 陈晓彤" for name in names}, at=at, now=at,
    )  # fmt: skip


def fold(session: Session, name_id: int, key: str) -> None:
    fold_name(session, name_id, key, actor="user:1", now=NOON, batch="b")


def held(session: Session, who: Identifier) -> set[str]:
    names = {t.id: t.key for t in tagging.tags(session)}
    return {names[t] for t in tagging.weights(session, [who.one_id], NOON)[who.one_id]}


def test_known_names_become_tags_and_unknown_ones_wait(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        who = person(session)
        for _ in range(3):  # however often the contact is read
            take(session, who, "心房颤动", "老朋友")
        assert held(session, who) == {"af"}
        assert [(row.raw, row.seen) for row in tagging.unmapped(session)] == [("老朋友", 1)]
        assert session.scalar(select(func.count(TagAssertion.id))) == 1


def test_a_name_that_is_gone_is_superseded_but_stays_as_history(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        who = person(session)
        take(session, who, "房颤", "老朋友")
        take(session, who, at=NOON + timedelta(hours=1))
        assert held(session, who) == set()
        assert [row.seen for row in tagging.unmapped(session)] == [0]
        (old,) = session.scalars(select(TagAssertion))
        assert old.superseded_at == NOON + timedelta(hours=1)
        take(session, who, "房颤", at=NOON + timedelta(hours=2))
        assert held(session, who) == {"af"}


def test_folding_a_name_tags_everybody_who_carried_it(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        one, other = person(session, "wm1"), person(session, "wm2")
        take(session, one, "房颤大户")
        take(session, other, "房颤大户", "房颤")
        (waiting,) = tagging.unmapped(session)
        assert waiting.seen == 2
        fold(session, waiting.id, "af")
        assert held(session, one) == held(session, other) == {"af"}
        assert tagging.unmapped(session) == []
        assert session.scalar(select(func.count(TagSighting.id))) == 0
        assert session.scalar(select(func.count(TagAssertion.id))) == 3  # one for each name
        (reason,) = tagging.reasons(session, one.one_id, NOON)[tag(session, "af").id]
        assert reason.text(NOON + timedelta(days=12)) == (
            "来自企微标签「房颤大户」 · 陈晓彤 · 12 天前"
        )
        take(session, one, "房颤大户", at=NOON + timedelta(days=1))
        assert session.scalar(select(func.count(TagAssertion.id))) == 3  # read again: the same
        take(session, one, at=NOON + timedelta(days=2))
        assert held(session, one) == set()


def test_a_forbidden_name_is_counted_but_never_kept_with_a_person(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        take(session, person(session), "处方量TOP")
        (waiting,) = tagging.unmapped(session)
        assert session.scalar(select(func.count(TagSighting.id))) == 0
        with pytest.raises(Refused, match="不得收集"):
            fold(session, waiting.id, "af")


def test_each_reps_list_speaks_only_for_itself(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        who = person(session)
        take(session, who, "房颤")
        tagging.take_names(
            session, who.id, source=Source.WECOM_TAG, scope="rep:11", names={"房颤": "另一位代表"},
            at=NOON, now=NOON,
        )  # fmt: skip
        take(session, who, at=NOON + timedelta(hours=1))
        assert held(session, who) == {"af"}
