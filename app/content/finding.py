"""Finding what may be sent or shown now."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from itertools import islice
from typing import Any

from sqlalchemy import BindParameter, ColumnElement, String, bindparam, false, func, or_, select
from sqlalchemy.orm import Session

from app import tagging
from app.content.library import broken_seal, problem, tags_of_many
from app.content.models import Content, ContentVersion, Stage, VersionTag
from app.content.succession import replaced
from app.infra.db import UtcDateTime
from app.infra.direct import Direct


@dataclass(frozen=True, slots=True)
class Usable:
    """A version that may be sent now, with its tags (tag id → weight); merged ones are those they
    were merged into."""

    version: ContentVersion
    brand_id: int | None
    tags: Mapping[int, float]


def usable(session: Session, now: datetime) -> list[Usable]:
    """Everything that may be sent now."""
    rows = session.execute(
        select(ContentVersion, Content.brand_id)
        .join(Content, Content.id == ContentVersion.content_id)
        .where(*_in_force(now))
        .order_by(ContentVersion.id)
    ).all()
    over = replaced(session, now)
    rows = [row for row in rows if row[0].id not in over]
    tags = tags_of_many(session, [version.id for version, _ in rows])  # as they are sealed
    return [
        Usable(version, brand, tagging.standing(session, tags[version.id]))
        for version, brand in rows
        if not broken_seal(version, tags[version.id])
    ]


def usable_version(session: Session, content_id: int, now: datetime) -> ContentVersion | None:
    """The version of a content that may be sent now."""
    found = session.scalars(
        select(ContentVersion).where(ContentVersion.content_id == content_id, *_in_force(now))
    )
    return next((version for version in found if not problem(session, version, now)), None)


def replacement(session: Session, content_id: int, now: datetime) -> ContentVersion | None:
    """What may be shown instead of a withdrawn or expired version."""
    content = session.get_one(Content, content_id)
    for candidate in (content.id, content.replaced_by_id):
        found = usable_version(session, candidate, now) if candidate else None
        if found:
            return found
    return None


def search_usable(
    session: Session, text: str, now: datetime, *, tag_ids: Sequence[int] = (), limit: int = 3
) -> list[ContentVersion]:
    """Approved versions whose title or summary holds `text`, or that carry one of the tags."""
    words = text.strip()
    tag_ids = tagging.merged_into(session, tag_ids)
    wanted: dict[str, Any] = {f"t{n}": tag_id for n, tag_id in enumerate(tag_ids)}
    wanted |= {"now": now, "words": _escaped(words)}
    ids = _search(len(words) > 1, len(tag_ids)).all(session, wanted)
    found = (session.get_one(ContentVersion, version_id) for version_id in ids)
    return list(islice((v for v in found if not problem(session, v, now)), limit))


@cache
def _search(by_words: bool, tags: int) -> Direct[int]:
    words = bindparam("words", type_=String)
    in_title = ContentVersion.title.icontains(words, escape="/")
    tagged = select(VersionTag.version_id).where(
        or_(false(), *(VersionTag.tag_id == bindparam(f"t{n}") for n in range(tags)))
    )
    conditions: list[ColumnElement[bool]] = [ContentVersion.id.in_(tagged)]
    if by_words:
        conditions += [in_title, ContentVersion.summary.icontains(words, escape="/")]
    return Direct(
        select(ContentVersion.id)
        .where(*_in_force(bindparam("now", type_=UtcDateTime)), or_(*conditions))
        .order_by(in_title.desc(), ContentVersion.id),
        int,
    )


def listing(
    session: Session, *, stage: Stage | None = None, text: str = "", limit: int = 200
) -> Sequence[ContentVersion]:
    """The newest version of every content, or those in one stage."""
    newest = select(func.max(ContentVersion.id)).group_by(ContentVersion.content_id)
    chosen = select(ContentVersion).order_by(ContentVersion.id.desc()).limit(limit)
    chosen = chosen.where(ContentVersion.stage == stage if stage else ContentVersion.id.in_(newest))
    if text:
        chosen = chosen.where(ContentVersion.title.icontains(text, autoescape=True))
    return session.scalars(chosen).all()


def count_by_stage(session: Session) -> dict[str, int]:
    """How many versions are in each stage."""
    number = func.count().label("number")
    rows = session.execute(select(ContentVersion.stage, number).group_by(ContentVersion.stage))
    return {row.stage: row.number for row in rows}


def _escaped(words: str) -> str:
    return words.replace("/", "//").replace("%", "/%").replace("_", "/_")


def _in_force(now: datetime | BindParameter[datetime]) -> tuple[ColumnElement[bool], ...]:
    return (
        ContentVersion.stage == Stage.APPROVED,
        ContentVersion.valid_from <= now,
        ContentVersion.valid_until > now,
    )
