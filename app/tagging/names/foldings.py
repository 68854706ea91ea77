"""What people say that foreign names mean: one name or a thousand with one click, one version.

    fold_names     from now on these names mean these tags, also for everybody who carries them
    ignore_names   they mean nothing to us, for a reason
    settle         names follow what the vocabulary learns and forgets

A folding gives everybody who carries the name an assertion that remembers the name (`raw`). Later
events keep these assertions up to date, so when the folding is undone (`unfolding.py`) they say
who carries the name now, and become sightings again. Carriers follow piece by piece (`carrying`);
a name that cannot be decided about holds up no other.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta

from sqlalchemy import insert, select
from sqlalchemy.orm import Session

from app.infra.errors import NotFound, Refused, YishuError
from app.tagging import versions
from app.tagging.lexicon import LEXICON, Lexicon
from app.tagging.models import NameState, Tag, TagSighting, TagSynonym, UnmappedName
from app.tagging.names import carrying
from app.tagging.names.deciding import decide, folded, held, locked, waiting
from app.tagging.names.fold_models import Decided, FoldKind, TagFolding
from app.tagging.names.unfolding import forget_meanings, without_meaning

SETTLED_AT_ONCE = 500
EARLIER = timedelta(days=1)  # no event takes longer


def fold_names(
    session: Session, choices: Mapping[int, str], *, actor: str, now: datetime, batch: str
) -> Decided:
    """Each name (by id) means the tag (by key) that was chosen for it."""
    versions.lock(session)
    names, done, meant = locked(session, choices), Decided(), dict[int, Tag]()
    tags = {tag.key: tag for tag in session.scalars(
        select(Tag).where(Tag.key.in_(set(choices.values())))
    )}  # fmt: skip
    known = LEXICON.of(session)
    for name_id, key in choices.items():
        try:
            name, tag = waiting(known, names.get(name_id)), tags.get(key)
            if tag is None or not tag.active:
                raise NotFound("没有这个标签。")
            if (name.source, name.raw) in known.by_name:
                raise Refused(f"“{name.raw}”在词表里已经是另一个标签的同义词。")
            _check_may(known, name, tag.id, tag.name)
            meant[name_id] = tag
        except YishuError as problem:
            done.refused.append(problem)
    if not meant:
        return done
    versions.keep(session, actor=actor, note=_note(names, meant), now=now)
    session.execute(insert(TagSynonym), [
        {"tag_id": tag.id, "source": names[name_id].source, "raw": names[name_id].raw}
        for name_id, tag in meant.items()
    ])  # fmt: skip
    LEXICON.changed(session)
    decided = [(names[name_id], tag.id) for name_id, tag in meant.items()]
    done.rows = folded(session, decided, FoldKind.FOLD, actor=actor, at=now, batch=batch)
    return done


def ignore_names(
    session: Session,
    name_ids: Collection[int],
    reason: str,
    *,
    actor: str,
    now: datetime,
    batch: str,
) -> Decided:
    """The names leave the queue; their carriers stay known, so that this can be taken back. Raises
    Refused without a reason."""
    if not reason.strip():
        raise Refused("请写明为什么忽略这个名称。")
    names, done, left = locked(session, name_ids), Decided(), list[UnmappedName]()
    for name_id in name_ids:
        try:
            left.append(held(names.get(name_id)))
        except YishuError as problem:
            done.refused.append(problem)
    done.rows = decide(
        session, [(name, None) for name in left], NameState.IGNORED, kind=FoldKind.IGNORE,
        batch=batch, actor=actor, at=now, reason=reason.strip()[:500],
    )  # fmt: skip
    return done


def are_unsettled(session: Session, now: datetime) -> bool:
    """Whether `settle` has something to do."""
    lost = session.scalars(without_meaning().limit(1)).first() is not None
    late = bool(_late(session, 1)) or bool(_early(session, now))
    return lost or late or carrying.are_following(session) or bool(_learnt(session))


def settle(session: Session, now: datetime, limit: int = SETTLED_AT_ONCE) -> int:
    """Let names follow that the vocabulary has learnt while they waited or forgotten since, and
    who was told of with a name after it was folded, or after that was undone by an event that began
    before; returns how much was done. Call it again until it gives 0."""
    done = forget_meanings(session, limit, now)
    if known := _learnt(session)[:limit]:
        names = locked(session, [name_id for name_id, _ in known])
        decided = [(names[name_id], tag_id) for name_id, tag_id in known
                   if names[name_id].state == NameState.WAITING]  # fmt: skip
        folded(session, decided, FoldKind.KNOWN, actor="system", at=now, batch="")
        done += len(decided)
    for name in _late(session, limit):
        name.state = NameState.FOLDING
        done += 1
    for name in locked(session, _early(session, now)[:limit]).values():
        if name.state == NameState.WAITING:
            name.state = NameState.RETURNING
            done += 1
    session.flush()
    return done + carrying.follow(session, now)


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
    carried = (TagSighting.source == UnmappedName.source, TagSighting.raw == UnmappedName.raw)
    chosen = (
        select(UnmappedName)
        .where(UnmappedName.state == NameState.FOLDED)
        .where(select(TagSighting.id).where(*carried).exists())
        .limit(limit)
    )
    return session.scalars(chosen).all()


def _early(session: Session, now: datetime) -> list[int]:
    """Names that wait again, but that an event which began before has given somebody since."""
    undone = session.execute(
        select(TagFolding.tag_id, UnmappedName)
        .join(UnmappedName, UnmappedName.id == TagFolding.name_id)
        .where(
            UnmappedName.state == NameState.WAITING, TagFolding.undone_at > now - EARLIER,
            TagFolding.kind != FoldKind.IGNORE,
        )
    )  # fmt: skip
    by_tag: dict[int, list[UnmappedName]] = defaultdict(list)
    for tag_id, name in undone:
        if tag_id is not None:
            by_tag[tag_id].append(name)
    return sorted({
        name_id for tag_id, names in by_tag.items()
        for name_id in carrying.still_given(session, names, tag_id)
    })  # fmt: skip


def _check_may(known: Lexicon, name: UnmappedName, tag_id: int, called: str) -> None:
    if not known.may(name.source, tag_id):
        raise Refused(f"这个来源不能断言“{called}”：请先在词表中允许它，或者归并到别的标签。")


def _note(names: Mapping[int, UnmappedName], meant: Mapping[int, Tag]) -> str:
    name_id, tag = next(iter(meant.items()))
    first = f"“{names[name_id].raw}”归并到“{tag.name}”"
    return first if len(meant) == 1 else f"归并 {len(meant)} 个名称：{first} 等"
