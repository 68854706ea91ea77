"""Questions that the tests of the flows ask."""

from __future__ import annotations

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import identity, reps, tagging
from app.identity import Id, Identifier, Kind
from app.inbox import State, listing
from tests.scenarios.conftest import Line

CORP, ACCOUNT = "wwtestcorp", "wxtestaccount"


def contact(line: Line, session: Session, key: str = "wang") -> Identifier:
    """The WeCom contact of a physician."""
    one = Id(Kind.WECOM_EXTERNAL_USERID, CORP, line.person(key).external_userid)
    row = identity.find(session, one)
    assert row is not None
    return row


def follower(line: Line, session: Session, key: str = "wang") -> Identifier | None:
    """The follower, when we know it."""
    return identity.find(session, Id(Kind.OPENID, ACCOUNT, line.person(key).openid))


def tag_keys(line: Line, session: Session, one_id: str) -> set[str]:
    """What holds for a physician."""
    keys = {tag.id: tag.key for tag in tagging.tags(session)}
    return {keys[t] for t in tagging.weights(session, [one_id], line.clock())[one_id]}


def relations(session: Session, one_id: str) -> dict[str, str]:
    """userid → state."""
    return {rep.userid: row.state for row, rep in reps.relations_of(session, one_id)}


def said_by_account(line: Line, key: str = "wang") -> str:
    """The last thing that the Official Account said to a physician."""
    return str(line.person(key).oa_chat[-1]["text"])


def all_done(line: Line) -> bool:
    """No event failed, waits or is unknown."""
    with line.parts.db.reading() as session:
        return {event.state for event in listing(session)} <= {State.DONE}


def count(session: Session, model: type) -> int:
    """Rows of a table."""
    return len(session.scalars(select(model)).all())
