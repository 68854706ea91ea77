"""Taking imports of tags, and taking them back, in the background: a worker does what was asked for
and says how far it is.

    ask_to_take, ask_to_undo        what the page asks for
    is_due, do_next                 the worker's side

Whoever dies at it leaves it to another worker after two minutes. Both can be begun again without
harm, and done by two at once.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from datetime import datetime, timedelta

from sqlalchemy import ColumnElement, delete, or_, select, update
from sqlalchemy.orm import Session

from app.flows.tagging import import_tags, undo_tags
from app.flows.tagging.import_tags import Columns
from app.infra import log
from app.infra.away import passes
from app.infra.clock import Clock
from app.infra.db import Database, insert_once
from app.infra.discreet import named
from app.infra.errors import NotFound, Refused, YishuError
from app.tagging import TagImport, TagImportWork

TAKE, UNDO = "take", "undo"
DEAD_AFTER = timedelta(minutes=2)
TELL_EVERY = timedelta(seconds=1)
_log = log.get(__name__)


def work_on(session: Session, upload_id: int) -> TagImportWork | None:
    """What is being done with a file, or waits to be done, or could not be done."""
    return session.get(TagImportWork, upload_id)


def under_way(session: Session) -> Sequence[tuple[TagImport, TagImportWork]]:
    """All of that, in the order in which it was asked for."""
    rows = select(TagImport, TagImportWork).join(
        TagImportWork, TagImportWork.import_id == TagImport.id
    )
    return [(row[0], row[1]) for row in session.execute(rows.order_by(TagImportWork.asked_at))]


def ask_to_take(
    session: Session, upload_id: int, columns: Columns, *, actor: str, now: datetime
) -> None:
    """Raises NotFound, Refused."""
    import_tags.wanted(session, upload_id)
    import_tags.check(columns)
    named = {str(number): meaning for number, meaning in columns.items()}
    _ask(session, upload_id, kind=TAKE, columns=named, actor=actor, asked_at=now)


def ask_to_undo(
    session: Session, upload_id: int, reason: str, *, actor: str, now: datetime
) -> None:
    """Raises NotFound, Refused."""
    upload = session.get(TagImport, upload_id)
    if upload is None:
        raise NotFound("没有这次导入。")
    if upload.undone_at is not None:
        raise Refused("这次导入已经撤销了。")
    undo_tags.touches(session, upload)
    undo_tags.check(reason)
    _ask(session, upload_id, kind=UNDO, reason=reason.strip(), actor=actor, asked_at=now)


def is_due(session: Session, now: datetime) -> bool:
    """True when something waits, or whoever was at it is gone."""
    return session.scalar(select(TagImportWork.import_id).where(_due(now)).limit(1)) is not None


def do_next(db: Database, clock: Clock, stop: Callable[[], bool] = lambda: False) -> bool:
    """Do what waits longest. False when nothing waits; left to others when `stop` says so."""
    with db.transaction() as session:
        work = _claim(session, clock())
    if work is None:
        return False
    try:
        _do(db, clock, work, stop)
    except _StoppedError:
        _say(db, work.import_id, seen_at=None)
    except YishuError as problem:
        _say(db, work.import_id, problem=str(problem))
    except Exception as problem:
        if passes(problem):  # soon tried again
            raise
        what = named(problem)
        told = f"程序出错（{what}），没有完成。可以再试一次；仍然不行请把这句话发给管理员。"
        _log.error("import failed", import_id=work.import_id, error=what)
        _say(db, work.import_id, problem=told)
    else:
        with db.transaction() as session:
            session.execute(delete(TagImportWork).where(TagImportWork.import_id == work.import_id))
    return True


class _StoppedError(Exception):
    """This process ends."""


def _ask(session: Session, upload_id: int, **what: object) -> None:
    """What could not be done may be asked for again."""
    mine = TagImportWork.import_id == upload_id
    session.execute(delete(TagImportWork).where(mine, TagImportWork.problem != ""))
    values = {"import_id": upload_id, "columns": {}, "done": 0, "total": 0, "problem": ""} | what
    if not insert_once(session, TagImportWork, values, "import_id"):
        raise Refused("这个文件正在处理，请等它完成。")


def _due(now: datetime) -> ColumnElement[bool]:
    seen = TagImportWork.seen_at
    return (TagImportWork.problem == "") & or_(seen.is_(None), seen < now - DEAD_AFTER)


def _claim(session: Session, now: datetime) -> TagImportWork | None:
    next_one = select(TagImportWork.import_id).where(_due(now)).order_by(TagImportWork.asked_at)
    number = session.scalar(next_one.limit(1))
    taken = session.scalar(
        update(TagImportWork)
        .where(TagImportWork.import_id == number, _due(now))
        .values(seen_at=now, done=0)
        .returning(TagImportWork.import_id)
    )
    return session.get(TagImportWork, taken, populate_existing=True) if taken is not None else None


def _do(db: Database, clock: Clock, work: TagImportWork, stop: Callable[[], bool]) -> None:
    said = clock()

    def tell(done: int, total: int) -> None:
        nonlocal said
        if stop():
            raise _StoppedError
        if clock() - said >= TELL_EVERY or not done:
            said = clock()
            _say(db, work.import_id, done=done, total=total, seen_at=said)

    if work.kind == TAKE and _is_taken(db, work.import_id):
        return  # whoever did it died before saying so
    if work.kind == TAKE:
        columns = {int(number): meaning for number, meaning in work.columns.items()}
        import_tags.apply(db, work.import_id, columns, actor=work.actor, now=clock(), tell=tell)
    else:
        undo_tags.undo(
            db, work.import_id, work.reason or "", actor=work.actor, now=clock(), tell=tell
        )


def _is_taken(db: Database, upload_id: int) -> bool:
    with db.reading() as session:
        return session.get_one(TagImport, upload_id).applied_at is not None


def _say(db: Database, upload_id: int, **values: object) -> None:
    with db.transaction() as session:
        mine = update(TagImportWork).where(TagImportWork.import_id == upload_id)
        session.execute(mine.values(values))
