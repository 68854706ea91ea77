"""A vocabulary and a person, on both databases."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app import identity, tagging
from app.identity import Id, Identifier, Kind
from app.tagging import Source, Tag
from tests.conftest import NOON


def tag(session: Session, key: str) -> Tag:
    found = tagging.by_key(session, key)
    assert found is not None
    return found


def person(session: Session, name: str = "wm1") -> Identifier:
    one = Id(Kind.WECOM_EXTERNAL_USERID, "wwtestcorp", name)
    return identity.observe(
        session, [one], event_key=f"test:{name}", source="test", at=NOON, now=NOON
    )[0]


def say(
    session: Session,
    who: Identifier,
    key: str,
    source: Source = Source.WECOM_TAG,
    at: datetime = NOON,
    confidence: float = 1.0,
) -> None:
    tagging.assert_tag(
        session, who.id, tag(session, key).id, source=source, ref=f"{source}:{key}:{at}",
        evidence=f"证据 {key}", at=at, confidence=confidence,
    )  # fmt: skip
