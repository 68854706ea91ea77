"""A vocabulary and a person, on both databases."""

from __future__ import annotations

from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app import identity, tagging
from app.identity import Id, Identifier, Kind
from app.tagging import Decided, Source, Tag, TagFolding
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


def fold_name(session: Session, name_id: int, key: str, **how: Any) -> TagFolding:
    """One name means one tag, and everybody who carries it has followed."""
    return _one(session, tagging.fold_names(session, {name_id: key}, **how))


def make_tag(session: Session, name_id: int, **how: Any) -> TagFolding:
    return _one(session, tagging.make_tags(session, [name_id], **how))


def ignore_name(session: Session, name_id: int, reason: str, **how: Any) -> TagFolding:
    return _one(session, tagging.ignore_names(session, [name_id], reason, **how))


def unfold(session: Session, folding_id: int, **how: Any) -> TagFolding:
    """A decision is taken back, and everybody has followed."""
    return _one(session, tagging.undo(session, [folding_id], **how))


def _one(session: Session, decided: Decided) -> TagFolding:
    if decided.refused:
        raise decided.refused[0]
    while tagging.follow(session, NOON):
        pass
    return decided.rows[0]
