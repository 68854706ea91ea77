"""The vocabulary: categories, tags and the names under which they are known.

Whatever changes it is a version: see `versions`.
"""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.identity import changed
from app.infra.db import insert_once
from app.infra.errors import NotFound, Refused
from app.tagging import naming, versions
from app.tagging.document import ANY
from app.tagging.forbidden import FORBIDDEN
from app.tagging.lexicon import LEXICON, Named
from app.tagging.models import Tag, TagAssertion, TagCategory, TagOpposite, TagSynonym
from app.tagging.shape import shape
from app.tagging.starter import CATEGORIES, OPPOSITES, SPOKEN, TAGS

STARTER = "起始词表"


def seed(session: Session, now: datetime) -> None:
    """Put the starter vocabulary in place; what exists stays as people left it."""
    versions.keep(session, note=STARTER, kind="start", now=now)
    for position, (key, name, exclusive) in enumerate(CATEGORIES):
        values = {"key": key, "name": name, "exclusive": exclusive, "position": position}
        insert_once(session, TagCategory, values, "key")
    known = session.execute(select(Tag.key, Tag.name)).all()
    keys, names = {row.key for row in known}, {row.name for row in known}
    fresh = [entry for entry in TAGS if entry.key not in keys and entry.name not in names]
    added = [
        Tag(
            key=entry.key, name=entry.name, category_key=entry.category, owner=entry.owner,
            meaning=entry.meaning, half_life_days=entry.half_life, created_at=now,
        )
        for entry in fresh
    ]  # fmt: skip
    session.add_all(added)
    session.flush()
    ids = dict(session.execute(select(Tag.key, Tag.id)).all())
    for entry, tag in zip(fresh, added, strict=True):
        tag.parent_id = ids.get(entry.parent)
    _name(session, [(t.id, (e.name, *e.synonyms)) for e, t in zip(fresh, added, strict=True)])
    if fresh:
        _contradict(session, ids, {entry.key for entry in fresh})
        LEXICON.changed(session)


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
    parent_key: str = "",
    actor: str = "system",
    now: datetime,
) -> Tag:
    """A new tag. Raises Refused for used or forbidden names."""
    versions.keep(session, actor=actor, note=f"新增标签“{name.strip()}”", now=now)
    name, key = name.strip(), key.strip()
    _check_new(session, key, name, category_key)
    parent = by_key(session, parent_key) if parent_key else None
    if parent_key and parent is None:
        raise Refused("没有这个上级标签。")
    tag = Tag(
        key=key, name=name, category_key=category_key, owner=owner, meaning=meaning,
        half_life_days=half_life_days, parent_id=parent.id if parent else None, created_at=now,
    )  # fmt: skip
    session.add(tag)
    session.flush()
    for raw in (name, *synonyms):
        add_synonym(session, tag, raw)
    LEXICON.changed(session)
    return tag


def add_synonym(
    session: Session, tag: Tag, raw: str, source: str = ANY, *, actor: str = "system",
    now: datetime | None = None,
) -> bool:  # fmt: skip
    """From now on `raw` means this tag; False when it means one already. Raises Refused.

    `now` and `actor` are for the version; those of the transaction's first change count.
    """
    problem = why_forbidden(session, raw)
    if problem:
        raise Refused(problem)
    versions.keep(session, actor=actor, note=f"“{raw.strip()}”归并到“{tag.name}”", now=now)
    values = {"tag_id": tag.id, "source": source, "raw": naming.fold(raw)}
    fresh = bool(values["raw"]) and insert_once(session, TagSynonym, values, "source", "raw")
    if fresh:
        LEXICON.changed(session)
    return fresh


def retire(
    session: Session, key: str, *, actor: str = "system", now: datetime | None = None
) -> Tag:
    """The tag counts no more; its assertions stay as history. Raises NotFound."""
    tag = by_key(session, key)
    if tag is None:
        raise NotFound("没有这个标签。")
    versions.keep(session, actor=actor, note=f"停用标签“{tag.name}”", kind="retire", now=now)
    narrower = shape(session).family(tag.id)  # they no longer count for what is broader than it
    tag.active = False
    session.flush()
    LEXICON.changed(session)
    carried = (TagAssertion.tag_id.in_(narrower), TagAssertion.superseded_at.is_(None))
    changed.note_all(session, TagAssertion.identifier_id, *carried)
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


def id_of(session: Session, label: str) -> int | None:
    """The tag with exactly this name or key, else the one that is also known so; a merged tag is
    the one it was merged into. Without asking the database for each."""
    return LEXICON.of(session).named(label.strip())


def why_forbidden(session: Session, text: str) -> str:
    """Why no tag may be called so, by law or by the company; "" if it may."""
    return LEXICON.of(session).why_forbidden(text)


def forbidden(session: Session) -> Mapping[str, str]:
    """Every word that no tag may carry, and why."""
    return {**FORBIDDEN, **LEXICON.of(session).forbidden}


def standing(session: Session, weights: Mapping[int, float]) -> dict[int, float]:
    """Tag → weight with every merged tag as the one it was merged into."""
    merged = LEXICON.of(session).merged
    found: dict[int, float] = {}
    for tag, weight in weights.items():
        here = merged.get(tag, tag)
        found[here] = max(weight, found.get(here, weight))
    return found


def merged(session: Session) -> Mapping[int, int]:
    """Every merged tag → the one that it stands for."""
    return LEXICON.of(session).merged


def merged_into(session: Session, tag_ids: Sequence[int]) -> list[int]:
    """These tags and those that stand for them since they were merged."""
    merged = LEXICON.of(session).merged
    return [*tag_ids, *(old for old, new in merged.items() if new in tag_ids)]


def names_for_reps(session: Session) -> dict[int, str]:
    """Id → name of the active tags that reps may see."""
    hidden = LEXICON.of(session).staff
    rows = session.execute(
        select(Tag.id, Tag.name)
        .join(TagCategory, TagCategory.key == Tag.category_key)
        .where(Tag.active.is_(True))
        .order_by(TagCategory.position, Tag.id)
    )
    return {row.id: row.name for row in rows if row.id not in hidden}


def category_names(session: Session, tag_ids: Iterable[int]) -> dict[int, str]:
    """Tag → name of its category."""
    rows = session.execute(
        select(Tag.id, TagCategory.name)
        .join(TagCategory, TagCategory.key == Tag.category_key)
        .where(Tag.id.in_(list(tag_ids)))
    )
    return {row.id: row.name for row in rows}


def topics(session: Session) -> dict[int, str]:
    """Id → name of the active tags that say what a content is about, as physicians may see them."""
    known = LEXICON.of(session)
    about = {
        row.id for row in session.execute(select(Tag.id, Tag.category_key))
        if known.branches.get(row.category_key, row.category_key) in SPOKEN
    }  # fmt: skip
    return {tag: name for tag, name in names_for_reps(session).items() if tag in about}


_TITLE = re.compile("《(.*…$|.*》|.*)", re.DOTALL)  # up to the last mark, or cut


def without_hidden(session: Session, sentences: Sequence[str]) -> list[str]:
    """Sentences for a rep: none that names a tag which only staff may see, also cut by a card, and
    none with a title that speaks of one."""
    hidden = LEXICON.of(session).hidden_names
    return [
        text for text in sentences
        if not naming.says(text, hidden)
        and not any(tells_hidden(session, title) for title in _TITLE.findall(text))
    ]  # fmt: skip


def tells_hidden(session: Session, title: str) -> bool:
    """Whether a title speaks of a tag which only staff may see."""
    hidden, told = LEXICON.of(session).hidden_names, naming.fold(title)
    return any(name in told for name in hidden if len(name) > 1)


def keywords_in(session: Session, text: str, categories: Sequence[str] = SPOKEN) -> list[Named]:
    """Tags that a person's words speak of, in order; denied ones are left out.

    Only names of the given categories: what a physician writes says what interests the physician,
    never what stage or influence somebody has.
    """
    return LEXICON.of(session).finder(categories).find(text)


def _check_new(session: Session, key: str, name: str, category_key: str) -> None:
    if not name or not key:
        raise Refused("标签需要名称和编号。")
    problem = why_forbidden(session, name)
    if problem:
        raise Refused(problem)
    if session.get(TagCategory, category_key) is None:
        raise Refused("请选择标签分类。")
    if by_key(session, key) or by_name(session, name):
        raise Refused(f"标签“{name}”或编号 {key} 已经存在。")


def _name(session: Session, named: Sequence[tuple[int, Sequence[str]]]) -> None:
    """Many tags at once; a name that means something already keeps its meaning."""
    taken = set(session.scalars(select(TagSynonym.raw).where(TagSynonym.source == ANY)))
    rows = []
    for tag_id, names in named:
        for raw in map(naming.fold, names):
            if raw not in taken:
                rows.append({"tag_id": tag_id, "source": ANY, "raw": raw})
                taken.add(raw)
    if rows:
        session.flush()
        session.execute(insert(TagSynonym), rows)


def _contradict(session: Session, ids: Mapping[str, int], fresh: set[str]) -> None:
    """Opposites of the starter vocabulary, where one of the two is new."""
    for one, other in OPPOSITES:
        if {one, other} & fresh and one in ids and other in ids:
            a, b = sorted((ids[one], ids[other]))
            insert_once(session, TagOpposite, {"a_id": a, "b_id": b}, "a_id", "b_id")
