"""What came of contents: counts that agree with what was done, and nothing said from too little."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st
from sqlalchemy import inspect
from sqlalchemy.orm import Session

from app import links, tagging
from app.content import ContentVersion
from app.flows.insight import contents, overview, people
from app.flows.insight.figures import NOBODY_SHOWN, STEPS, median
from app.identity import Identifier
from app.infra.clock import local
from app.infra.db import Database
from app.links import PageView, TrackedLink
from app.recommend import State, Suggestion
from app.reps import Rep
from tests.company import hire, meet, publish
from tests.conftest import NOON


def suggested(
    session: Session, rep: Rep, row: Identifier, version: ContentVersion, state: State,
    *, place: int = 1, back: int = 1, refusal: str | None = None,
) -> Suggestion:  # fmt: skip
    at = NOON - timedelta(days=back)
    shown = None if state is State.PLANNED else at
    made = Suggestion(
        plan_key=f"t:{back}:{place}:{version.id}", rep_id=rep.id, identifier_id=row.id,
        content_id=version.content_id, content_version_id=version.id, day=local(at).date(),
        position=place, state=state, refusal=refusal, created_at=at, delivered_at=shown,
    )  # fmt: skip
    session.add(made)
    session.flush()
    return made


def sent(
    session: Session, rep: Rep | None, row: Identifier, version: ContentVersion, at: datetime,
    seconds: float | None = None, *, read: bool = False, times: int = 1,
) -> TrackedLink:  # fmt: skip
    link = links.create_link(
        session, version.id, channel="wecom" if rep else "oa", now=at, identifier_id=row.id,
        rep_id=rep.id if rep else None,
    )  # fmt: skip
    for n in range(times if seconds is not None else 0):
        session.add(PageView(
            link_id=link.id, visit_key=f"v{link.id}-{n}", opened_at=at, visible_s=seconds,
            read_at=at if read else None,
        ))  # fmt: skip
    session.flush()
    return link


def test_figures_are_what_was_done(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep = hire(session, "rep01", NOON, team="东一")
        other = hire(session, "rep02", NOON, team="西一")
        one, two = (publish(session, name, ("af",), NOON) for name in ("甲", "乙"))
        wang = meet(session, rep, "wang", NOON, specialty="心血管")
        li = meet(session, other, "li", NOON, specialty="肿瘤")
        suggested(session, rep, wang, one, State.ADOPTED, place=1)
        suggested(session, rep, wang, one, State.REFUSED, place=5, refusal="content", back=2)
        suggested(session, other, li, one, State.PLANNED, place=2)
        suggested(session, rep, wang, one, State.CANCELLED, place=3)
        suggested(session, rep, wang, one, State.ADOPTED, place=1, back=60)
        suggested(session, rep, li, two, State.DELIVERED, place=1)
        suggested(session, rep, li, two, State.PLANNED, place=1, back=-3)  # a push's, for later
        sent(session, rep, wang, one, NOON - timedelta(hours=2), 30.4, read=True, times=2)
        sent(session, rep, wang, one, NOON - timedelta(hours=1))
        sent(session, None, li, one, NOON - timedelta(hours=1), 9000)
        found = contents.contents(session, NOON, 28)
        mine = {line.version.id: line for line in found.lines}[one.id]
        figures = mine.figures
        counts = {step: getattr(figures, step) for step in STEPS}
        assert counts == {"suggested": 3, "shown": 2, "adopted": 1, "refused": 1, "sent": 3,
                          "opened": 2, "read": 1}  # fmt: skip
        assert figures.refusals == {"content": 1}
        assert figures.places == {1: (1, 1), contents.LATER: (1, 0)}
        assert figures.seconds == {30: 2, contents.LONGEST_S: 1}
        assert figures.median_s == 30
        assert figures.adoption.few
        # At the first place one was adopted, and one waits; at later ones none of one.
        assert mine.expected == pytest.approx(1.0)
        assert (found.total.shown, found.total.waiting) == (3, 1)
        assert (found.total.adoption.hits, found.total.adoption.of) == (1, 2)
        now = overview.funnel(session, NOON, 28)
        assert (now.shown, now.waiting, now.adoption.of) == (3, 1, 2)
        last = sent(session, rep, wang, two, NOON - timedelta(days=30))
        links.open_page(session, last.id, "visit-0001", agent="wechat", now=NOON)
        before = overview.funnel(session, NOON - timedelta(days=28), 28)
        assert (before.sent, before.opened) == (1, 0), "what is opened later was not opened then"
        lines = overview.by_rep(session, NOON, 28)
        assert sum(line.adoption.of for line in lines) == 2
        assert sum(line.planned for line in lines) == now.suggested == found.total.suggested
        by, ways = contents.split(session, one.id, NOON, 28)
        assert (by["心血管"].shown, by["心血管"].sent, by["肿瘤"].sent) == (2, 2, 1)
        assert (ways["wecom"].sent, ways["wecom"].opened, ways["oa"].opened) == (2, 1, 1)
        for step, number in counts.items():  # links and suggestions of one physician are one name
            names = people.names(session, contents.who(one.id, step, NOON, 28))
            assert names.total == len({p.one_id for p in names.people}) <= number
        refused = contents.who(one.id, "refused", NOON, 28, "timing")
        assert people.names(session, refused).total == 0
        east = contents.contents(session, NOON, 28, team="西一").lines
        assert [(line.version.id, line.figures.suggested) for line in east] == [(one.id, 1)]
        assert not contents.contents(session, NOON, 28, text="丙").lines
        assert contents.contents(session, NOON, 90).total.adopted == 2


def test_what_nobody_adopts_and_what_is_worn_is_named_only_when_it_is_sure(
    database: Database,
) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep = hire(session, "rep01", NOON)
        worn, steady, waits = (publish(session, name, ("af",), NOON) for name in ("旧", "稳", "等"))
        row = meet(session, rep, "wang", NOON)
        for n in range(NOBODY_SHOWN):
            suggested(session, rep, row, worn, State.EXPIRED, place=n + 1)
            suggested(session, rep, row, steady, State.EXPIRED if n else State.ADOPTED, place=n + 1)
            suggested(session, rep, row, waits, State.DELIVERED, place=n + 1)
        for n in range(contents.WORN_SENT):
            for version, opened_late in ((worn, n < 4), (steady, n < 14)):
                sent(session, rep, row, version, NOON - timedelta(days=40), 9 if n < 16 else None)
                sent(
                    session, rep, row, version, NOON - timedelta(days=3), 9 if opened_late else None
                )
        session.flush()
        session.expunge_all()
        lines = {line.version.id: line for line in contents.contents(session, NOON, 90).lines}
        assert "body" in inspect(lines[worn.id].version).unloaded
        assert [lines[one.id].nobody for one in (worn, steady, waits)] == [True, False, False]
        assert lines[steady.id].worn is None
        before, lately = lines[worn.id].worn or (None, None)
        assert before
        assert lately
        assert (before.hits, lately.hits, lately.of) == (16, 4, 20)


@given(st.lists(st.integers(0, 1800), min_size=1, max_size=60))
def test_the_median_of_counted_seconds_is_a_middle(seconds: list[int]) -> None:
    counted = {value: seconds.count(value) for value in seconds}
    middle = median(counted)
    assert middle in seconds
    assert sum(s < middle for s in seconds) <= len(seconds) / 2
    assert sum(s > middle for s in seconds) <= len(seconds) / 2
