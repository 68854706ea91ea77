"""Answers to invitations, and who came: one row for a content and an identifier."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, select
from sqlalchemy.orm import Session

from app.identity.models import Identifier
from app.infra.db import insert_once
from app.journey.models import MeetingAnswer


def answer_of(
    session: Session, content_id: int, identifier_id: int, now: datetime, rep_id: int | None = None
) -> MeetingAnswer:
    """The row, locked; a new one says nothing yet."""
    values = {
        "content_id": content_id, "identifier_id": identifier_id, "rep_id": rep_id,
        "coming": None, "changes": 0, "attended": None, "attended_by": "", "at": now,
    }  # fmt: skip
    insert_once(session, MeetingAnswer, values, "content_id", "identifier_id")
    mine = (MeetingAnswer.content_id == content_id, MeetingAnswer.identifier_id == identifier_id)
    return session.scalars(select(MeetingAnswer).where(*mine).with_for_update()).one()


def known_as(session: Session, content_id: int, one_id: str) -> int | None:
    """The identifier with which this person has answered last, or come."""
    return session.scalar(
        select(MeetingAnswer.identifier_id)
        .join(Identifier, Identifier.id == MeetingAnswer.identifier_id)
        .where(MeetingAnswer.content_id == content_id, Identifier.one_id == one_id)
        .order_by(MeetingAnswer.coming.is_(None), MeetingAnswer.at.desc(), MeetingAnswer.id)
        .limit(1)
    )


def newest(session: Session, content_id: int, one_id: str) -> MeetingAnswer | None:
    """This person's newest word through any identifier."""
    return session.scalar(
        select(MeetingAnswer)
        .join(Identifier, Identifier.id == MeetingAnswer.identifier_id)
        .where(
            MeetingAnswer.content_id == content_id, Identifier.one_id == one_id,
            MeetingAnswer.coming.is_not(None),
        )
        .order_by(MeetingAnswer.at.desc())
        .limit(1)
    )  # fmt: skip


def answers(session: Session, *which: ColumnElement[bool]) -> Sequence[tuple[MeetingAnswer, str]]:
    """Who answered or came, with the ONE ID: each person once for a content, though two answers may
    have become one person's since. Who came counts before who is coming, and then the newest."""
    chosen = (
        select(MeetingAnswer, Identifier.one_id)
        .join(Identifier, Identifier.id == MeetingAnswer.identifier_id)
        .where(*which)
        .order_by(MeetingAnswer.attended.is_not(None), MeetingAnswer.at, MeetingAnswer.id)
    )
    last = {(row.content_id, one_id): row for row, one_id in session.execute(chosen)}
    return [(row, one_id) for (_, one_id), row in last.items()]
