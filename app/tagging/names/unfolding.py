"""Taking back what was decided about names: exactly, whatever has happened since.

Everybody whom a name gave a tag carries it as a name that waits again, as the last reading says;
what other names gave them is untouched. What the names mean ends at once and as one version; their
carriers follow piece by piece (`carrying`).
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import Select, delete, func, or_, select, tuple_
from sqlalchemy.orm import Session

from app.infra.errors import NotFound, Refused, YishuError
from app.tagging import versions
from app.tagging.document import ANY
from app.tagging.lexicon import LEXICON
from app.tagging.models import NameState, Tag, TagAssertion, TagSynonym, UnmappedName
from app.tagging.names import carrying
from app.tagging.names.deciding import locked
from app.tagging.names.fold_models import Decided, FoldKind, TagFolding
from app.tagging.vocabulary import retire

_QUIET = {"synchronize_session": False}


def undo(session: Session, folding_ids: Collection[int], *, actor: str, now: datetime) -> Decided:
    """Take decisions back; of a tag that was made, all that was folded into it with one click.
    What cannot be taken back holds up no other."""
    versions.lock(session)
    done, rows = Decided(), list[TagFolding]()
    found = {row.id: row for row in session.scalars(
        select(TagFolding).where(TagFolding.id.in_(folding_ids)).order_by(TagFolding.id)
        .with_for_update()
    )}  # fmt: skip
    for number in sorted(set(folding_ids), reverse=True):
        try:
            rows.append(_standing(found.get(number)))
        except YishuError as problem:
            done.refused.append(problem)
    if not rows:
        return done
    together = _together(session, [row for row in rows if row.kind == FoldKind.NEW])
    rows = [row for row in rows if row.kind != FoldKind.NEW]
    names = locked(session, [r.name_id for r in (*rows, *(m for ms in together for m in ms))])
    versions.keep(session, actor=actor, note=_note(rows, together, names), now=now)
    for made in together:
        try:
            _unmake(session, made, names, now)
            rows += made
        except YishuError as problem:
            done.refused.append(problem)
    _forget(session, [row for row in rows if row.kind != FoldKind.IGNORE], names, now)
    for row in rows:
        row.undone_at, row.undone_by = now, actor
        name = names[row.name_id]
        if name.state != NameState.WAITING:
            ignored = row.kind == FoldKind.IGNORE
            name.state = NameState.WAITING if ignored else NameState.RETURNING
    session.flush()
    done.rows = rows
    return done


def forget_meanings(session: Session, limit: int, now: datetime) -> int:
    """Names whose meaning a change of the vocabulary took away are on their way back to those that
    wait, with their carriers; how many."""
    names = session.scalars(
        without_meaning().order_by(UnmappedName.id).limit(limit).with_for_update(skip_locked=True)
    ).all()
    for name in names:
        name.state = NameState.RETURNING
    rows = session.scalars(
        select(TagFolding).where(
            TagFolding.name_id.in_([name.id for name in names]), TagFolding.undone_at.is_(None),
            TagFolding.kind != FoldKind.IGNORE,
        )
    )  # fmt: skip
    for row in rows:
        row.undone_at, row.undone_by = now, "system"
    session.flush()
    return len(names)


def without_meaning() -> Select[UnmappedName]:
    """Names that were folded and that no synonym covers any more."""
    known = select(TagSynonym.id).where(
        TagSynonym.raw == UnmappedName.raw, TagSynonym.source.in_((UnmappedName.source, ANY))
    )
    return select(UnmappedName).where(UnmappedName.state == NameState.FOLDED, ~known.exists())


def _standing(row: TagFolding | None) -> TagFolding:
    if row is None:
        raise NotFound("没有这条归并记录。")
    if row.undone_at is not None:
        raise Refused("这条归并已经撤销过了。")
    if row.kind == FoldKind.KNOWN:
        raise Refused("这个名称是词表里的同义词，请在词表中删除。")
    return row


def _together(session: Session, made: Sequence[TagFolding]) -> list[list[TagFolding]]:
    """For each tag that was made, all that one click folded into it and nobody has taken back."""
    if not made:
        return []
    rows = session.scalars(
        select(TagFolding)
        .where(tuple_(TagFolding.batch, TagFolding.tag_id).in_({(r.batch, r.tag_id) for r in made}))
        .where(TagFolding.kind == FoldKind.NEW, TagFolding.undone_at.is_(None))
        .order_by(TagFolding.id)
    )
    found: dict[tuple[str, int | None], list[TagFolding]] = defaultdict(list)
    for row in rows:
        found[row.batch, row.tag_id].append(row)
    return list(found.values())


def _forget(
    session: Session, rows: Sequence[TagFolding], names: dict[int, UnmappedName], now: datetime
) -> None:
    """These names mean nothing any more, as far as a decision gave them a meaning."""
    mine = [names[row.name_id] for row in rows]
    if not mine:
        return
    synonyms = session.execute(
        select(TagSynonym.id, TagSynonym.source, TagSynonym.raw, TagSynonym.tag_id)
        .where(TagSynonym.raw.in_([name.raw for name in mine]))
    ).all()  # fmt: skip
    own = {(row.source, row.raw): row for row in synonyms}
    found = [own[name.source, name.raw] for name in mine if (name.source, name.raw) in own]
    gone = delete(TagSynonym).where(TagSynonym.id.in_([row.id for row in found]))
    session.execute(gone.execution_options(**_QUIET))
    LEXICON.changed(session)
    for row in rows:  # a change of the vocabulary may have given it another meaning since
        name = names[row.name_id]
        meant = own.get((name.source, name.raw))
        if meant is not None and meant.tag_id != row.tag_id:
            carrying.lose(session, [name], now, also=meant.tag_id)


def _unmake(
    session: Session, made: Sequence[TagFolding], names: dict[int, UnmappedName], now: datetime
) -> None:
    """The tag that was made goes as well, unless somebody has used it otherwise since."""
    tag = session.get(Tag, made[0].tag_id)
    if tag is not None and tag.merged_into_id is not None:
        raise Refused(f"标签“{tag.name}”已经并入别的标签，请先撤销那次合并。")
    if tag is None or not tag.active:
        return
    mine = [names[row.name_id] for row in made]
    by_them = or_(*(
        (TagAssertion.source == name.source) & (TagAssertion.raw == name.raw) for name in mine
    ))  # fmt: skip
    raws = {name.raw for name in mine} | {tag.name}
    others = select(func.count()).where(
        TagSynonym.tag_id == tag.id, TagSynonym.raw.not_in(raws)
    )  # fmt: skip
    used = select(func.count()).where(
        TagAssertion.tag_id == tag.id, TagAssertion.superseded_at.is_(None), ~by_them
    )
    if session.scalar(others) or session.scalar(used):
        raise Refused(f"标签“{tag.name}”已经有了别的同义词或医生，请改为在词表中停用它。")
    own = (TagSynonym.tag_id == tag.id, TagSynonym.source == ANY)
    session.execute(delete(TagSynonym).where(*own).execution_options(**_QUIET))
    retire(session, tag.key, now=now)


def _note(
    rows: Sequence[TagFolding],
    together: Sequence[Sequence[TagFolding]],
    names: dict[int, UnmappedName],
) -> str:
    every = [*rows, *(row for made in together for row in made)]
    if len(every) == 1:
        return f"撤销归并“{names[every[0].name_id].raw}”"
    return f"撤销归并 {len(every)} 个名称"
