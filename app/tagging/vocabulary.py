"""The vocabulary and the mapping of foreign names onto it."""

from __future__ import annotations

import unicodedata
from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.infra.db import insert_once
from app.infra.errors import NotFound, Refused
from app.tagging.models import Tag, TagCategory, TagSynonym, UnmappedName
from app.tagging.starter import CATEGORIES, FORBIDDEN, TAGS

ANY = "any"


def seed(session: Session, now: datetime) -> None:
    """Put the starter vocabulary in place; what exists stays as people left it."""
    for position, (key, name, exclusive) in enumerate(CATEGORIES):
        values = {"key": key, "name": name, "exclusive": exclusive, "position": position}
        insert_once(session, TagCategory, values, "key")
    for key, name, category, owner, half_life, synonyms in TAGS:
        if by_key(session, key) is None:
            add_tag(
                session, key=key, name=name, category_key=category, owner=owner,
                half_life_days=half_life, synonyms=synonyms, now=now,
            )  # fmt: skip


def add_tag(
    session: Session,
    *,
    key: str,
    name: str,
    category_key: str,
    owner: str,
    half_life_days: int | None,
    meaning: str = "",
    synonyms: Sequence[str] = (),
    now: datetime,
) -> Tag:
    """A new tag. Raises Refused for used or forbidden names."""
    name = name.strip()
    if not name or not key.strip():
        raise Refused("标签需要名称和编号。")
    banned = next((word for word in FORBIDDEN if word in name), None)
    if banned:
        raise Refused(f"标签不能包含“{banned}”：不得记录医生的处方量或私人生活。")
    if session.get(TagCategory, category_key) is None:
        raise Refused("请选择标签分类。")
    if by_key(session, key) or by_name(session, name):
        raise Refused(f"标签“{name}”或编号 {key} 已经存在。")
    tag = Tag(
        key=key, name=name, category_key=category_key, owner=owner, meaning=meaning,
        half_life_days=half_life_days, created_at=now,
    )  # fmt: skip
    session.add(tag)
    session.flush()
    for raw in (name, *synonyms):
        _synonym(session, tag.id, ANY, raw)
    return tag


def tags(session: Session) -> Sequence[Tag]:
    """All active tags, by category and name."""
    return session.scalars(
        select(Tag)
        .join(TagCategory, TagCategory.key == Tag.category_key)
        .where(Tag.active.is_(True))
        .order_by(TagCategory.position, Tag.id)
    ).all()


def categories(session: Session) -> Sequence[TagCategory]:
    """All categories in order."""
    return session.scalars(select(TagCategory).order_by(TagCategory.position)).all()


def by_key(session: Session, key: str) -> Tag | None:
    """The tag with this key."""
    return session.scalar(select(Tag).where(Tag.key == key))


def by_name(session: Session, name: str) -> Tag | None:
    """The tag with exactly this name."""
    return session.scalar(select(Tag).where(Tag.name == name.strip()))


def map_name(session: Session, source: str, raw: str, now: datetime) -> Tag | None:
    """Our tag for a foreign name; an unknown name is counted in the queue and gives None."""
    folded = fold(raw)
    if not folded:
        return None
    rows = session.execute(
        select(TagSynonym.source, TagSynonym.tag_id).where(
            TagSynonym.raw == folded, TagSynonym.source.in_((source, ANY))
        )
    ).all()
    if rows:
        best = next((row for row in rows if row.source == source), rows[0])
        return session.get(Tag, best.tag_id)
    values = {"source": source, "raw": folded, "seen": 0, "last_at": now}
    insert_once(session, UnmappedName, values, "source", "raw")
    session.execute(
        update(UnmappedName)
        .where(UnmappedName.source == source, UnmappedName.raw == folded)
        .values(seen=UnmappedName.seen + 1, last_at=now)
    )
    return None


def unmapped(session: Session, limit: int = 200) -> Sequence[UnmappedName]:
    """Names that wait for somebody to say what they mean, most seen first."""
    return session.scalars(
        select(UnmappedName).order_by(UnmappedName.seen.desc(), UnmappedName.id).limit(limit)
    ).all()


def fold_unmapped(session: Session, unmapped_id: int, tag_key: str) -> Tag:
    """From now on this name means that tag; events that bring it are re-read on the next sync."""
    waiting, tag = session.get(UnmappedName, unmapped_id), by_key(session, tag_key)
    if waiting is None or tag is None:
        raise NotFound("没有这个待归并的名称或标签。")
    _synonym(session, tag.id, waiting.source, waiting.raw)
    session.delete(waiting)
    session.flush()
    return tag


def keywords_in(session: Session, text: str) -> list[Tag]:
    """Tags whose name or synonym (two characters or more) occurs in `text`."""
    folded = fold(text)
    rows = session.execute(
        select(TagSynonym.raw, TagSynonym.tag_id).where(TagSynonym.source == ANY)
    ).all()
    found = {row.tag_id for row in rows if len(row.raw) >= 2 and row.raw in folded}
    return [tag for tag in tags(session) if tag.id in found]


def fold(text: str) -> str:
    """One spelling for look-ups: NFKC, lower case, without blanks."""
    return "".join(unicodedata.normalize("NFKC", text).lower().split())[:80]


def _synonym(session: Session, tag_id: int, source: str, raw: str) -> None:
    values = {"tag_id": tag_id, "source": source, "raw": fold(raw)}
    insert_once(session, TagSynonym, values, "source", "raw")
