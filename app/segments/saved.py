"""Saved segments: made, changed, gone back, copied, with every version that there was.

A change of the expression is a new version; going back repeats an older one as the newest. Whoever
names a segment means its newest version. A new name is written into every text that had the old.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import delete, select
from sqlalchemy.orm import Session

from app import tagging
from app.infra.errors import NotFound, Refused
from app.segments.asking import audience, check
from app.segments.models import Segment, SegmentVersion
from app.segments.nodes import SegmentIs, Unparseable, of_kind, renamed, tag_names
from app.segments.parse import parse
from app.segments.wording import wording

LONGEST_NAME, LONGEST_DESCRIPTION = 80, 1000


def save(
    session: Session, *, name: str, expression: str, author: str, now: datetime,
    description: str = "",
) -> Segment:  # fmt: skip
    """A new segment. Raises Unparseable, Refused."""
    name = name.strip()
    check(session, expression, now, inside=[name])
    check_name(session, name)
    row = Segment(
        name=name, description=description.strip()[:LONGEST_DESCRIPTION], version=0,
        expression="", created_by=author, created_at=now,
    )  # fmt: skip
    session.add(row)
    session.flush()
    _version(session, row, expression, author, now)
    return row


def change(
    session: Session, segment_id: int, *, expression: str, author: str, now: datetime,
    description: str | None = None, base: int | None = None,
) -> Segment:  # fmt: skip
    """A new version when the expression is another one, and only then is it checked. `base`: the
    version that was changed; while somebody else has saved a newer one this is refused. Raises
    NotFound, Unparseable, Refused."""
    row = get(session, segment_id)
    is_other = expression.strip() != row.expression
    if base is not None and row.version > base and is_other:
        raise Refused(f"您打开之后，“{row.name}”已有第 {row.version} 版：{row.expression}。"
                      "您的修改还没有保存；再保存一次会以您的为准。")  # fmt: skip
    if is_other:
        check(session, expression, now, inside=[row.name])
        _version(session, row, expression, author, now)
    if description is not None:
        row.description = description.strip()[:LONGEST_DESCRIPTION]
    session.flush()
    return row


def back(session: Session, segment_id: int, number: int, *, author: str, now: datetime) -> Segment:
    """The expression of an older version, as a new one. Raises NotFound, Unparseable, Refused."""
    row = get(session, segment_id)
    older = next((v for v in history(session, segment_id) if v.number == number), None)
    if older is None:
        raise NotFound("没有这个版本。")
    check(session, older.expression, now, inside=[row.name])
    _version(session, row, older.expression, author, now, back_to=number)
    return row


def duplicate(session: Session, segment_id: int, *, author: str, now: datetime) -> Segment:
    """The same under another name. Raises NotFound, Refused."""
    row = get(session, segment_id)
    taken = set(session.scalars(select(Segment.name)))
    names = (f"{row.name[: LONGEST_NAME - 8]} 副本{n if n > 1 else ''}" for n in range(1, 1000))
    name = next(name for name in names if name not in taken)
    return save(session, name=name, expression=row.expression, description=row.description,
                author=author, now=now)  # fmt: skip


def rename(session: Session, segment_id: int, name: str) -> str:
    """Another name, also in segments that name it; gives the old one. Raises NotFound, Refused."""
    row, old = get(session, segment_id), get(session, segment_id).name
    name = name.strip()
    if name == old:
        return old
    check_name(session, name)
    row.name = name
    session.flush()
    follow_rename(session, SegmentIs, old, name)
    return old


def follow_rename(session: Session, kind: type[Any], old: str, new: str) -> None:
    """Write a new name of something into all texts of segments, also of older versions."""
    for row in [*session.scalars(select(Segment)), *session.scalars(select(SegmentVersion))]:
        row.expression = reworded(row.expression, kind, old, new)
    session.flush()


def reworded(expression: str, kind: type[Any], old: str, new: str) -> str:
    """The text with the new name; as it is when it does not have the old one."""
    if old not in expression and '"' not in expression:
        return expression
    try:
        tree = parse(expression)
    except Unparseable:  # of an older release
        return expression
    changed = renamed(tree, kind, old, new)
    return expression if changed == tree else wording(changed)


def remove(session: Session, segment_id: int) -> None:
    """With its history. Whether anything uses it the caller asks first. Raises NotFound."""
    row = get(session, segment_id)
    session.execute(delete(SegmentVersion).where(SegmentVersion.segment_id == segment_id))
    session.delete(row)
    session.flush()


def that_name(session: Session, kind: type[Any], name: str) -> list[Segment]:
    """The segments whose expression names this segment, list, campaign … directly."""
    return [row for row in listing(session) if names_it(row.expression, kind, name)]


def names_it(expression: str, kind: type[Any], name: str) -> bool:
    """Whether an expression has this name."""
    try:
        return any(part.name == name for part in of_kind(parse(expression), kind))
    except Unparseable:
        return False


def within(session: Session, expression: str) -> Iterator[Segment]:
    """The saved segments that an expression names, and those that these name, each once."""
    seen: set[str] = set()
    waiting = [part.name for part in of_kind(parse(expression), SegmentIs)]
    while waiting:
        name = waiting.pop()
        row = session.scalar(select(Segment).where(Segment.name == name))
        if row is not None and name not in seen:
            seen.add(name)
            yield row
            waiting += [part.name for part in of_kind(parse(row.expression), SegmentIs)]


def around(session: Session, row: Segment) -> set[int]:
    """The ids of a segment and of all that name it, directly or within another."""
    found: set[int] = set()
    waiting = [row]
    while waiting:
        one = waiting.pop()
        if one.id not in found:
            found.add(one.id)
            waiting += that_name(session, SegmentIs, one.name)
    return found


def tags_in(session: Session, expression: str) -> set[int]:
    """The tags that an expression asks for, also through the segments that it names."""
    texts = [expression, *(row.expression for row in within(session, expression))]
    names = {name for text in texts for name in tag_names(parse(text))}
    return {number for name in names if (number := tagging.id_of(session, name)) is not None}


def listing(session: Session) -> Sequence[Segment]:
    """All of them by name."""
    return session.scalars(select(Segment).order_by(Segment.name)).all()


def get(session: Session, segment_id: int) -> Segment:
    """Raises NotFound."""
    row = session.get(Segment, segment_id)
    if row is None:
        raise NotFound("没有这个人群。")
    return row


def history(session: Session, segment_id: int) -> Sequence[SegmentVersion]:
    """Its versions, newest first."""
    mine = select(SegmentVersion).where(SegmentVersion.segment_id == segment_id)
    return session.scalars(mine.order_by(SegmentVersion.number.desc())).all()


def check_name(session: Session, name: str) -> None:
    """Raises Refused when no segment may be called so."""
    if not name.strip() or len(name) > LONGEST_NAME:
        raise Refused("请给人群取一个名字，不超过 80 个字。")
    if session.scalar(select(Segment.id).where(Segment.name == name)):
        raise Refused(f"人群“{name}”已经存在，请换一个名字。")


def _version(
    session: Session, row: Segment, expression: str, author: str, now: datetime,
    back_to: int | None = None,
) -> None:  # fmt: skip
    row.version, row.expression = row.version + 1, expression.strip()
    size = audience(session, row.expression, now, 0, with_reps=False).size
    session.add(
        SegmentVersion(segment_id=row.id, number=row.version, expression=row.expression,
                       size=size, author=author, at=now, back_to=back_to)
    )  # fmt: skip
    session.flush()
