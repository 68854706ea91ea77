"""What must be true, said again in few words: the model and the invariants."""

from __future__ import annotations

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from hashlib import sha256

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import consent
from app.campaigns import Schedule, ScheduleRun
from app.content.models import ContentVersion
from app.delivery import Dispatch, Way
from app.delivery import State as Sending
from app.identity.models import Identifier
from app.inbox import InboxEvent, State
from app.journey import Happened, Touchpoint
from app.reps.models import RelationState, Rep, RepContact
from app.sandbox.world import World
from app.tagging.models import Tag, TagAssertion
from tests.conftest import NOON
from tests.stateful.company import CRON, Letter

HOUR = timedelta(hours=1)
TRIED = (Sending.SENDING, Sending.SENT, Sending.UNKNOWN, Sending.FAILED)


@dataclass
class Model:
    """Everything that was promised so far."""

    acked: dict[bytes, Letter] = field(default_factory=dict)
    ticked: datetime = NOON  # the last tick that went through

    def ack(self, letter: Letter) -> None:
        """The platform heard success."""
        self.acked[sha256(letter.body).digest()] = letter

    def due(self) -> list[datetime]:
        """Every full hour between the start and the last tick."""
        hours = int((self.ticked - NOON) / HOUR)
        return [NOON + HOUR * n for n in range(1, hours + 1)]


def check_always(session: Session, world: World, model: Model) -> None:
    """Between any two steps."""
    _nothing_acked_is_missing(session, model)
    _order_is_kept(session)
    _nothing_is_delivered_twice(session, world)
    _nothing_sent_is_undelivered(session, world)
    _each_hour_ran_once(session, model)


def check_healed(session: Session, world: World, model: Model) -> None:
    """When nothing breaks any more and everything had its time."""
    states = Counter(session.scalars(select(InboxEvent.state)))
    assert set(states) <= {State.DONE, State.UNKNOWN}, states  # I1, I7
    sending = Counter(session.scalars(select(Dispatch.state)))
    assert Sending.SENDING not in sending, sending  # I4, I7
    _messages_took_effect_once(session, model)
    _contacts_are_those_of_the_platform(session, world)
    _tags_are_those_of_the_platform(session, world)


def blocked(session: Session) -> set[int]:
    """Identifiers of persons who have refused all contact."""
    rows = session.execute(select(Identifier.id, Identifier.one_id)).all()
    standing = consent.standing(session, {row.one_id for row in rows}, "wecom")
    return {row.id for row in rows if standing[row.one_id][1]}


def withdrawn(session: Session) -> set[int]:
    """Versions that may not be sent."""
    chosen = select(ContentVersion.id).where(ContentVersion.stage == "withdrawn")
    return set(session.scalars(chosen))


def attempts(session: Session) -> dict[int, int]:
    """How often each message to or about a physician was really tried."""
    return {
        row.id: row.attempts
        for row in session.scalars(select(Dispatch).where(Dispatch.state.in_(TRIED)))
    }


def _nothing_acked_is_missing(session: Session, model: Model) -> None:  # I1
    kept = Counter(session.scalars(select(InboxEvent.body)))
    for letter in model.acked.values():
        assert kept[letter.body] == 1, letter
    assert max(kept.values(), default=1) == 1


def _order_is_kept(session: Session) -> None:  # I6
    waiting: set[bytes] = set()
    rows = session.execute(
        select(InboxEvent.partition, InboxEvent.state).order_by(InboxEvent.id)
    ).all()
    for row in rows:
        if row.state == State.PENDING:
            waiting.add(row.partition)
        else:
            assert row.partition not in waiting, "an event overtook an earlier one"


def _nothing_is_delivered_twice(session: Session, world: World) -> None:  # I2, I3
    rows = session.scalars(select(Dispatch)).all()
    for member in world.members.values():
        got = [m for m in member.inbox if m["kind"] in ("card", "text")]
        cards = Counter(m["task_id"] for m in got if m["kind"] == "card")
        assert max(cards.values(), default=1) == 1, cards
        texts = Counter(m["text"] for m in got if m["kind"] == "text")
        meant = Counter(
            str(row.payload.get("text"))
            for row in rows
            if row.way == Way.REP_TEXT and row.payload["userid"].lower() == member.userid.lower()
            and row.state in (*TRIED, Sending.QUEUED, Sending.CANCELLED)
        )  # fmt: skip
        assert not texts - meant, texts - meant


def _nothing_sent_is_undelivered(session: Session, world: World) -> None:  # I4
    cards = {m.get("task_id") for member in world.members.values() for m in member.inbox}
    for row in session.scalars(select(Dispatch).where(Dispatch.state == Sending.SENT)):
        if row.way == Way.REP_CARD:
            assert row.task_id in cards, f"{row.id} counts as sent and never arrived"


def _each_hour_ran_once(session: Session, model: Model) -> None:  # I10
    rows = session.scalars(
        select(ScheduleRun.due_at)
        .join(Schedule, Schedule.id == ScheduleRun.schedule_id)
        .where(Schedule.cron == CRON)
        .order_by(ScheduleRun.due_at)
    ).all()
    assert [row for row in rows if row <= model.ticked] == model.due()


def _messages_took_effect_once(session: Session, model: Model) -> None:  # I2
    messages = sum(b"<Content>" in one.body and one.source == "oa" for one in model.acked.values())
    chosen = select(Touchpoint.id).where(Touchpoint.kind == Happened.MESSAGE_RECEIVED)
    assert len(session.scalars(chosen).all()) == messages


def _contacts_are_those_of_the_platform(session: Session, world: World) -> None:  # I5
    rows = session.execute(
        select(Rep.userid, Identifier.value, RepContact.state)
        .join(RepContact, RepContact.rep_id == Rep.id)
        .join(Identifier, Identifier.id == RepContact.identifier_id)
    ).all()
    ours = {(row[0], row[1]): row[2] == RelationState.CONNECTED for row in rows}
    theirs = {
        (side.userid.lower(), side.external_userid): not side.removed_by for side in world.relations
    }
    assert {pair for pair, open_ in ours.items() if open_} == {
        pair for pair, open_ in theirs.items() if open_
    }


def _tags_are_those_of_the_platform(session: Session, world: World) -> None:  # I5
    names = {tag["id"]: tag["name"] for group in world.tag_groups for tag in group.tags}
    rows = session.execute(
        select(Identifier.value, Tag.name)
        .join(TagAssertion, TagAssertion.identifier_id == Identifier.id)
        .join(Tag, TagAssertion.tag_id == Tag.id)
        .where(TagAssertion.source == "wecom_tag", TagAssertion.superseded_at.is_(None))
    ).all()
    ours = {(row[0], row[1]) for row in rows}
    wanted = {
        (side.external_userid, names[tag_id])
        for side in world.relations
        if not side.removed_by
        for tag_id in side.tag_ids
    }
    assert wanted <= ours, (wanted, ours)
