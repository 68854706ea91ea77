"""Foreign names of tags: mapped onto the vocabulary, or kept until somebody says what they mean.

A name that no synonym covers waits in the queue, and with it everybody who carries it; when it is
folded into a tag, they have the tag at once. Names that are forbidden are counted in the queue,
so that somebody can ask who writes such things, but never kept with a person.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import bindparam, delete, func, select, update
from sqlalchemy.orm import Session

from app.infra.db import insert_once
from app.infra.direct import Direct
from app.infra.errors import NotFound, Refused
from app.tagging import naming
from app.tagging.assign import assert_tag, replace_from_source
from app.tagging.lexicon import LEXICON, Named
from app.tagging.models import Tag, TagAssertion, TagSighting, TagSynonym, UnmappedName
from app.tagging.vocabulary import add_synonym, by_key, why_forbidden


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
) -> None:
    """Make what a source says of a person equal to `names` (name → evidence sentence).

    `scope` is the part of the source that this list speaks for: one rep's side of a contact.
    Known names are assertions (missing ones are superseded), unknown ones wait.
    """
    wanted: dict[int, str] = {}
    waiting: dict[str, str] = {}
    for raw, evidence in names.items():
        tag = map_name(session, source, raw, now)
        if tag is not None:
            wanted[tag.id] = evidence
        elif naming.fold(raw) and not why_forbidden(session, raw):
            waiting[naming.fold(raw)] = evidence
    replace_from_source(session, identifier_id, source=source, scope=scope, wanted=wanted, at=at)
    _keep_waiting(session, identifier_id, source, scope, waiting, at)


def unmapped(session: Session, limit: int = 200) -> Sequence[UnmappedName]:
    """Names that wait for somebody to say what they mean, most carried first."""
    return session.scalars(
        select(UnmappedName).order_by(UnmappedName.seen.desc(), UnmappedName.id).limit(limit)
    ).all()


def suggest(session: Session, raw: str, limit: int = 3) -> list[Tag]:
    """Tags whose names look most like `raw`, best first."""
    rows = session.execute(
        select(TagSynonym.raw, TagSynonym.tag_id)
        .join(Tag, Tag.id == TagSynonym.tag_id)
        .where(Tag.active.is_(True))
    )
    ids = naming.most_alike(raw, ((row.raw, row.tag_id) for row in rows), limit)
    return [session.get_one(Tag, tag_id) for tag_id in ids]


def fold_unmapped(session: Session, unmapped_id: int, tag_key: str) -> Tag:
    """From now on this name means that tag, also for everybody who carried it before.

    Raises NotFound, and Refused for a forbidden name.
    """
    name, tag = session.get(UnmappedName, unmapped_id), by_key(session, tag_key)
    if name is None or tag is None:
        raise NotFound("没有这个待归并的名称或标签。")
    problem = why_forbidden(session, name.raw)
    if problem:
        raise Refused(problem)
    add_synonym(session, tag, name.raw, name.source)
    carried = (TagSighting.source == name.source, TagSighting.raw == name.raw)
    for seen in session.scalars(select(TagSighting).where(*carried).order_by(TagSighting.id)):
        if not _says_so_already(session, seen, tag.id):
            assert_tag(
                session, seen.identifier_id, tag.id, source=seen.source,
                ref=f"{seen.scope}:{int(seen.at.timestamp())}", evidence=seen.evidence, at=seen.at,
            )  # fmt: skip
    session.execute(delete(TagSighting).where(*carried))
    session.delete(name)
    session.flush()
    return tag


def _keep_waiting(
    session: Session,
    identifier_id: int,
    source: str,
    scope: str,
    waiting: Mapping[str, str],
    at: datetime,
) -> None:
    known = {"person": identifier_id, "source": source, "scope": scope}
    rows = _WAITING.all(session, known)
    gone = {raw for _, raw in rows} - set(waiting)
    if gone:
        ids = [sighting_id for sighting_id, raw in rows if raw in gone]
        session.execute(delete(TagSighting).where(TagSighting.id.in_(ids)))
    for raw, evidence in waiting.items():
        values = {
            "identifier_id": identifier_id, "source": source, "scope": scope, "raw": raw,
            "evidence": evidence, "at": at,
        }  # fmt: skip
        insert_once(session, TagSighting, values, "identifier_id", "source", "scope", "raw")
    _count_carriers(session, source, gone | set(waiting), at)


def _count_carriers(session: Session, source: str, raws: Iterable[str], at: datetime) -> None:
    for raw in sorted(raws):
        carriers = select(func.count(TagSighting.identifier_id.distinct())).where(
            TagSighting.source == source, TagSighting.raw == raw
        )
        session.execute(
            update(UnmappedName)
            .where(UnmappedName.source == source, UnmappedName.raw == raw)
            .values(seen=session.scalar(carriers) or 0, last_at=at)
        )


def _says_so_already(session: Session, seen: TagSighting, tag_id: int) -> bool:
    return (
        session.scalar(
            select(TagAssertion.id).where(
                TagAssertion.identifier_id == seen.identifier_id,
                TagAssertion.tag_id == tag_id,
                TagAssertion.source == seen.source,
                TagAssertion.ref.startswith(f"{seen.scope}:", autoescape=True),
                TagAssertion.superseded_at.is_(None),
            )
        )
        is not None
    )


_WAITING = Direct(
    select(TagSighting.id, TagSighting.raw).where(
        TagSighting.identifier_id == bindparam("person"),
        TagSighting.source == bindparam("source"),
        TagSighting.scope == bindparam("scope"),
    ),
    lambda sighting_id, raw: (sighting_id, raw),
)
