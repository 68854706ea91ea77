"""What a source said that may not goes where the tag goes, and comes back exactly."""

from __future__ import annotations

from typing import Any

import pytest
from sqlalchemy import literal, select
from sqlalchemy.orm import Session

from app import tagging
from app.flows.tagging import vocabulary
from app.flows.tagging.vocabulary import Share
from app.identity import Identifier
from app.infra.db import Database
from app.tagging import Source
from app.tagging.assign import moved_ref, ref_of, scope_of
from app.tagging.editing import revised
from app.tagging.models import TagAssertion, TagRefused, TagSighting
from tests.conftest import NOON
from tests.tagging.people import fold_name, person, tag, unfold

BY: dict[str, Any] = {"actor": "user:1", "now": NOON}


def close(session: Session, key: str, *sources: str) -> None:
    vocabulary.edit(
        session, lambda known: revised(known, key, {"may_assert": tuple(sources)}), **BY
    )


def says(session: Session, who: Identifier, source: str, *names: str) -> None:
    tagging.take_names(
        session, who.id, source=source, scope="rep:1", names=dict.fromkeys(names, "企微标签"),
        at=NOON, now=NOON,
    )  # fmt: skip


def looks(session: Session) -> tuple[list[Any], list[Any]]:
    """What holds, and what is kept beside."""
    session.flush()
    holds = select(TagAssertion.tag_id, TagAssertion.source, TagAssertion.raw).where(
        TagAssertion.superseded_at.is_(None)
    )
    kept = select(TagRefused.tag_id, TagRefused.source, TagRefused.raw, TagRefused.ref).where(
        TagRefused.moved_by.is_(None)
    )
    return sorted(map(tuple, session.execute(holds))), sorted(map(tuple, session.execute(kept)))


@pytest.mark.parametrize("target", [(), ("crm",), ("crm", "wecom_tag")])
def test_it_follows_a_merge_and_a_chain_of_them_and_comes_back(
    database: Database, target: tuple[str, ...]
) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        close(session, "af", "crm")
        close(session, "cad", *target)
        who, af, cad, acs = person(session), *(tag(session, k).id for k in ("af", "cad", "stroke"))
        says(session, who, Source.WECOM_TAG, "房颤")
        says(session, who, Source.CRM, "房颤")
        was = looks(session)
        assert tagging.refusals.counts(session, af) == {"wecom_tag": 1}
        first = vocabulary.merge(session, "af", "cad", **BY).number
        may = target != ("crm",)
        held = tagging.weights(session, [who.one_id], NOON)[who.one_id][cad]
        assert [row[1] for row in looks(session)[0]] == ["crm", *["wecom_tag"] * may]
        assert held.value > 0.8 if may else held.value < 0.7
        assert tagging.refusals.counts(session, cad) == ({} if may else {"wecom_tag": 1})
        assert tagging.refusals.totals(session).get(af) is None
        between = looks(session)
        second = vocabulary.merge(session, "cad", "stroke", **BY).number
        assert {row[0] for row in looks(session)[0]} == {acs}
        assert looks(session)[1] == []  # everybody may say that one
        vocabulary.undo(session, second, **BY)
        assert looks(session) == between
        vocabulary.undo(session, first, **BY)
        assert looks(session) == was


def test_the_mark_of_a_migration_leaves_scope_and_name_of_a_long_ref(database: Database) -> None:
    scope, names = "tool:" + "x" * 90, ("房颤", "心房颤动")
    with database.reading() as session:
        moved = {raw: session.scalar(select(moved_ref(literal(ref_of(scope, NOON, raw)), 1234)))
                 for raw in names}  # fmt: skip
    assert len(set(moved.values())) == 2
    assert {scope_of(ref, raw) for raw, ref in moved.items() if ref} == {scope}


@pytest.mark.parametrize("target", [(), ("crm",)])
def test_what_its_source_took_back_does_not_come_back(
    database: Database, target: tuple[str, ...]
) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        close(session, "af", "crm")
        close(session, "cad", *target)
        who = person(session)
        says(session, who, Source.WECOM_TAG, "房颤", "心房颤动")
        number = vocabulary.merge(session, "af", "cad", **BY).number
        says(session, who, Source.WECOM_TAG, "心房颤动")
        vocabulary.undo(session, number, **BY)
        holds, kept = looks(session)
        assert (holds, [row[2] for row in kept]) == ([], ["心房颤动"])
        close(session, "af")  # everybody may: it counts
        assert [row[2] for row in looks(session)[0]] == ["心房颤动"]


def test_a_split_lets_each_source_go_where_its_assertions_go(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        close(session, "af", "crm")
        who, cad, stroke = person(session), tag(session, "cad").id, tag(session, "stroke").id
        says(session, who, Source.WECOM_TAG, "房颤")
        says(session, who, Source.MARKETING, "房颤")
        was = looks(session)
        shares = [Share("cad", source="wecom_tag")]
        number = vocabulary.split(session, "af", shares, rest="stroke", **BY).number
        assert {row[:2] for row in looks(session)[0]} == {
            (cad, "wecom_tag"), (stroke, "marketing"),
        }  # fmt: skip
        vocabulary.undo(session, number, **BY)
        assert looks(session) == was


def test_who_carries_a_name_that_may_not_count_waits_again_when_its_folding_is_undone(
    database: Database,
) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        who = person(session)
        says(session, who, Source.WECOM_TAG, "老朋友")
        (name,) = tagging.unmapped(session)
        row = fold_name(session, name.id, "af", batch="b", **BY)
        close(session, "af", "crm")
        says(session, who, Source.WECOM_TAG)
        says(session, who, Source.WECOM_TAG, "老朋友")
        assert tagging.refusals.counts(session, tag(session, "af").id) == {"wecom_tag": 1}
        unfold(session, row.id, **BY)
        assert looks(session)[1] == []
        assert session.scalars(select(TagSighting.raw)).all() == ["老朋友"]
