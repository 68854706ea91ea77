"""What sources say about a person, which value survives, and the tokens that make names findable.

Survivorship is a pure function per attribute (trust, then time, then text), so it follows every
merge and split by itself.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app.identity.models import Identifier, Kind, Physician, PhysicianToken, ProfileValue
from app.infra import crypto
from app.infra.db import insert_once

ATTRIBUTES = ("name", "title", "specialty", "department", "hospital", "city", "province")
LIMITS = {"title": 40, "specialty": 60, "department": 80, "hospital": 120, "city": 40,
          "province": 40, "name": 80}  # fmt: skip
TOKEN_BYTES = 8


def describe(
    session: Session,
    identifier: Identifier,
    values: Mapping[str, str],
    *,
    source: str,
    trust: int,
    at: datetime,
    now: datetime,
) -> None:
    """Note what `source` says now; a source's newer word replaces its older one."""
    for attribute in ATTRIBUTES:
        text = unicodedata.normalize("NFKC", values.get(attribute, "")).strip()
        if text:
            _note(session, identifier.id, attribute, text[: LIMITS[attribute]], source, trust, at)
    session.flush()
    refresh(session, identifier.one_id, now)


def refresh(session: Session, one_id: str, now: datetime) -> None:
    """Bring a physician's surviving attributes and search tokens up to date."""
    physician = session.get(Physician, one_id)
    if physician is None:
        return
    rows = session.scalars(
        select(ProfileValue)
        .join(Identifier, Identifier.id == ProfileValue.identifier_id)
        .where(Identifier.one_id == one_id)
    ).all()
    best = survivors(rows)
    renamed = best.get("name") != physician.name
    for attribute in ATTRIBUTES:
        wanted = best.get(attribute, None if attribute == "name" else "")
        if getattr(physician, attribute) != wanted:
            setattr(physician, attribute, wanted)
            physician.updated_at = now
    licences = select(Identifier.id).where(
        Identifier.one_id == one_id,
        Identifier.kind == Kind.LICENCE_NO,
        Identifier.value_hash != b"",
    )
    physician.verified = session.scalar(licences.limit(1)) is not None
    if renamed or not physician.live:
        _index_name(session, one_id, physician.name or "" if physician.live else "")
    session.flush()


def survivors(rows: Iterable[ProfileValue]) -> dict[str, str]:
    """The best value of each attribute: highest trust, then newest, then greatest text."""
    best: dict[str, ProfileValue] = {}
    for row in rows:
        other = best.get(row.attribute)
        mine = (row.trust, row.at, row.value)
        if other is None or mine > (other.trust, other.at, other.value):
            best[row.attribute] = row
    return {attribute: row.value for attribute, row in best.items()}


def tokens(text: str) -> set[bytes]:
    """Blind-indexed fragments: every character, every pair, and the whole."""
    folded = "".join(unicodedata.normalize("NFKC", text).lower().split())
    pieces = set(folded) | {folded[i : i + 2] for i in range(len(folded) - 1)} | {folded}
    return {crypto.blind_index(piece, "physician_token")[:TOKEN_BYTES] for piece in pieces if piece}


def query_tokens(text: str) -> set[bytes]:
    """The fragments that a name must have to contain `text`."""
    folded = "".join(unicodedata.normalize("NFKC", text).lower().split())
    pairs = {folded[i : i + 2] for i in range(len(folded) - 1)}
    pieces = pairs or {folded}
    return {crypto.blind_index(piece, "physician_token")[:TOKEN_BYTES] for piece in pieces if piece}


def _note(
    session: Session,
    identifier_id: int,
    attribute: str,
    text: str,
    source: str,
    trust: int,
    at: datetime,
) -> None:
    row = session.scalar(
        select(ProfileValue).where(
            ProfileValue.identifier_id == identifier_id,
            ProfileValue.attribute == attribute,
            ProfileValue.source == source,
        )
    )
    if row is None:
        session.add(
            ProfileValue(
                identifier_id=identifier_id, attribute=attribute, value=text, source=source,
                trust=trust, at=at,
            )
        )  # fmt: skip
    elif at >= row.at:
        row.value, row.trust, row.at = text, trust, at


def _index_name(session: Session, one_id: str, name: str) -> None:
    session.execute(delete(PhysicianToken).where(PhysicianToken.one_id == one_id))
    for token in sorted(tokens(name)):
        insert_once(session, PhysicianToken, {"token": token, "one_id": one_id}, "token", "one_id")
