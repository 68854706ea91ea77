"""What must not go out any more is taken back with everything that hangs on it."""

from __future__ import annotations

import pytest
from sqlalchemy import select
from sqlalchemy.orm import Session

from app import delivery, identity, tagging
from app.consent import Action, ConsentEntry
from app.content import ContentVersion
from app.delivery import Dispatch, Way
from app.delivery import State as Sending
from app.flows.campaigns.withdraw_content import withdraw_content
from app.flows.pages.stop_or_resume import stop_or_resume
from app.flows.sending.tell_rep import tell_rep
from app.identity import Identifier, Known
from app.infra.db import Database
from app.recommend import State, Suggestion
from app.reps import Rep
from tests.company import hire, meet, publish
from tests.conftest import NOON


def suggest(
    session: Session, rep: Rep, row: Identifier, version: ContentVersion, state: State
) -> Suggestion:
    """A suggestion whose card waits, or which is adopted and whose text waits."""
    adopted = state is State.ADOPTED
    made = Suggestion(
        plan_key=f"test:{state}", rep_id=rep.id, identifier_id=row.id, state=state,
        content_id=version.content_id, content_version_id=version.id, day=NOON.date(),
        created_at=NOON,
    )  # fmt: skip
    session.add(made)
    session.flush()
    delivery.queue(
        session, way=Way.REP_TEXT if adopted else Way.REP_CARD, dedupe_key=f"test:{made.id}",
        payload={}, rep_id=rep.id, identifier_id=row.id, suggestion_id=made.id,
        content_version_id=version.id, counts_as_contact=adopted, now=NOON,
    )  # fmt: skip
    return made


@pytest.mark.parametrize("by_physician", [True, False])
def test_suggestions_follow_what_is_taken_back(database: Database, by_physician: bool) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep = hire(session, "rep01", NOON)
        row, other = (meet(session, rep, key, NOON) for key in ("wang", "li"))
        version, others = (publish(session, title, ("af",), NOON) for title in ("房颤", "抗凝"))
        planned = suggest(session, rep, row, version, State.PLANNED)
        adopted = suggest(session, rep, row, version, State.ADOPTED)
        untouched = suggest(session, rep, other, others, State.PLANNED)
        tell_rep(session, row.one_id, "{name}说用药后皮疹", key="harm", now=NOON)
        if by_physician:
            stop_or_resume(
                session, row, True, source="keyword", evidence="", ref="r", channel="oa", at=NOON,
                now=NOON,
            )  # fmt: skip
        else:
            withdraw_content(session, version.id, reason="更新说明书", now=NOON)
    with database.reading() as session:
        states = {row.id: row.state for row in session.scalars(select(Suggestion))}
        assert states[planned.id] == states[adopted.id] == State.CANCELLED
        assert states[untouched.id] == State.PLANNED
        waiting = session.scalars(select(Dispatch).where(Dispatch.state == Sending.QUEUED)).all()
        told = [row.payload["text"] for row in waiting if row.way == Way.REP_TEXT]
        assert len(waiting) == 3
        assert any("没有发出" in text for text in told)
        assert any("皮疹" in text for text in told), "the rep hears what the physician has said"


def test_who_became_somebody_else_a_moment_ago_has_stopped_all_the_same(
    database: Database,
) -> None:
    """On PostgreSQL another worker may merge a person while a message is being read."""
    with database.transaction() as session:
        rep = hire(session, "rep01", NOON)
        row = meet(session, rep, "wang", NOON)
        before = Known(row.id, row.kind, row.namespace, b"", row.value, 0, "YS-before-a-merge")
        stop_or_resume(
            session, before, True, source="keyword", evidence="", ref="r", channel="oa", at=NOON,
            now=NOON,
        )  # fmt: skip
        mine = {one.id for one in identity.identifiers_of(session, row.one_id)}
        entries = session.scalars(select(ConsentEntry)).all()
    assert {entry.identifier_id for entry in entries if entry.action == Action.WITHDRAW} == mine
    assert row.id in mine
    assert row.value not in repr(before)
