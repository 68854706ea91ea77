"""The vocabulary between its tables and one value."""

from __future__ import annotations

from collections import defaultdict
from datetime import datetime

from sqlalchemy import delete, insert, select
from sqlalchemy.orm import Session

from app.tagging.document import CategoryDef, Document, Name, TagDef, canonical, pair
from app.tagging.models import ForbiddenWord, Tag, TagCategory, TagOpposite, TagSynonym

PLAIN = ("name", "owner", "meaning", "half_life_days", "sensitivity", "mirrored", "active")


def read(session: Session) -> Document:
    """As it is now, in canonical form."""
    session.flush()
    tags = session.scalars(select(Tag).order_by(Tag.id)).all()
    keys = {tag.id: tag.key for tag in tags}
    names: dict[int, list[Name]] = defaultdict(list)
    rows = session.execute(select(TagSynonym.tag_id, TagSynonym.source, TagSynonym.raw))
    for tag_id, source, raw in rows:
        names[tag_id].append((source, raw))
    pairs = session.execute(select(TagOpposite.a_id, TagOpposite.b_id)).all()
    categories = session.scalars(
        select(TagCategory).order_by(TagCategory.position, TagCategory.key)
    ).all()
    words = session.execute(select(ForbiddenWord.word, ForbiddenWord.reason)).all()
    return canonical(
        Document(
            categories=tuple(
                CategoryDef(c.key, c.name, c.parent_key or "", c.exclusive, c.position)
                for c in categories
            ),
            tags=tuple(_defined(tag, keys, names[tag.id]) for tag in tags),
            opposites=frozenset(pair(keys[a], keys[b]) for a, b in pairs),
            forbidden=tuple((word, reason) for word, reason in words),
        )
    )


def write(session: Session, wanted: Document, now: datetime) -> None:
    """Make the tables equal to it. Tags that it does not have stay; see `versions.change`."""
    document = canonical(wanted)
    _write_categories(session, document)
    ids = _write_tags(session, document, now)
    _write_names(session, document, ids)
    _write_opposites(session, document, ids)
    kept = {tag.category for tag in document.tags}
    known = {one.key for one in document.categories} | kept
    gone = select(TagCategory).where(TagCategory.key.not_in(known))
    for category in session.scalars(gone).all():
        session.delete(category)
    session.execute(delete(ForbiddenWord))
    rows = [{"word": word, "reason": reason} for word, reason in document.forbidden]
    if rows:
        session.execute(insert(ForbiddenWord), rows)
    session.flush()
    session.expire_all()


def _defined(tag: Tag, keys: dict[int, str], names: list[Name]) -> TagDef:
    return TagDef(
        key=tag.key, category=tag.category_key,
        parent=keys.get(tag.parent_id or 0, ""), merged_into=keys.get(tag.merged_into_id or 0, ""),
        may_assert=tuple(filter(None, tag.may_assert.split(","))), names=tuple(names),
        **{name: getattr(tag, name) for name in PLAIN},
    )  # fmt: skip


def _write_categories(session: Session, document: Document) -> None:
    rows = {row.key: row for row in session.scalars(select(TagCategory))}
    for one in document.categories:
        row = rows.get(one.key)
        if row is None:
            row = rows[one.key] = TagCategory(key=one.key)
            session.add(row)
        row.name, row.exclusive, row.position = one.name, one.exclusive, one.position
        row.parent_key = None
    session.flush()
    for one in document.categories:
        rows[one.key].parent_key = one.parent or None
    for key, row in rows.items():  # what goes away is nobody's branch
        if key not in document.category_by_key:
            row.parent_key = None
    session.flush()


def _write_tags(session: Session, document: Document, now: datetime) -> dict[str, int]:
    rows = {row.key: row for row in session.scalars(select(Tag))}
    for key, row in rows.items():  # names may change places
        tag = document.by_key.get(key)
        if tag is not None and tag.name != row.name:
            row.name = f"~{row.id}"
    session.flush()
    for tag in document.tags:
        found = rows.get(tag.key)
        if found is None:
            found = rows[tag.key] = Tag(key=tag.key, created_at=now)
            session.add(found)
        for name in PLAIN:
            setattr(found, name, getattr(tag, name))
        found.category_key, found.may_assert = tag.category, ",".join(tag.may_assert)
    session.flush()
    ids = {key: row.id for key, row in rows.items()}
    for tag in document.tags:
        rows[tag.key].parent_id = ids.get(tag.parent)
        rows[tag.key].merged_into_id = ids.get(tag.merged_into)
    session.flush()
    return ids


def _write_names(session: Session, document: Document, ids: dict[str, int]) -> None:
    wanted = {
        name: ids[tag.key] for tag in document.tags for name in (tag.own_name, *tag.names)
    }  # fmt: skip
    rows = session.execute(
        select(TagSynonym.id, TagSynonym.source, TagSynonym.raw, TagSynonym.tag_id)
    ).all()
    stale = [row.id for row in rows if wanted.get((row.source, row.raw)) != row.tag_id]
    for start in range(0, len(stale), 500):
        gone = TagSynonym.id.in_(stale[start : start + 500])
        session.execute(delete(TagSynonym).where(gone))
    there = {(row.source, row.raw) for row in rows if row.id not in set(stale)}
    fresh = [
        {"tag_id": tag_id, "source": source, "raw": raw}
        for (source, raw), tag_id in wanted.items()
        if (source, raw) not in there and raw
    ]
    if fresh:
        session.execute(insert(TagSynonym), fresh)


def _write_opposites(session: Session, document: Document, ids: dict[str, int]) -> None:
    wanted = {tuple(sorted((ids[a], ids[b]))) for a, b in document.opposites}
    rows = session.execute(select(TagOpposite.a_id, TagOpposite.b_id)).all()
    there = {(row.a_id, row.b_id) for row in rows}
    for a, b in there - wanted:
        session.execute(delete(TagOpposite).where(TagOpposite.a_id == a, TagOpposite.b_id == b))
    if wanted - there:
        session.execute(insert(TagOpposite), [{"a_id": a, "b_id": b} for a, b in wanted - there])
