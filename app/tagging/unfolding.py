"""Taking back what was decided about a name: exactly, whatever has happened since.

Everybody whom the name gave a tag carries it as a name that waits again, as the last reading says;
what other names gave them is untouched.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import ColumnElement, delete, func, select, update
from sqlalchemy.orm import Session

from app.identity import changed
from app.infra.errors import NotFound, Refused
from app.infra.many import Many, insert_many
from app.tagging import versions
from app.tagging.assign import scope_of
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
    meant = session.scalar(select(TagSynonym.tag_id).where(*own)) or row.tag_id
    session.execute(delete(TagSynonym).where(*own).execution_options(**_APART))
    LEXICON.changed(session)
    by_it = (
        TagAssertion.tag_id == meant, TagAssertion.superseded_at.is_(None),
        TagAssertion.source == name.source, TagAssertion.raw == name.raw,
    )  # fmt: skip
    _see_again(session, name, by_it)
    changed.note_all(session, TagAssertion.identifier_id, *by_it)
    ended = update(TagAssertion).where(*by_it).values(superseded_at=now)
    session.execute(ended.execution_options(**_APART))
    name.seen = count_carriers(session, name.source, name.raw)


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
