"""A content that reached a physician in the past, as it would have gone out."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app import journey, links
from app.content import ContentVersion
from app.delivery import Dispatch, State, Way
from app.identity import Identifier
from app.journey import Happened
from app.reps import Rep


def sent(
    session: Session, version: ContentVersion, row: Identifier, rep: Rep | None, at: datetime
) -> links.TrackedLink:
    """Its link, the message, which counts as a contact, and a line of the journey."""
    channel, rep_id = "wecom" if rep else "oa", rep.id if rep else None
    link = links.create_link(
        session, version.id, identifier_id=row.id, rep_id=rep_id, channel=channel, now=at
    )
    key = f"sample:link:{link.id}"
    session.add(
        Dispatch(
            dedupe_key=key, way=Way.REP_TEXT if rep else Way.OA_TEXT, rep_id=rep_id,
            identifier_id=row.id, content_version_id=version.id, payload={},
            counts_as_contact=True, state=State.SENT, not_before=at, created_at=at, sent_at=at,
        )
    )  # fmt: skip
    journey.note(
        session, row.id, Happened.CONTENT_SENT, channel=channel, at=at, ref=key, rep_id=rep_id,
        content_version_id=version.id, detail={journey.BY_HAND: True} if rep else None,
    )  # fmt: skip
    return link
