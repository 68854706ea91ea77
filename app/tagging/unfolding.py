"""Taking back what was decided about a name: exactly, whatever has happened since.

Everybody whom the name gave a tag carries it as a name that waits again, as the last reading says;
what other names gave them is untouched.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, Select, delete, func, select
from sqlalchemy.orm import Session

from app.infra.errors import NotFound, Refused
from app.infra.many import Many, insert_many
from app.tagging import moving, versions
from app.tagging.assign import STANDS, scope_of, withdraw
from app.tagging.document import ANY
from app.tagging.fold_models import FoldKind, TagFolding
from app.tagging.folding import count_carriers
from app.tagging.lexicon import LEXICON
from app.tagging.models import NameState, Tag, TagAssertion, TagSighting, TagSynonym, UnmappedName
from app.tagging.vocabulary import retire

PIECE = 2000


def undo(session: Session, folding_id: int, *, actor: str, now: datetime) -> TagFolding:
    """Take a decision back; of a tag that was made, all that was folded into it with one click.
    Raises NotFound, Refused."""
    row = session.get(TagFolding, folding_id, with_for_update=True)
    if row is None:
        raise NotFound("没有这条归并记录。")
    if row.undone_at is not None:
        raise Refused("这条归并已经撤销过了。")
    if row.kind == FoldKind.KNOWN:
        raise Refused("这个名称是词表里的同义词，请在词表中删除。")
    rows = [row]
    if row.kind == FoldKind.NEW:
        together = (TagFolding.batch == row.batch, TagFolding.tag_id == row.tag_id)
        rows = list(session.scalars(
            select(TagFolding).where(*together, TagFolding.undone_at.is_(None))
        ))  # fmt: skip
    versions.keep(session, actor=actor, note="撤销归并", now=now)
    for one in rows:
        _undo(session, one, now)
        one.undone_at, one.undone_by = now, actor
    if row.kind == FoldKind.NEW:
        _unmake(session, row)
    session.flush()
    return row


def _undo(session: Session, row: TagFolding, now: datetime) -> None:
    name = session.get_one(UnmappedName, row.name_id, with_for_update=True)
    name.state = NameState.WAITING
    if row.kind == FoldKind.IGNORE:
        return
    own = (TagSynonym.source == name.source, TagSynonym.raw == name.raw)
    meant = session.scalar(select(TagSynonym.tag_id).where(*own))
    session.execute(delete(TagSynonym).where(*own).execution_options(**_APART))
    LEXICON.changed(session)
    _wait(session, name, {meant, row.tag_id} - {None}, now)


def forget_meanings(session: Session, limit: int, now: datetime) -> int:
    """Names whose meaning a change of the vocabulary took away wait again, with their carriers;
    how many."""
    names = session.scalars(
        without_meaning().order_by(UnmappedName.id).limit(limit).with_for_update(skip_locked=True)
    ).all()
    for name in names:
        rows = session.scalars(
            select(TagFolding).where(
                TagFolding.name_id == name.id, TagFolding.undone_at.is_(None),
                TagFolding.kind != FoldKind.IGNORE,
            )
        ).all()  # fmt: skip
        name.state = NameState.WAITING
        _wait(session, name, {row.tag_id for row in rows} - {None}, now)
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


def _wait(session: Session, name: UnmappedName, meant: set[int | None], now: datetime) -> None:
    """Whoever has one of these tags by the name, or would have it without a verdict, waits."""
    by_it = (
        TagAssertion.tag_id.in_(_reached(session, meant)),
        TagAssertion.source == name.source, TagAssertion.raw == name.raw,
    )  # fmt: skip
    _see_again(session, name, (*by_it, STANDS))
    withdraw(session, by_it, now)
    name.seen = count_carriers(session, name.source, name.raw)


def _reached(session: Session, tags: set[int | None]) -> list[int]:
    """These tags and wherever a migration let go what was asserted about them."""
    found = {tag for tag in tags if tag is not None}
    for migration in moving.standing(session, versions.newest_number(session)):
        if migration.tag_id in found:
            found |= {part["to"] for part in migration.spec}
    return sorted(found)


def _see_again(session: Session, name: UnmappedName, by_it: Sequence[ColumnElement[bool]]) -> None:
    session.flush()
    rows = session.execute(
        select(
            TagAssertion.identifier_id, TagAssertion.ref, TagAssertion.evidence, TagAssertion.at
        ).where(*by_it)
    ).all()
    for start in range(0, len(rows), PIECE):
        _SEE.run(session, [
            {"identifier_id": person, "source": name.source, "scope": scope_of(ref, name.raw),
             "raw": name.raw, "evidence": evidence, "at": at}
            for person, ref, evidence, at in rows[start : start + PIECE]
        ])  # fmt: skip


def _unmake(session: Session, row: TagFolding) -> None:
    """The tag that was made goes as well, unless somebody has used it otherwise since."""
    tag = session.get(Tag, row.tag_id)
    if tag is not None and tag.merged_into_id is not None:
        raise Refused(f"标签“{tag.name}”已经并入别的标签，请先撤销那次合并。")
    if tag is None or not tag.active:
        return
    name = session.get_one(UnmappedName, row.name_id)
    others = select(func.count()).where(
        TagSynonym.tag_id == tag.id, TagSynonym.raw != name.raw, TagSynonym.raw != tag.name
    )
    used = select(func.count()).where(
        TagAssertion.tag_id == tag.id, TagAssertion.superseded_at.is_(None)
    )
    if session.scalar(others) or session.scalar(used):
        raise Refused(f"标签“{tag.name}”已经有了别的同义词或医生，请改为在词表中停用它。")
    own = (TagSynonym.tag_id == tag.id, TagSynonym.source == ANY)
    session.execute(delete(TagSynonym).where(*own).execution_options(**_APART))
    retire(session, tag.key, now=row.undone_at)


_APART = {"synchronize_session": False}
_SEE: Many[None] = insert_many(
    TagSighting, "identifier_id", "source", "scope", "raw", "evidence", "at",
    once_by=("identifier_id", "source", "scope", "raw"),
)  # fmt: skip
