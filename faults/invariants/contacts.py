"""I5: relations, remarks and tags are those of the platform."""

from __future__ import annotations

from collections import defaultdict
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.models import Identifier, Kind
from app.reps import RelationState, Rep, RepContact
from app.tagging import Source
from app.tagging.lexicon import LEXICON
from app.tagging.models import TagAssertion, TagSighting
from app.tagging.naming import fold
from faults.invariants.findings import Findings, Witnesses

READS_CONTACT = {"contact_edited", "contact_removed", "contact_added"}


def check(found: Findings, seen: Witnesses) -> dict[str, Any]:
    """Compare every relation about which the platform told us all."""
    known = _contacts_to_compare(seen)
    ours = _relations(seen.session)
    names = {
        tag["id"]: _meaning(seen, tag["name"])
        for group in seen.world["corp_tags"]
        for tag in group["tags"]
    }
    carried = _tags(seen.session)
    compared = 0
    for side in seen.world["relations"]:
        pair = side["userid"].lower(), side["external_userid"]
        if pair[1] not in known:
            continue
        compared += 1
        row = ours.get(pair)
        alive = not side["removed_by"]
        if alive is not (row is not None and row.state == RelationState.CONNECTED):
            state = row.state if row else "missing"
            found.note("I5", "a relation is not the platform's", f"{pair}: {state}, {side}"[:300])
        elif alive and row is not None:
            if (row.remark or "") != side["remark"]:
                found.note("I5", "a remark is not the platform's", f"{pair}")
            wanted = {names[tag] for tag in side["tag_ids"]}
            if carried[row.rep_id, row.identifier_id] != wanted:
                found.note("I5", "tags are not the platform's", f"{pair}: {side['tag_ids']}")
    return {"relations compared": compared}


def _contacts_to_compare(seen: Witnesses) -> set[str]:
    """Contacts that the product was told to read, and about whom no news was refused."""
    told, never = set(), set()
    for posted in seen.posted:
        event = posted.event
        if not event.about.startswith("wmfault"):
            continue
        if not posted.acked_at or event.number in seen.poison:
            never.add(event.about)
        elif event.kind in READS_CONTACT:
            told.add(event.about)
    return told - never - seen.untold


def _relations(session: Session) -> dict[tuple[str, str], RepContact]:
    rows = session.execute(
        select(RepContact, Rep.userid, Identifier)
        .join(Rep, Rep.id == RepContact.rep_id)
        .join(Identifier, Identifier.id == RepContact.identifier_id)
        .where(Identifier.kind == Kind.WECOM_EXTERNAL_USERID)
    )
    return {(userid, identifier.value): contact for contact, userid, identifier in rows}


def _meaning(seen: Witnesses, name: str) -> str:
    tag = LEXICON.of(seen.session).meaning(Source.WECOM_TAG, fold(name))
    return f"tag {tag.id}" if tag and tag.active else f"name {name.lower()}"


def _tags(session: Session) -> dict[tuple[int, int], set[str]]:
    carried: dict[tuple[int, int], set[str]] = defaultdict(set)
    for row in session.scalars(
        select(TagAssertion).where(
            TagAssertion.source == Source.WECOM_TAG, TagAssertion.superseded_at.is_(None)
        )
    ):
        carried[int(row.ref.split(":")[1]), row.identifier_id].add(f"tag {row.tag_id}")
    for seen in session.scalars(select(TagSighting).where(TagSighting.source == Source.WECOM_TAG)):
        carried[int(seen.scope.split(":")[1]), seen.identifier_id].add(f"name {seen.raw}")
    return carried
