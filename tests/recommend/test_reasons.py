"""Reasons are true at their moment, and tell a rep nothing that a rep may not know."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import journey, recommend, tagging
from app.flows.planning import recent
from app.flows.planning.near_titles import near_titles
from app.flows.planning.plan_day import plan_day
from app.flows.tagging import vocabulary
from app.infra.clock import local
from app.infra.db import Database
from app.journey import Happened, Touchpoint
from app.recommend import Piece, Scored, Scorer, near, reasons
from app.tagging import Source, Weight, editing
from tests.company import give_tag, hire, meet, publish
from tests.conftest import SetClock

NOW = datetime(2026, 11, 24, tzinfo=UTC)
TAGS = range(1, 9)
NAMES = {tag: f"标签{tag}号" for tag in TAGS}
HELD = st.dictionaries(st.sampled_from(TAGS), st.floats(0.05, 1.0), min_size=1)
PARENTS = st.dictionaries(st.sampled_from(TAGS), st.sampled_from(TAGS), max_size=3)
LIBRARIES = st.lists(
    st.dictionaries(st.sampled_from(TAGS), st.floats(0.2, 1.0), min_size=1, max_size=4),
    min_size=1, max_size=6,
)  # fmt: skip


@settings(max_examples=60, deadline=None)
@given(HELD, LIBRARIES, PARENTS, st.dictionaries(st.sampled_from(TAGS), st.floats(0, 0.9)))
def test_taking_a_named_tag_away_lowers_the_score_of_what_it_is_named_for(
    held: dict[int, float], library: list[dict[int, float]], parents: dict[int, int],
    seen: dict[int, float],
) -> None:  # fmt: skip
    pieces = [Piece(n, n, tags, NOW) for n, tags in enumerate(library, start=1)]
    parents = {child: parent for child, parent in parents.items() if child < parent}
    scorer = Scorer(pieces, NOW, parents)
    for fit in scorer.best(held, 3, seen=seen):
        weights = {tag: Weight(tag, value, Source.CRM, "", NOW) for tag, value in held.items()}
        told = reasons(fit, weights, NAMES, last_contact=None, rule="规则", now=NOW)
        named = [tag for tag in TAGS if any(NAMES[tag] in text for text in told)]
        assert named, "what carries a score is named"
        for tag in named:
            rest = {other: value for other, value in held.items() if other != tag}
            again = {one.piece.content_id: one for one in scorer.best(rest, 99, seen=seen)}
            other = again.get(fit.piece.content_id)
            assert other is None or other.score < fit.score


@pytest.fixture
def session(database: Database, clock: SetClock) -> Session:  # type: ignore[misc]
    with database.transaction() as session:
        tagging.seed(session, clock())
        yield session  # type: ignore[misc]


def mark(session: Session, row, key: str, source: Source, clock: SetClock, **more) -> None:  # type: ignore[no-untyped-def]
    tag = tagging.by_key(session, key)
    assert tag is not None
    values = {"evidence": "李代表的私人备注：难缠", "actor": "李代表"} | more
    tagging.assert_tag(session, row.id, tag.id, source=source, ref=f"{key}:{source}", at=clock(),
                       **values)  # fmt: skip


def test_nothing_hidden_and_nothing_of_another_rep_is_in_any_reason(
    session: Session, clock: SetClock
) -> None:
    me, other = hire(session, "rep01", clock()), hire(session, "lidaibiao", clock())
    other.name = "李代表"
    row = meet(session, me, "wang", clock(), tags=("af",))
    mark(session, row, "anticoagulation", Source.WECOM_PERSONAL, clock)
    mark(session, row, "af", Source.REP_FEEDBACK, clock, confidence=-0.3)
    mark(session, row, "heart-failure", Source.PERSON, clock)
    hidden = lambda d: editing.revised(d, "heart-failure", {"sensitivity": "staff"})  # noqa: E731
    vocabulary.edit(session, hidden, actor="u", now=clock())
    publish(session, "心衰与抗凝", ("heart-failure", "anticoagulation", "af"), clock())
    read = publish(session, "心力衰竭指南", ("heart-failure",), clock())
    journey.note(
        session, row.id, Happened.CONTENT_READ, channel="page", at=clock() - timedelta(days=1),
        ref="view:1", content_version_id=read.id, rep_id=other.id,
    )  # fmt: skip
    day = local(clock()).date()
    plan_day(session, me, day, base_url="http://x", now=clock())
    (made,) = recommend.of_rep(session, me.id, day)
    told = "；".join(made.reasons)
    assert "抗凝" in told
    for secret in ("李代表", "私人备注", "难缠", "心力衰竭", "心衰", "个人标签"):
        assert secret not in told.replace("心衰与抗凝", ""), told


def test_no_title_that_speaks_of_what_is_for_staff_is_named(
    session: Session, clock: SetClock
) -> None:
    told, hidden = (publish(session, title, ("af",), clock()) for title in ("房颤", "心力衰竭分组"))
    fits = [
        Scored(Piece(v.id, v.content_id, {}, NOW), 1.0, {near.key(v.content_id): 1.0})
        for v in (told, hidden)
    ]
    assert len(near_titles(session, fits, clock())) == 2
    vocabulary.edit(
        session, lambda d: editing.revised(d, "heart-failure", {"sensitivity": "staff"}),
        actor="u", now=clock(),
    )  # fmt: skip
    assert near_titles(session, fits, clock()) == {told.content_id: "房颤"}


def test_the_recent_fact_is_what_the_journey_says_at_that_moment(
    session: Session, clock: SetClock
) -> None:
    rep = hire(session, "rep01", clock())
    version = publish(session, "房颤抗凝新进展与长期管理的真实世界证据", ("af",), clock())
    row = meet(session, rep, "wang", clock(), tags=("af",))
    give_tag(session, row, "anticoagulation", clock())
    assert recent.facts(session, [row.one_id], clock()) == {}
    for days, kind in ((3, Happened.CONTENT_OPENED), (2, Happened.CONTENT_READ)):
        journey.note(
            session, row.id, kind, channel="page", at=clock() - timedelta(days=days),
            ref=f"view:{kind}", content_version_id=version.id,
        )  # fmt: skip
    journey.note(
        session, row.id, Happened.MESSAGE_RECEIVED, channel="oa", ref="late",
        at=clock() + timedelta(hours=1),
    )  # fmt: skip
    told = recent.facts(session, [row.one_id], clock())[row.one_id]
    assert told == "2 天前读完《房颤抗凝新进展与长期管理的真实世界…》"
    assert len(told) <= 30
    newest = session.scalars(
        select(Touchpoint)
        .where(Touchpoint.identifier_id == row.id, Touchpoint.at <= clock())
        .order_by(Touchpoint.at.desc())
    ).first()
    assert newest is not None
    assert newest.kind == Happened.CONTENT_READ
    clock.tick(days=1)
    assert "留过言" in recent.facts(session, [row.one_id], clock())[row.one_id]
    clock.tick(days=90)
    assert recent.facts(session, [row.one_id], clock()) == {}
