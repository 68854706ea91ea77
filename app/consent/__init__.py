"""What physicians allow, and the one function that says whether we may contact them."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime

from sqlalchemy import bindparam, select
from sqlalchemy.orm import Session

from app.consent.fold import ANY, Said, fold
from app.consent.models import (
    About,
    Action,
    ConsentEntry,
    ContactPolicy,
    ContactWish,
    OwnChoice,
    Purpose,
)
from app.consent.own import NOTHING_CHOSEN, Own, choose, leaving, own, same_rep, take_back
from app.consent.policy import (
    PACES,
    ContactFacts,
    Reason,
    Rules,
    Through,
    Verdict,
    may_contact,
    quiet_until,
)
from app.consent.wishes import wish, wishes
from app.identity import changed
from app.identity.models import Identifier
from app.infra.direct import Direct
from app.infra.many import among

__all__ = [
    "ANY",
    "NOTHING_CHOSEN",
    "PACES",
    "About",
    "Action",
    "ConsentEntry",
    "ContactFacts",
    "ContactPolicy",
    "ContactWish",
    "Own",
    "OwnChoice",
    "Purpose",
    "Reason",
    "Rules",
    "Through",
    "Verdict",
    "choose",
    "leaving",
    "ledger",
    "may_contact",
    "own",
    "policy_row",
    "quiet_until",
    "record",
    "rules",
    "same_rep",
    "standing",
    "standing_on",
    "take_back",
    "wish",
    "wishes",
]

CHUNK = 1000  # persons looked up at a time


def record(
    session: Session,
    identifier_id: int,
    *,
    action: Action,
    source: str,
    at: datetime,
    purpose: Purpose = Purpose.CONTACT,
    channel: str = ANY,
    evidence: str = "",
    actor: str = "physician",
    text_version: str = "",
) -> ConsentEntry:
    """Append to the ledger."""
    entry = ConsentEntry(
        identifier_id=identifier_id, purpose=purpose, channel=channel, action=action,
        source=source, evidence=evidence, text_version=text_version, actor=actor, at=at,
    )  # fmt: skip
    session.add(entry)
    session.flush()
    changed.note(session, identifier_id)
    return entry


def standing(
    session: Session, one_ids: Iterable[str], channel: str, purpose: Purpose = Purpose.CONTACT
) -> dict[str, tuple[bool | None, bool]]:
    """(permitted, opted out) per ONE ID for a channel; see `fold.py` for how the ledger is read."""
    found = standing_on(session, one_ids, [channel], purpose)
    return {one_id: said[channel] for one_id, said in found.items()}


def standing_on(
    session: Session,
    one_ids: Iterable[str],
    channels: Sequence[str],
    purpose: Purpose = Purpose.CONTACT,
) -> dict[str, dict[str, tuple[bool | None, bool]]]:
    """The same for several channels at one look."""
    wanted = list(dict.fromkeys(one_ids))
    entries: dict[str, list[Said]] = {one_id: [] for one_id in wanted}
    for start in range(0, len(wanted), CHUNK):
        some = {"ids": wanted[start : start + CHUNK], "purpose": purpose}
        for one_id, said in _SAID.all(session, some):
            entries[one_id].append(said)
    return {
        one_id: {channel: fold(said, channel) for channel in channels}
        for one_id, said in entries.items()
    }


def ledger(session: Session, one_id: str) -> list[ConsentEntry]:
    """Every entry about one person, newest first."""
    return list(
        session.scalars(
            select(ConsentEntry)
            .join(Identifier, Identifier.id == ConsentEntry.identifier_id)
            .where(Identifier.one_id == one_id)
            .order_by(ConsentEntry.at.desc(), ConsentEntry.id.desc())
        )
    )


def policy_row(session: Session, now: datetime) -> ContactPolicy:
    """The company's limits, created with the defaults on first use."""
    row = session.get(ContactPolicy, 1)
    if row is None:
        row = ContactPolicy(id=1, updated_at=now)
        session.add(row)
        session.flush()
    return row


def rules(session: Session) -> Rules:
    """The company's limits for the policy."""
    return _RULES.first(session, {}) or Rules()


def _said(one_id: str, identifier_id: int, channel: str, action: str) -> tuple[str, Said]:
    return one_id, Said(identifier_id, channel, action == Action.GRANT)


_SAID = Direct(
    select(Identifier.one_id, ConsentEntry.identifier_id, ConsentEntry.channel, ConsentEntry.action)
    .join(Identifier, Identifier.id == ConsentEntry.identifier_id)
    .where(among(Identifier.one_id, "ids"), ConsentEntry.purpose == bindparam("purpose"))
    .order_by(ConsentEntry.at, ConsentEntry.id),
    _said,
    large=True,
)
_RULES = Direct(
    select(
        ContactPolicy.cap_contacts, ContactPolicy.cap_days, ContactPolicy.quiet_from_minute,
        ContactPolicy.quiet_until_minute,
    ),
    Rules,
)  # fmt: skip
