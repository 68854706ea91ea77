"""Tags that are made of foreign names, many with one click and as one version."""

from __future__ import annotations

from collections.abc import Collection, Sequence
from dataclasses import replace
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.infra.errors import Refused, YishuError
from app.tagging import editing, versions
from app.tagging.checking import LONGEST_NAME
from app.tagging.document import Document, TagDef
from app.tagging.lexicon import LEXICON, Lexicon
from app.tagging.models import NameState, Tag, UnmappedName
from app.tagging.names.deciding import folded, locked, waiting
from app.tagging.names.fold_models import Decided, FoldKind

HALF_LIFE_DAYS = 180


def make_tags(
    session: Session,
    name_ids: Collection[int],
    *,
    category_key: str,
    owner: str,
    actor: str,
    now: datetime,
    batch: str,
) -> Decided:
    """A tag of each name; whatever else is called so and waits is folded with it. Raises Refused
    when the vocabulary cannot take them, say because there is no such category."""
    versions.lock(session)
    names, done = locked(session, name_ids), Decided()
    made: dict[str, list[UnmappedName]] = {}  # key of the tag → its names
    keys: dict[str, str] = {}  # name as written → key of the tag
    called: dict[str, str] = {}  # name of the tag → its key
    known, document = LEXICON.of(session), versions.begin(session, now)
    for name_id in name_ids:
        try:
            name = waiting(known, names.get(name_id))
            key = keys.setdefault(name.raw, f"n-{name.id}")
            _check_new(known, document, name, key, called)
            made.setdefault(key, []).append(name)
        except YishuError as problem:
            done.refused.append(problem)
    for name in _called_alike(session, names.keys(), list(keys)):
        key = keys[name.raw]
        if key in made and _may(document, name, key):
            made[key].append(name)
    if not made:
        return done

    def edit(known: Document) -> Document:
        for key, rows in made.items():
            known = _with(known, key, rows, category_key, owner)
        return known

    first = next(iter(made.values()))[0].raw
    note = f"新增标签“{first}”" if len(made) == 1 else f"新增 {len(made)} 个标签：{first} 等"
    mine = {key: [row.id for row in rows] for key, rows in made.items()}
    versions.change(session, edit, actor=actor, note=note, now=now)
    names = locked(session, [number for numbers in mine.values() for number in numbers])
    ids = {row.key: row.id for row in session.execute(
        select(Tag.key, Tag.id).where(Tag.key.in_(made))
    )}  # fmt: skip
    decided = [(names[n], ids[key]) for key, numbers in mine.items() for n in numbers]
    done.rows = folded(session, decided, FoldKind.NEW, actor=actor, at=now, batch=batch)
    return done


def _check_new(
    known: Lexicon, document: Document, name: UnmappedName, key: str, called: dict[str, str]
) -> None:
    """The name may become a tag of this key, or that tag again."""
    own = name.raw[:LONGEST_NAME]
    if any(tag.key != key and tag.name == own for tag in document.tags) or (
        called.setdefault(own, key) != key
    ):
        raise Refused(f"标签“{own}”已经存在，请归并到它。")
    meant = known.meaning(name.source, name.raw)
    if meant is not None and meant.key != key:
        raise Refused(f"“{name.raw}”在词表里已经是“{meant.name}”的名称，请先在词表中处理。")
    if not _may(document, name, key):
        raise Refused(f"这个来源不能断言“{own}”：请先在词表中允许它，或者归并到别的标签。")


def _may(document: Document, name: UnmappedName, key: str) -> bool:
    made = document.by_key.get(key)
    return made is None or not made.may_assert or name.source in made.may_assert


def _called_alike(
    session: Session, chosen: Collection[int], raws: Sequence[str]
) -> Sequence[UnmappedName]:
    alike = select(UnmappedName).where(
        UnmappedName.raw.in_(raws), UnmappedName.id.not_in(chosen),
        UnmappedName.state == NameState.WAITING,
    )  # fmt: skip
    return session.scalars(alike.order_by(UnmappedName.id).with_for_update()).all()


def _with(
    document: Document, key: str, rows: Sequence[UnmappedName], category: str, owner: str
) -> Document:
    names = tuple((row.source, row.raw) for row in rows)
    if key in document.by_key:  # made before, and undone
        document = editing.revived(document, key)
        tag = document.by_key[key]
        again = replace(tag, category=category, owner=owner, names=(*tag.names, *names))
        return document.with_tag(again)
    return editing.added(document, TagDef(
        key=key, name=rows[0].raw[:LONGEST_NAME], category=category, owner=owner,
        half_life_days=HALF_LIFE_DAYS, names=names,
    ))  # fmt: skip
