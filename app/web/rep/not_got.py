"""Who did not get a push's group task: the rep may send it by hand."""

from __future__ import annotations

from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app import content, delivery, identity
from app.consent import Through, Verdict
from app.flows.allowed import eligible
from app.flows.allowed.history import have_it_already
from app.flows.allowed.permission import asker
from app.identity import Identifier, Physician
from app.reps import Rep

LATELY = timedelta(days=3)


@dataclass(frozen=True, slots=True)
class NotGot:
    """A physician without a content that may still be sent; `beside`: the contact's id, for the
    sidebar; `why`: over_quota or refused."""

    person: Physician
    title: str
    beside: str
    why: str


def not_got(session: Session, rep: Rep, now: datetime) -> list[NotGot]:
    """Of the rep's own physicians, each content once: as long as they may be contacted, now or
    later by itself, may get the content, and have not got it in another way."""
    missed = {
        (session.get_one(Identifier, row.identifier_id), row.content_version_id): row.receipt
        for row in delivery.not_got(session, rep.id, now - LATELY)
        if row.identifier_id and row.content_version_id
    }
    contacts = list({contact: None for contact, _ in missed})
    people = [contact.one_id for contact in contacts]
    versions = {key: content.get_version(session, key) for _, key in missed}
    usable = {key: one for key, one in versions.items() if not content.problem(session, one, now)}
    ask = asker(session, rep, contacts, Through.REP, now)
    library = eligible.library_of(session, list(usable.values()))
    may_get = eligible.compiled(session, rep, library, people, now)
    had = {one: have_it_already(session, people, one, now) for one in library}
    return [
        NotGot(
            identity.get_physician(session, contact.one_id), usable[key].title, contact.value,
            receipt or "refused",
        )
        for (contact, key), receipt in missed.items()
        if key in usable
        and _may_be(ask.verdict(contact, now))
        and contact.one_id not in had[usable[key].content_id]
        and not may_get.reasons(contact.one_id, usable[key].content_id)
    ]  # fmt: skip


def _may_be(verdict: Verdict) -> bool:
    return verdict.allowed or verdict.allowed_again_at is not None
