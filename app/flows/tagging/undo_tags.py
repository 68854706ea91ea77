"""Taking an import of tags back: of its physicians the tool says again what it said before.

    touches(session, upload)              how many that would be
    undo(db, upload_id, reason, …)        do it, a few physicians at a time

Of whom a newer file of the tool has told since, that one stays; taking it back later leads behind
this one. What others said, a person or a verdict, is theirs and stays. Done twice, or gone on with
after it was broken off, it comes to the same.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session, aliased

from app import accounts
from app.flows.tagging import import_tags
from app.flows.tagging.import_tags import Tell
from app.identity import Identifier
from app.infra.db import Database
from app.infra.errors import NotFound, Refused
from app.tagging import TagImport, TagImportChange

LONGEST_REASON = 200


@dataclass(frozen=True, slots=True)
class Touched:
    """Physicians: those whose tags are again as before, and those of whom a newer file told."""

    back: int
    kept: int


def touches(session: Session, upload: TagImport) -> Touched:
    """What taking it back does, or did. Raises Refused when it cannot be taken back."""
    if upload.undone_at is not None:
        return Touched(upload.figures.get("back", 0), upload.figures.get("kept", 0))
    if upload.applied_at is None:
        raise Refused("这个文件还没有导入。")
    rows = session.execute(_changes(upload)).all()
    if not rows and upload.figures.get("physicians"):
        raise Refused("没有可以撤销的：导入的医生已经删除，或导入早于撤销功能。")
    kept = {one_id for _, one_id, newer in rows if newer is not None}
    back = {
        one_id for change, one_id, newer in rows
        if newer is None and change.before.keys() != set(change.names)
    }  # fmt: skip
    return Touched(len(back - kept), len(kept))


def undo(
    db: Database, upload_id: int, reason: str, *, actor: str, now: datetime,
    tell: Tell = lambda _done, _total: None,
) -> Touched:  # fmt: skip
    """Take it back. Raises NotFound, Refused; when it is taken back already it says so again."""
    with db.reading() as session:
        upload = session.get(TagImport, upload_id)
        if upload is None:
            raise NotFound("没有这次导入。")
        touched = touches(session, upload)
        if upload.undone_at is not None:
            return touched
        mine = TagImportChange.import_id == upload_id
        total = session.scalar(select(func.count()).select_from(TagImportChange).where(mine)) or 0
    check(reason)
    with db.transaction() as session:  # at once: one that is broken off has a line, too
        accounts.audit(
            session, actor, "tags.import_undo_begun", "tag_import", upload_id, now=now,
            **asdict(touched),
        )  # fmt: skip
    last: int | None = 0
    done = 0
    while last is not None:
        tell(min(done, total), total)
        done += import_tags.SLICE
        with db.transaction() as session:
            last = _piece(session, upload, last, now)
            if last is None:
                _end(session, upload_id, reason.strip(), touched, actor, now)
    return touched


def check(reason: str) -> None:
    """Raises Refused for a reason that says nothing, or too much."""
    if not 0 < len(reason.strip()) <= LONGEST_REASON:
        raise Refused(f"请写明撤销的原因，不超过 {LONGEST_REASON} 字。")


def _piece(session: Session, upload: TagImport, last: int, now: datetime) -> int | None:
    """The next few; the last of them, None when there were none or somebody else is through."""
    import_tags.alone(session, upload.tool)
    if session.get_one(TagImport, upload.id).undone_at is not None:
        return None
    chosen = _changes(upload).where(TagImportChange.id > last).limit(import_tags.SLICE)
    rows = session.execute(chosen).all()
    for change, _, newer in rows:
        if newer is not None:  # its own undoing leads to what was before this one
            session.get_one(TagImportChange, newer).before = change.before
        else:
            names = {raw: words for raw, (words, _) in change.before.items()}
            since = {raw: datetime.fromisoformat(at) for raw, (_, at) in change.before.items()}
            import_tags.say(session, upload.tool, change.identifier_id, names, now, since)
    return rows[-1][0].id if rows else None


def _end(
    session: Session, upload_id: int, reason: str, touched: Touched, actor: str, now: datetime
) -> None:
    upload = session.get_one(TagImport, upload_id, with_for_update=True)
    if upload.undone_at is None:  # nobody else was faster
        upload.undone_at, upload.undone_by, upload.undone_reason = now, actor, reason
        upload.figures = upload.figures | asdict(touched)
        accounts.audit(
            session, actor, "tags.import_undone", "tag_import", upload_id, now=now,
            **asdict(touched),
        )  # fmt: skip


def forget(session: Session, identifier_id: int, before: datetime | None) -> None:
    """Nothing that was said of this identifier can be brought back, or nothing older than `before`:
    what was imported since then can be undone, and leads to what has been said since then."""
    at = func.coalesce(TagImport.applied_at, TagImport.at)
    rows = session.execute(
        select(TagImportChange, at.label("at"))
        .join(TagImport, TagImport.id == TagImportChange.import_id)
        .where(TagImportChange.identifier_id == identifier_id)
    ).all()
    for change, imported_at in rows:
        if before is None or imported_at < before:
            session.delete(change)
            continue
        change.before = {
            raw: told for raw, told in change.before.items()
            if datetime.fromisoformat(told[1]) >= before
        }  # fmt: skip
    session.flush()


def _changes(upload: TagImport) -> Select[TagImportChange, str, int | None]:
    """(change, ONE ID, the next newer change that stands) in order."""
    later, of = aliased(TagImportChange), aliased(TagImport)
    newer = (
        select(func.min(later.id))
        .join(of, of.id == later.import_id)
        .where(
            later.identifier_id == TagImportChange.identifier_id, later.id > TagImportChange.id,
            of.tool == upload.tool, of.undone_at.is_(None),
        )
        .correlate(TagImportChange)
        .scalar_subquery()
    )  # fmt: skip
    return (
        select(TagImportChange, Identifier.one_id, newer)
        .join(Identifier, Identifier.id == TagImportChange.identifier_id)
        .where(TagImportChange.import_id == upload.id)
        .order_by(TagImportChange.id)
    )
