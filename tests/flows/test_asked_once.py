"""What is asked once, however many it is about: cards that leave, guests of a meeting."""

from __future__ import annotations

from datetime import timedelta

from sqlalchemy import event
from sqlalchemy.orm import Session

from app import content, delivery, journey, tagging
from app.delivery import Dispatch, Way
from app.flows.answers import refusal
from app.flows.pages import meetings
from app.flows.planning import suggestion_card
from app.flows.planning.card_text import bring_up_to_date, follow_versions
from app.identity import get_physician
from app.infra.clock import local
from app.infra.db import Database
from app.recommend import Suggestion
from tests.company import hire, meet, publish, renew
from tests.conftest import NOON
from tests.segments.test_index import ONE_DATABASE


def card(session: Session, name: str) -> Dispatch:
    """A card of a rep of its own."""
    rep = hire(session, f"rep-{name}", NOON)
    who, version = (
        meet(session, rep, name, NOON, tags=("af",)),
        publish(session, name, ("af",), NOON),
    )
    row = Suggestion(
        plan_key=name, rep_id=rep.id, identifier_id=who.id, content_id=version.content_id,
        content_version_id=version.id, day=local(NOON).date(), created_at=NOON,
        reasons=["企微标签「房颤」（今天）"],
    )  # fmt: skip
    session.add(row)
    session.flush()
    body = suggestion_card.card(
        row, get_physician(session, who.one_id), version, total=1, list_url="http://x"
    )
    made = delivery.queue(
        session, way=Way.REP_CARD, dedupe_key=name, payload={"card": body}, rep_id=rep.id,
        suggestion_id=row.id, identifier_id=who.id, content_version_id=version.id, now=NOON,
    )  # fmt: skip
    return delivery.get(session, made or 0)


@ONE_DATABASE
def test_many_cards_cost_no_more_questions_than_one(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        cards, asked = [card(session, name) for name in "abcde"], list[str]()
        event.listen(database.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
        costs = []
        for some in (cards[:1], cards[1:2], cards[2:]):  # the first one reads the vocabulary
            asked.clear()
            assert refusal.left_alone(session, some, NOON) == {}
            bring_up_to_date(session, some, NOON)
            costs.append(len(asked))
        assert costs[1] == costs[2], asked


@ONE_DATABASE
def test_many_cards_are_about_another_version_for_no_more_questions_than_one(
    database: Database,
) -> None:
    later = NOON + timedelta(hours=1)
    with database.transaction() as session:
        tagging.seed(session, NOON)
        cards, asked = [card(session, name) for name in "abcde"], list[str]()
        for one in cards:
            old = content.get_version(session, one.content_version_id or 0)
            renew(session, old, NOON, begins=later)
        cards[-1].identifier_id = None  # nobody's any more
        session.flush()
        event.listen(database.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
        costs = []
        for some in (cards[:1], cards[1:2], cards[2:]):  # the first one reads the versions
            session.expire_all()
            [one.identifier_id for one in some]
            asked.clear()
            follow_versions(session, some, later)
            costs.append(len(asked))
            session.flush()
        assert costs[1] == costs[2], asked
        titles = [one.payload["card"]["main_title"]["title"] for one in cards]
        assert ["更正" in title for title in titles] == [True] * 4 + [False]


@ONE_DATABASE
def test_many_guests_of_a_meeting_cost_no_more_questions_than_one(database: Database) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep, asked = hire(session, "rep01", NOON), list[str]()
        version = publish(session, "病例讨论会", ("af",), NOON)
        people = [meet(session, rep, name, NOON) for name in "abcde"]
        rows = [
            (journey.meetings.answer_of(session, version.content_id, one.id, NOON), one.one_id)
            for one in people
        ]
        session.flush()
        event.listen(database.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
        costs = []
        for some in (rows[:1], rows[1:]):
            asked.clear()
            assert meetings.concerning(session, rep, some) == some
            costs.append(len(asked))
        assert costs[0] == costs[1], asked
