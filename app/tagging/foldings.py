"""What people say that foreign names mean, for everybody who carries them.

    fold_name     from now on this name means that tag, also for everybody who carries it
    make_tag      a tag is made of a name
    ignore_name   it means nothing to us, for a reason

A folding gives everybody who carries the name an assertion that remembers the name (`raw`). Later
events keep these assertions up to date, so when the folding is undone (`unfolding.py`) they say
who carries the name now, and become sightings again.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, null, select
from sqlalchemy.orm import Session

from app.identity import changed
from app.infra.errors import NotFound, Refused
from app.infra.many import Many, insert_many
from app.tagging import versions
from app.tagging.assign import ref_of
from app.tagging.fold_looks import preview
from app.tagging.fold_models import FoldKind, TagFolding
from app.tagging.lexicon import LEXICON
from app.tagging.models import (
    NameState,
    Tag,
    TagAssertion,
    TagRefused,
    TagSighting,
    UnmappedName,
)
from app.tagging.unfolding import forget_meanings, without_meaning
from app.tagging.vocabulary import add_synonym, add_tag, by_key, why_forbidden

PIECE = 2000
SETTLED_AT_ONCE = 20


def fold_name(
    session: Session, name_id: int, tag_key: str, *, actor: str, now: datetime, batch: str
) -> TagFolding:
    """Raises NotFound, and Refused for a name that is forbidden or decided about already."""
    name, tag = _waiting(session, name_id), by_key(session, tag_key)
    if tag is None or not tag.active:
        raise NotFound("没有这个标签。")
    _check_may(session, name, tag)
    if not add_synonym(session, tag, name.raw, name.source, actor=actor, now=now):
        raise Refused(f"“{name.raw}”在词表里已经是另一个标签的同义词。")
    return _folded(session, name, tag, FoldKind.FOLD, actor, now, batch)


def make_tag(
    session: Session,
    name_id: int,
    *,
    category_key: str,
    owner: str,
    actor: str,
    now: datetime,
    batch: str,
) -> TagFolding:
    """A tag of this name; whatever else is called so and waits is folded with it. Raises as
    `fold_name`, and Refused for a name that another tag has."""
    name = _waiting(session, name_id)
    key = f"n-{name.id}"
    tag = by_key(session, key)
    if tag is None:
        tag = add_tag(
            session, key=key, name=name.raw[:40], category_key=category_key, owner=owner,
            half_life_days=180, actor=actor, now=now,
        )  # fmt: skip
    else:  # made before, and undone
        versions.keep(session, actor=actor, note=f"恢复标签“{tag.name}”", now=now)
        tag.active, tag.category_key, tag.owner = True, category_key, owner
        tag.merged_into_id = None
        LEXICON.changed(session)
        add_synonym(session, tag, tag.name)
        _check_may(session, name, tag)
    add_synonym(session, tag, name.raw, name.source, actor=actor, now=now)
    alike = select(UnmappedName).where(
        UnmappedName.raw == name.raw, UnmappedName.id != name.id,
        UnmappedName.state == NameState.WAITING,
    )  # fmt: skip
    for other in session.scalars(alike.order_by(UnmappedName.id).with_for_update()).all():
        if not LEXICON.of(session).may(other.source, tag.id):
            continue
        add_synonym(session, tag, other.raw, other.source, actor=actor, now=now)
        _folded(session, other, tag, FoldKind.NEW, actor, now, batch)
    return _folded(session, name, tag, FoldKind.NEW, actor, now, batch)


def ignore_name(
    session: Session, name_id: int, reason: str, *, actor: str, now: datetime, batch: str
) -> TagFolding:
    """The name leaves the queue; its carriers stay known, so that this can be taken back. Raises
    NotFound, Refused."""
    if not reason.strip():
        raise Refused("请写明为什么忽略这个名称。")
    name = _held(session, name_id)
    return _decided(
        session, name, NameState.IGNORED, kind=FoldKind.IGNORE, tag_id=None, batch=batch,
        actor=actor, at=now, reason=reason.strip()[:500],
    )  # fmt: skip


def are_unsettled(session: Session) -> bool:
    """Whether `settle` has something to do."""
    lost = session.scalars(without_meaning().limit(1)).first() is not None
    return lost or bool(_learnt(session)) or bool(_late(session, 1))


def settle(session: Session, now: datetime, limit: int = SETTLED_AT_ONCE) -> int:
    """Let names follow that the vocabulary has learnt while they waited or forgotten since, and
    who was told of with a name while it was being folded; returns how many. Call it again until
    it gives 0."""
    lost = forget_meanings(session, limit, now)
    known = _learnt(session)[:limit]
    for name_id, tag_id in known:
        row = _held(session, name_id)
        _folded(session, row, session.get_one(Tag, tag_id), FoldKind.KNOWN, "system", now, "")
    late = 0
    for name in _late(session, limit):
        tag = LEXICON.of(session).meaning(name.source, name.raw)
        if tag is not None:
            _assert_all(session, name, tag.id)
            late += 1
    return lost + len(known) + late


def _learnt(session: Session) -> list[tuple[int, int]]:
    """(name, tag) of names that wait and are known."""
    meanings = LEXICON.of(session)
    waiting = select(UnmappedName).where(UnmappedName.state == NameState.WAITING)
    found = []
    for name in session.scalars(waiting):
        tag = meanings.meaning(name.source, name.raw)
        known = tag is not None and tag.active and meanings.may(name.source, tag.id)
        if tag is not None and known and not meanings.why_forbidden(name.raw):
            found.append((name.id, tag.id))
    return found


def _late(session: Session, limit: int) -> Sequence[UnmappedName]:
    """Names that mean something and that somebody still waits with."""
    chosen = (
        select(UnmappedName)
        .where(UnmappedName.state == NameState.FOLDED)
        .where(select(TagSighting.id).where(_of(UnmappedName.source, UnmappedName.raw)).exists())
        .limit(limit)
    )
    return session.scalars(chosen).all()


def _check_may(session: Session, name: UnmappedName, tag: Tag) -> None:
    if not LEXICON.of(session).may(name.source, tag.id):
        raise Refused(f"这个来源不能断言“{tag.name}”：请先在词表中允许它，或者归并到别的标签。")


def _waiting(session: Session, name_id: int) -> UnmappedName:
    name = _held(session, name_id)
    problem = why_forbidden(session, name.raw)
    if problem:
        raise Refused(problem)
    return name


def _held(session: Session, name_id: int) -> UnmappedName:
    name = session.get(UnmappedName, name_id, with_for_update=True, populate_existing=True)
    if name is None:
        raise NotFound("没有这个待归并的名称。")
    if name.state != NameState.WAITING:
        raise Refused(f"“{name.raw}”已经处理过了，请刷新页面。")
    return name


def _folded(
    session: Session,
    name: UnmappedName,
    tag: Tag,
    kind: FoldKind,
    actor: str,
    now: datetime,
    batch: str,
) -> TagFolding:
    people = preview(session, [name.id]).people
    _assert_all(session, name, tag.id)
    return _decided(
        session, name, NameState.FOLDED, kind=kind, tag_id=tag.id, batch=batch, actor=actor,
        at=now, people=people,
    )  # fmt: skip


def _decided(session: Session, name: UnmappedName, state: NameState, **how: Any) -> TagFolding:
    how.setdefault("people", name.seen)
    row = TagFolding(name_id=name.id, **how)
    name.state = state
    session.add(row)
    session.flush()
    return row


def _assert_all(session: Session, name: UnmappedName, tag_id: int) -> None:
    """Everybody who carries the name has the tag by it, or would if its source might assert it;
    nobody waits any more."""
    carried = _of(name.source, name.raw)
    rows = session.execute(
        select(
            TagSighting.identifier_id, TagSighting.scope, TagSighting.evidence, TagSighting.at
        ).where(carried)
    ).all()
    changed.note_all(session, TagSighting.identifier_id, carried)
    session.flush()
    may = LEXICON.of(session).may(name.source, tag_id)
    for start in range(0, len(rows), PIECE):
        (_ASSERT if may else _REFUSE).run(session, [
            {"identifier_id": person, "tag_id": tag_id, "source": name.source, "raw": name.raw,
             "ref": ref_of(scope, at, name.raw), "evidence": evidence, "confidence": 1.0,
             "actor": "system", "at": at}
            for person, scope, evidence, at in rows[start : start + PIECE]
        ])  # fmt: skip
    session.execute(delete(TagSighting).where(carried).execution_options(**_APART))


def _of(source: Any, raw: Any) -> ColumnElement[bool]:
    return and_(TagSighting.source == source, TagSighting.raw == raw)


_APART = {"synchronize_session": False}
_ASSERT: Many[None] = insert_many(
    TagAssertion,
    "identifier_id", "tag_id", "source", "ref", "evidence", "confidence", "actor", "at", "raw",
    once_by=("identifier_id", "tag_id", "source", "ref"),
    change=lambda _new: {"superseded_at": case(  # folded before, and undone
        (TagAssertion.overruled_by.is_(None), null()), else_=TagAssertion.superseded_at,
    )},
)  # fmt: skip
_REFUSE: Many[None] = insert_many(
    TagRefused,
    "identifier_id", "tag_id", "source", "ref", "evidence", "confidence", "actor", "at", "raw",
    once_by=("identifier_id", "tag_id", "source", "ref"),
)  # fmt: skip
