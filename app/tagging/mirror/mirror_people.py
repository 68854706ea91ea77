"""Whom the mirror may concern, a page at a time: nothing grows with how many carry a tag."""

from __future__ import annotations

from collections.abc import Collection
from dataclasses import dataclass

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.models import Identifier, Physician
from app.reps.models import RelationState, RepContact
from app.tagging.mirror.mirror_models import TagMark
from app.tagging.models import TagAssertion
from app.tagging.shape import shape


@dataclass(frozen=True, slots=True)
class Page:
    """ONE IDs in order, and the one behind which the next page begins; None: that was the last."""

    people: list[str]
    after: str | None


def page_of_people(session: Session, chosen: Collection[int], after: str, size: int) -> Page:
    """Of the `size` physicians behind `after`: whoever knows a rep and has one of the tags, however
    weakly, or a mark that is wanted or ours."""
    looked_at = session.scalars(
        select(Physician.one_id)
        .where(Physician.one_id > after, Physician.live.is_(True))
        .order_by(Physician.one_id)
        .limit(size)
    ).all()
    known = select(Identifier.one_id).where(Identifier.one_id.in_(looked_at)).distinct()
    sides = known.join(RepContact, RepContact.identifier_id == Identifier.id)
    connected = sides.where(RepContact.state == RelationState.CONNECTED)
    marked = sides.join(TagMark, TagMark.contact_id == RepContact.id)
    said = known.join(TagAssertion, TagAssertion.identifier_id == Identifier.id).where(
        TagAssertion.tag_id.in_(_speaking(session, chosen)), TagAssertion.superseded_at.is_(None)
    )
    people = set(session.scalars(said)).intersection(session.scalars(connected))
    people.update(session.scalars(marked.where(TagMark.wanted | TagMark.ours)))
    return Page(sorted(people), looked_at[-1] if len(looked_at) == size else None)


def _speaking(session: Session, chosen: Collection[int]) -> set[int]:
    """The tags whose assertions bear on these."""
    known = shape(session)
    family = {narrower for tag_id in chosen for narrower in known.family(tag_id)}
    return family | known.rivals(family)
