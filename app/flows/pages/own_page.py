"""What the physician's own page shows: what we know, and what was chosen about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import consent, content, identity, reps, tagging
from app.consent import NOTHING_CHOSEN, Own
from app.identity import Identifier, Physician
from app.links import OwnLink, TrackedLink
from app.reps import RelationState

LATELY = timedelta(days=182)


@dataclass(frozen=True, slots=True)
class Known:
    """A tag that holds; `sources`: who says so, the strongest first."""

    tag_id: int
    name: str
    category: str
    sources: Sequence[str]


@dataclass(frozen=True, slots=True)
class Switch:
    """A topic, or a rep who serves the physician."""

    number: int
    name: str
    off: bool


@dataclass(frozen=True, slots=True)
class OwnPage:
    """`deleted`: tag → name. `topics`: those of the physician's tags, of what was sent in half a
    year, and what is off; `more`: all other topics of approved contents."""

    person: Physician
    tags: Sequence[Known]
    deleted: Mapping[int, str]
    topics: Sequence[Switch]
    more: Sequence[Switch]
    reps: Sequence[Switch]
    own: Own
    paused: bool


def owner(session: Session, link: OwnLink) -> Identifier | None:
    """Whom the link belongs to now; None when their data has been erased since, or when it may be
    mixed with somebody else's."""
    row = session.get(Identifier, link.identifier_id)
    return row if row is not None and row.value and identity.is_sure(session, row) else None


def own_page(session: Session, row: Identifier, now: datetime) -> OwnPage:
    """Everything that the page shows; read only."""
    one_id = row.one_id
    chosen = consent.own(session, [one_id]).get(one_id, NOTHING_CHOSEN)
    names = tagging.names_for_reps(session)
    tags = _known(session, one_id, names, now)
    near, far = _topics(session, one_id, chosen, [one.tag_id for one in tags], now)
    return OwnPage(
        person=identity.get_physician(session, one_id), tags=tags,
        deleted={tag: names[tag] for tag in tagging.deleted_own(session, one_id) if tag in names},
        topics=near, more=far, reps=_reps(session, one_id, chosen), own=chosen,
        paused=consent.standing(session, [one_id], "any")[one_id][1],
    )  # fmt: skip


def _known(session: Session, one_id: str, names: Mapping[int, str], now: datetime) -> list[Known]:
    """The strongest first; none that only staff may see."""
    held = tagging.weights(session, [one_id], now)[one_id]
    said = tagging.reasons(session, one_id, now)
    strongest = sorted(held.values(), key=lambda weight: (-weight.value, weight.tag_id))
    categories = tagging.category_names(session, held)
    return [
        Known(
            one.tag_id, names[one.tag_id], categories[one.tag_id],
            list(dict.fromkeys(why.source for why in said[one.tag_id] if why.strength > 0)),
        )
        for one in strongest
        if one.tag_id in names
    ]  # fmt: skip


def _topics(
    session: Session, one_id: str, chosen: Own, carried: Sequence[int], now: datetime
) -> tuple[list[Switch], list[Switch]]:
    """(those that concern the physician, all others that something is written about)."""
    names = tagging.topics(session)
    off = set(tagging.standing(session, dict.fromkeys(chosen.topics, 1.0)))
    near = {*off, *carried, *_sent_lately(session, one_id, now)}
    written = {tag for one in content.shelf(session, now) for tag in one.tags}
    known = tagging.standing(session, dict.fromkeys(written, 1.0)).keys() | near
    switches = [Switch(tag, name, tag in off) for tag, name in names.items() if tag in known]
    return (
        [one for one in switches if one.number in near],
        [one for one in switches if one.number not in near],
    )


def _sent_lately(session: Session, one_id: str, now: datetime) -> set[int]:
    """What the contents were about that the physician got links to."""
    versions = session.scalars(
        select(TrackedLink.content_version_id)
        .join(Identifier, Identifier.id == TrackedLink.identifier_id)
        .where(Identifier.one_id == one_id, TrackedLink.created_at > now - LATELY)
        .distinct()
    ).all()
    return {tag for tags in content.topics_of(session, versions).values() for tag in tags}


def _reps(session: Session, one_id: str, chosen: Own) -> list[Switch]:
    """Who is connected with the physician and works here."""
    serving = {
        rep.id: Switch(rep.id, rep.name, rep.id in chosen.reps)
        for contact, rep in reps.relations_of(session, one_id)
        if rep.active and contact.state == RelationState.CONNECTED
    }
    return list(serving.values())
