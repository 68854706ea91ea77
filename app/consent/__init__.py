"""What physicians allow, and the one function that says whether we may contact them."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.consent.models import Action, ConsentEntry, ContactPolicy, Purpose
from app.consent.policy import ContactFacts, Reason, Rules, Verdict, may_contact, quiet_until
from app.identity.models import Identifier

__all__ = [
    "Action",
    "ConsentEntry",
    "ContactFacts",
    "ContactPolicy",
    "Purpose",
    "Reason",
    "Rules",
    "Verdict",
    "ledger",
    "may_contact",
    "policy_row",
    "quiet_until",
    "record",
    "rules",
    "standing",
]

ANY = "any"


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
    return entry


def standing(
    session: Session, one_ids: Iterable[str], channel: str, purpose: Purpose = Purpose.CONTACT
) -> dict[str, tuple[bool | None, bool]]:
    """(permitted, opted out) per ONE ID for a channel.

    Per identifier and channel the newest entry counts; over the identifiers of one person the
    stricter answer wins, so a merge can never turn a refusal into a permission. Only a refusal
    that came from the person (not a lost relation) is an opt-out.
    """
    wanted = list(one_ids)
    rows = session.execute(
        select(Identifier.one_id, ConsentEntry)
        .join(Identifier, Identifier.id == ConsentEntry.identifier_id)
        .where(Identifier.one_id.in_(wanted), ConsentEntry.purpose == purpose)
        .order_by(ConsentEntry.at, ConsentEntry.id)
    )
    newest: dict[str, dict[tuple[int, str], ConsentEntry]] = {one_id: {} for one_id in wanted}
    for one_id, entry in rows:
        newest[one_id][entry.identifier_id, entry.channel] = entry
    return {one_id: _fold(entries.values(), channel) for one_id, entries in newest.items()}


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
    row = session.get(ContactPolicy, 1)
    if row is None:
        return Rules()
    return Rules(row.cap_contacts, row.cap_days, row.quiet_from_minute, row.quiet_until_minute)


def _fold(entries: Iterable[ConsentEntry], channel: str) -> tuple[bool | None, bool]:
    permitted: bool | None = None
    opted_out = False
    for entry in entries:
        if entry.channel not in (channel, ANY):
            continue
        if entry.action == Action.WITHDRAW:
            opted_out = True
        elif permitted is None:
            permitted = True
    return (False if opted_out else permitted), opted_out
