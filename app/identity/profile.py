"""What sources say about a person, which value survives, and the tokens that make names findable.

Survivorship is a pure function per attribute (trust, then time, then text), so it follows every
merge and split by itself.
"""

from __future__ import annotations

import unicodedata
from collections.abc import Iterable, Mapping
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import Row, bindparam, delete, select, update
from sqlalchemy.orm import Session
from sqlalchemy.orm.attributes import flag_modified

from app import hospitals
from app.identity import changed
from app.identity.models import Identifier, Kind, Physician, PhysicianToken, ProfileValue
from app.identity.register import AnIdentifier
from app.infra import crypto
from app.infra.db import insert_all
from app.infra.direct import Direct, nothing

ATTRIBUTES = ("name", "title", "specialty", "department", "hospital", "city", "province")
LIMITS = {"title": 40, "specialty": 60, "department": 80, "hospital": 120, "city": 40,
          "province": 40, "name": 80}  # fmt: skip
TOKEN_BYTES = 8


def describe(
    session: Session,
    identifier: AnIdentifier,
    values: Mapping[str, str],
    *,
    source: str,
    trust: int,
    at: datetime,
    now: datetime,
) -> None:
    """Note what `source` says now; a source's newer word replaces its older one."""
    said = {
        attribute: text[: LIMITS[attribute]]
        for attribute in ATTRIBUTES
        if (text := unicodedata.normalize("NFKC", values.get(attribute, "")).strip())
    }
    if _note(session, identifier.id, said, source, trust, at):
        refresh(session, identifier.one_id, now)
        return
    shown = _SHOWN.first(session, {"one_id": identifier.one_id})
    if shown and any(shown[name] != text for name, text in said.items()):
        refresh(session, identifier.one_id, now)  # said again, it may be newer than what others say


def refresh(session: Session, one_id: str, now: datetime) -> None:
    """Bring a physician's surviving attributes and search tokens up to date."""
    session.flush()
    physician = session.get(Physician, one_id)
    if physician is None:
        return
    best = survivors(session.execute(_VALUES, {"one_id": one_id}))
    renamed = best.get("name") != physician.name
    where = _where(physician)
    for attribute in ATTRIBUTES:
        wanted = best.get(attribute, None if attribute == "name" else "")
        if getattr(physician, attribute) != wanted:
            setattr(physician, attribute, wanted)
            physician.updated_at = now
            mark_due(physician)
            changed.note_people(session, [one_id])
    if _where(physician) != where:
        physician.institution_id = hospitals.written.note(session, *_where(physician), now)
    licence = session.execute(_LICENCE, {"one_id": one_id}).first()
    physician.verified = licence is not None
    if renamed or not physician.live:
        _index_name(session, one_id, physician.name or "" if physician.live else "")
    session.flush()


def mark_due(physician: Physician) -> None:
    """Somebody should look who else this may be. Always written: another transaction may just have
    taken back what this one has read."""
    physician.link_due = True
    flag_modified(physician, "link_due")


def _where(physician: Physician) -> tuple[str, str, str]:
    return physician.hospital or "", physician.city or "", physician.province or ""


def survivors(rows: Iterable[ProfileValue | Row[Any]]) -> dict[str, str]:
    """The best value of each attribute: highest trust, then newest, then greatest text."""
    best: dict[str, ProfileValue | Row[Any]] = {}
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
    said: Mapping[str, str],
    source: str,
    trust: int,
    at: datetime,
) -> bool:
    """Write down what the source says; True when it says something new."""
    known = {"person": identifier_id, "source": source}
    rows = {row.attribute: row for row in _OF_SOURCE.all(session, known)}
    again: list[int] = []
    news = False
    for attribute, text in said.items():
        row = rows.get(attribute)
        if row is None:
            session.add(
                ProfileValue(
                    identifier_id=identifier_id, attribute=attribute, value=text, source=source,
                    trust=trust, at=at,
                )
            )  # fmt: skip
        elif row.at > at:
            continue
        elif (row.value, row.trust) != (text, trust):
            change = update(ProfileValue).where(ProfileValue.id == row.id)
            session.execute(change.values(value=text, trust=trust, at=at))
        else:
            again.append(row.id)
            continue
        news = True
    for value_id in again:
        _SAID_AGAIN.run(session, {"value": value_id, "at": at})
    return news


def _index_name(session: Session, one_id: str, name: str) -> None:
    session.execute(delete(PhysicianToken).where(PhysicianToken.one_id == one_id))
    rows = [{"token": token, "one_id": one_id} for token in sorted(tokens(name))]
    insert_all(session, PhysicianToken, rows, "token", "one_id")


class _Said(NamedTuple):
    id: int
    attribute: str
    value: str
    trust: int
    at: datetime

    def __repr__(self) -> str:
        return f"_Said({self.id}, {self.attribute})"


_OF_SOURCE = Direct(
    select(*(getattr(ProfileValue, name) for name in _Said._fields)).where(
        ProfileValue.identifier_id == bindparam("person"),
        ProfileValue.source == bindparam("source"),
    ),
    _Said,
)
_SAID_AGAIN = Direct(
    update(ProfileValue).where(ProfileValue.id == bindparam("value")).values(at=bindparam("at")),
    nothing,
)
_SHOWN = Direct(
    select(*(getattr(Physician, name) for name in ATTRIBUTES)).where(
        Physician.one_id == bindparam("one_id")
    ),
    lambda *texts: dict(zip(ATTRIBUTES, texts, strict=True)),
)
_VALUES = (
    select(ProfileValue.attribute, ProfileValue.value, ProfileValue.trust, ProfileValue.at)
    .join(Identifier, Identifier.id == ProfileValue.identifier_id)
    .where(Identifier.one_id == bindparam("one_id"))
)
_LICENCE = (
    select(Identifier.id)
    .where(
        Identifier.one_id == bindparam("one_id"),
        Identifier.kind == Kind.LICENCE_NO,
        Identifier.value_hash != b"",
    )
    .limit(1)
)
