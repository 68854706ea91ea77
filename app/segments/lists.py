"""Static lists: physicians whom a file named, kept by identifier and nothing else of the file.

draft       what a file means, to be looked at first
read_as     the same file, its columns read otherwise
columns_of  how a file with this header was read before
confirm     from now on expressions may name it
among       who of some is on which
discard     all of it is forgotten
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from sqlalchemy import Select, delete, func, select
from sqlalchemy.orm import Session, defer

from app.identity import changed
from app.identity.models import Identifier
from app.infra.db import insert_all
from app.infra.errors import NotFound, Refused
from app.segments.models import ListState, SegmentList, SegmentListMember

KEPT = timedelta(days=7)  # a draft that nobody confirmed
ROWS = 1000
LONGEST_NAME, LONGEST_PURPOSE = 80, 200


def draft(
    session: Session,
    *,
    name: str,
    purpose: str,
    filename: str,
    members: Sequence[int],
    figures: Mapping[str, int],
    report: Sequence[Mapping[str, Any]],
    expires_at: datetime | None,
    author: str,
    now: datetime,
    sheet: Mapping[str, Any] | None = None,
    header_mark: str = "",
    columns: Mapping[str, int] | None = None,
) -> SegmentList:
    """A list that nothing uses yet; `sheet`, `header_mark`, `columns`: see the model. Raises
    Refused for a name that is taken, or none."""
    forget_old_drafts(session, now)
    check_name(session, name)
    if not purpose.strip():
        raise Refused("请写明名单的用途，例如：9 月 12 日会议签到。")
    if expires_at is not None and expires_at <= now:
        raise Refused("有效期必须晚于现在。")
    row = SegmentList(
        name=name.strip(), purpose=purpose.strip()[:LONGEST_PURPOSE], filename=filename[:200],
        state=ListState.DRAFT, figures=dict(figures), report=[dict(line) for line in report],
        created_by=author, created_at=now, expires_at=expires_at,
        sheet=dict(sheet) if sheet is not None else None, header_mark=header_mark or None,
        columns=dict(columns) if columns else None,
    )  # fmt: skip
    session.add(row)
    session.flush()
    _insert(session, row.id, members)
    return row


def read_as(
    session: Session,
    list_id: int,
    *,
    members: Sequence[int],
    figures: Mapping[str, int],
    report: Sequence[Mapping[str, Any]],
    columns: Mapping[str, int],
) -> SegmentList:
    """A draft whose columns mean something else. Raises NotFound, and Refused when it is none."""
    row = _locked(session, list_id)
    if row.state != ListState.DRAFT or row.sheet is None:
        raise Refused("只有还没确认的名单可以重新选择列，请重新上传文件。")
    session.execute(delete(SegmentListMember).where(SegmentListMember.list_id == list_id))
    row.figures, row.columns = dict(figures), dict(columns)
    row.report = [dict(line) for line in report]
    session.flush()
    _insert(session, list_id, members)
    return row


def columns_of(session: Session, header_mark: str) -> dict[str, int] | None:
    """Which column was which the last time that a file with this header came; None: never."""
    known = (SegmentList.header_mark == header_mark, SegmentList.columns.is_not(None))
    newest = select(SegmentList.columns).where(*known).order_by(SegmentList.id.desc()).limit(1)
    return session.scalars(newest).first()


def check_name(session: Session, name: str) -> None:
    """Raises Refused when no list may be called so."""
    if not name.strip() or len(name.strip()) > LONGEST_NAME:
        raise Refused("请给名单取一个名字，不超过 80 个字。")
    if session.scalar(select(SegmentList.id).where(SegmentList.name == name.strip())):
        raise Refused(f"名单“{name.strip()}”已经存在，请换一个名字。")


def confirm(session: Session, list_id: int) -> SegmentList:
    """It may be used from now on; what named nobody is forgotten. Raises NotFound, Refused."""
    row = _locked(session, list_id)
    if row.state == ListState.READY:
        raise Refused("这个名单已经确认过了。")
    if row.sheet is not None and not row.columns:
        raise Refused("请先选择哪一列是哪位医生，再确认名单。")
    row.state, row.report, row.sheet = ListState.READY, None, None
    session.flush()
    mine = SegmentListMember.list_id == list_id
    changed.note_all(session, SegmentListMember.identifier_id, mine)
    return row


def among(
    session: Session, list_ids: Collection[int], people: Collection[str]
) -> dict[int | None, set[str]]:
    """Who of these ONE IDs is on which of these lists."""
    found: dict[int | None, set[str]] = defaultdict(set)
    wanted = sorted(people) if list_ids else []
    for start in range(0, len(wanted), ROWS):
        rows = session.execute(
            select(SegmentListMember.list_id, Identifier.one_id)
            .join(Identifier, Identifier.id == SegmentListMember.identifier_id)
            .where(
                Identifier.one_id.in_(wanted[start : start + ROWS]),
                SegmentListMember.list_id.in_(list_ids),
            )
        )
        for list_id, one_id in rows:
            found[list_id].add(one_id)
    return found


def get(session: Session, list_id: int) -> SegmentList:
    """Raises NotFound."""
    row = session.get(SegmentList, list_id)
    if row is None:
        raise NotFound("没有这个名单。")
    return row


def _locked(session: Session, list_id: int) -> SegmentList:
    """As it is now, and stays until we are done. Raises NotFound."""
    row = session.get(SegmentList, list_id, with_for_update=True, populate_existing=True)
    if row is None:
        raise NotFound("没有这个名单。")
    return row


def listing(session: Session) -> Sequence[tuple[SegmentList, int]]:
    """All of them, newest first, with the number of physicians on each; what files said is left
    where it is."""
    people = func.count(func.distinct(Identifier.one_id))
    rows = session.execute(
        select(SegmentList, people)
        .options(defer(SegmentList.sheet), defer(SegmentList.report))
        .outerjoin(SegmentListMember, SegmentListMember.list_id == SegmentList.id)
        .outerjoin(Identifier, Identifier.id == SegmentListMember.identifier_id)
        .group_by(SegmentList.id)
        .order_by(SegmentList.id.desc())
    )
    return [(row, number) for row, number in rows]


def prolong(session: Session, list_id: int, expires_at: datetime | None, now: datetime) -> None:
    """It is good until then. Raises NotFound, Refused."""
    if expires_at is not None and expires_at <= now:
        raise Refused("有效期必须晚于现在。")
    get(session, list_id).expires_at = expires_at
    session.flush()


def discard(session: Session, list_id: int) -> None:
    """Forget it. Whether anything uses it the caller asks first."""
    mine = SegmentListMember.list_id == list_id
    changed.note_all(session, SegmentListMember.identifier_id, mine)
    session.execute(delete(SegmentListMember).where(mine))
    session.delete(get(session, list_id))
    session.flush()


def _insert(session: Session, list_id: int, identifier_ids: Sequence[int]) -> None:
    rows = [{"list_id": list_id, "identifier_id": one} for one in dict.fromkeys(identifier_ids)]
    for start in range(0, len(rows), ROWS):
        piece = rows[start : start + ROWS]
        insert_all(session, SegmentListMember, piece, "list_id", "identifier_id")


def has_old_drafts(session: Session, now: datetime) -> bool:
    """True when there is something for `forget_old_drafts`."""
    return session.scalar(_old_drafts(now).limit(1)) is not None


def forget_old_drafts(session: Session, now: datetime) -> int:
    """What nobody has confirmed for days goes, and with it what the file said; how many."""
    old = session.scalars(_old_drafts(now).with_for_update(skip_locked=True)).all()
    for list_id in old:
        discard(session, list_id)
    return len(old)


def _old_drafts(now: datetime) -> Select[int]:
    return select(SegmentList.id).where(
        SegmentList.state == ListState.DRAFT, SegmentList.created_at < now - KEPT
    )
