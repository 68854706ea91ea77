"""Foreign names of tags: mapped onto the vocabulary, or kept until somebody says what they mean.

A name that no synonym covers waits in the queue, and with it everybody who carries it; when it is
folded into a tag (`foldings.py`), they have the tag at once. Names that are forbidden are counted
in the queue, so that somebody can ask who writes such things, but never kept with a person.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from app.infra.db import insert_once
from app.infra.direct import Direct
from app.tagging import naming
from app.tagging.assign import STANDS, Since, replace_names
from app.tagging.lexicon import LEXICON, Named
from app.tagging.models import NameState, TagAssertion, TagRefused, TagSighting, UnmappedName
from app.tagging.refusals import HERE
from app.tagging.vocabulary import why_forbidden


def map_name(session: Session, source: str, raw: str, now: datetime) -> Named | None:
    """Our tag for a foreign name; an unknown name goes into the queue and gives None."""
    folded = naming.fold(raw)
    if not folded:
        return None
    tag = LEXICON.of(session).meaning(source, folded)
    if tag is not None:
        return tag if tag.active else None
    values = {"source": source, "raw": folded, "seen": 0, "last_at": now}
    insert_once(session, UnmappedName, values, "source", "raw")
    return None


def take_names(
    session: Session,
    identifier_id: int,
    *,
    source: str,
    scope: str,
    names: Mapping[str, str],
    at: datetime,
    now: datetime,
    since: Mapping[str, datetime] | None = None,
) -> None:
    """Make what a source says of a person equal to `names` (name → evidence sentence).

    `scope` is the part of the source that this list speaks for: one rep's side of a contact.
    Known names are assertions (missing ones are superseded), unknown ones wait. `since`: folded
    names that were said before `at`; they hold again as they did.
    """
    said = Since(since or {}, at)
    wanted: dict[tuple[int, str], str] = {}
    waiting: dict[str, str] = {}
    for raw, evidence in names.items():
        tag, folded = map_name(session, source, raw, now), naming.fold(raw)
        if tag is not None:
            wanted[tag.id, folded] = evidence
        elif folded and not why_forbidden(session, raw):
            waiting[folded] = evidence
    # In this order: a sighting that is just becoming an assertion is waited for, and then seen.
    _keep_waiting(session, identifier_id, source, scope, waiting, said)
    replace_names(session, identifier_id, source=source, scope=scope, wanted=wanted, said=said)


def has_names_of(session: Session, identifier_id: int, source: str, scope: str) -> bool:
    """Whether this part of a source says anything of the person, as far as we know."""
    known = {"person": identifier_id, "source": source, "scope": scope}
    if _WAITING.first(session, known) is not None:
        return True
    return _SAYS.first(session, known | {"scope": f"{scope}:%"}) is not None


def names_of(
    session: Session, identifier_id: int, source: str, scope: str
) -> dict[str, tuple[str, datetime]]:
    """What this part of a source says of the person: folded name → evidence, and since when.
    Also what waits, what the source may not assert and what a verdict overruled."""
    waits = select(TagSighting.raw, TagSighting.evidence, TagSighting.at).where(
        TagSighting.identifier_id == identifier_id, TagSighting.source == source,
        TagSighting.scope == scope,
    )  # fmt: skip
    found = {raw: (evidence, at) for raw, evidence, at in session.execute(waits)}
    for table, here in ((TagRefused, HERE), (TagAssertion, STANDS)):
        said = select(table.raw, table.evidence, table.at).where(
            table.identifier_id == identifier_id, table.source == source, table.raw != "", here,
            table.ref.startswith(f"{scope}:", autoescape=True),
        )  # fmt: skip
        found |= {raw: (evidence, at) for raw, evidence, at in session.execute(said)}
    return found


def unmapped(session: Session, limit: int = 200) -> Sequence[UnmappedName]:
    """Names that wait for somebody to say what they mean, most carried first."""
    return session.scalars(
        select(UnmappedName)
        .where(UnmappedName.state == NameState.WAITING)
        .order_by(UnmappedName.seen.desc(), UnmappedName.id)
        .limit(limit)
    ).all()


def count_carriers(session: Session, source: str, raw: str) -> int:
    """How many carry a name that waits."""
    carriers = select(func.count(TagSighting.identifier_id.distinct())).where(
        TagSighting.source == source, TagSighting.raw == raw
    )
    return session.scalar(carriers) or 0


def _keep_waiting(
    session: Session,
    identifier_id: int,
    source: str,
    scope: str,
    waiting: Mapping[str, str],
    said: Since,
) -> None:
    known = {"person": identifier_id, "source": source, "scope": scope}
    rows = _WAITING.all(session, known)
    gone = {raw for _, raw in rows} - set(waiting)
    _lock(session, source, gone | set(waiting))
    if gone:
        ids = [sighting_id for sighting_id, raw in rows if raw in gone]
        session.execute(delete(TagSighting).where(TagSighting.id.in_(ids)))
    for raw, evidence in waiting.items():
        values = {
            "identifier_id": identifier_id, "source": source, "scope": scope, "raw": raw,
            "evidence": evidence, "at": said.at(raw),
        }  # fmt: skip
        insert_once(session, TagSighting, values, "identifier_id", "source", "scope", "raw")
    _note_carriers(session, source, gone | set(waiting), said.now)


def _lock(session: Session, source: str, raws: Collection[str]) -> None:
    """Names before sightings, in one order: as whoever lets carriers follow does."""
    if not raws:
        return
    session.scalars(
        select(UnmappedName.id)
        .where(UnmappedName.source == source, UnmappedName.raw.in_(raws))
        .order_by(UnmappedName.id)
        .with_for_update(key_share=True)
    ).all()


def _note_carriers(session: Session, source: str, raws: Iterable[str], at: datetime) -> None:
    for raw in sorted(raws):
        session.execute(
            update(UnmappedName)
            .where(UnmappedName.source == source, UnmappedName.raw == raw)
            .values(seen=count_carriers(session, source, raw), last_at=at)
        )


_WAITING = Direct(
    select(TagSighting.id, TagSighting.raw).where(
        TagSighting.identifier_id == bindparam("person"),
        TagSighting.source == bindparam("source"),
        TagSighting.scope == bindparam("scope"),
    ),
    lambda sighting_id, raw: (sighting_id, raw),
)
_SAYS = Direct(
    select(TagAssertion.id)
    .where(
        TagAssertion.identifier_id == bindparam("person"),
        TagAssertion.source == bindparam("source"),
        TagAssertion.ref.like(bindparam("scope")),
        TagAssertion.superseded_at.is_(None),
    )
    .limit(1),
    int,
)
