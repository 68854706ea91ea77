"""How the mirror stands: per tag what is wanted, there, on its way, taken away, refused."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from sqlalchemy import ColumnElement, and_, case, func, or_, select
from sqlalchemy.orm import Session

from app.identity.models import Identifier
from app.reps.models import Rep, RepContact
from app.tagging.mirror.mirror_models import MarkSide, MirrorState, TagMark, TagMirror
from app.tagging.mirror.mirrored import chosen_tags

TROUBLED = (MirrorState.GONE, MirrorState.RENAMED, MirrorState.REFUSED)


@dataclass(frozen=True, slots=True)
class MarkCounts:
    """Marks of one tag, or of all. `drift`: missing in WeCom though we had set them."""

    wanted: int = 0
    ours: int = 0
    persons: int = 0
    waiting: int = 0
    drift: int = 0
    taken_away: int = 0
    failed: int = 0


@dataclass(frozen=True, slots=True)
class Standing:
    """The mirror as a whole. `sides_failing`: sides that could not be written to."""

    tags: int
    troubled: int
    sides_due: int
    sides_failing: int
    marks: MarkCounts

    @property
    def is_equal(self) -> bool:
        """Whether WeCom is as we want it, as far as we know."""
        marks = self.marks
        return not (self.troubled or marks.waiting or marks.drift or marks.failed)


def counts_by_tag(session: Session) -> dict[int, MarkCounts]:
    """Of each tag that has marks."""
    rows = session.execute(select(TagMark.tag_id, *_COUNTED).group_by(TagMark.tag_id))
    return {row[0]: MarkCounts(*(int(number or 0) for number in row[1:])) for row in rows}


def standing(session: Session) -> Standing:
    """All of it in figures."""
    marks = session.execute(select(*_COUNTED)).one()
    troubled = select(func.count()).where(
        or_(TagMirror.state.in_(TROUBLED), TagMirror.error != "")
    )  # fmt: skip
    due = select(func.count()).where(MarkSide.due_at.is_not(None))
    failing = select(func.count()).where(MarkSide.error != "")
    return Standing(
        len(chosen_tags(session)), session.scalar(troubled) or 0, session.scalar(due) or 0,
        session.scalar(failing) or 0, MarkCounts(*(int(number or 0) for number in marks)),
    )  # fmt: skip


def mirrors(session: Session) -> dict[int, TagMirror]:
    """How each of our tags stands in WeCom; of several corps the one in trouble."""
    found: dict[int, TagMirror] = {}
    for row in session.scalars(select(TagMirror).order_by(TagMirror.id)):
        before = found.get(row.tag_id)
        if before is None or before.state == MirrorState.THERE:
            found[row.tag_id] = row
    return found


def failures(session: Session, limit: int = 50) -> Sequence[tuple[str, str, str]]:
    """(ONE ID, rep, what the platform said) of sides and marks that could not be written."""
    error = func.coalesce(func.nullif(TagMark.error, ""), MarkSide.error)
    rows = session.execute(
        select(Identifier.one_id, Rep.name, error)
        .join(RepContact, RepContact.identifier_id == Identifier.id)
        .join(Rep, Rep.id == RepContact.rep_id)
        .join(MarkSide, MarkSide.contact_id == RepContact.id)
        .outerjoin(TagMark, and_(TagMark.contact_id == RepContact.id, TagMark.error != ""))
        .where(or_(MarkSide.error != "", TagMark.error != ""))
        .order_by(RepContact.id)
        .limit(limit)
    )
    return [(one_id, name, words) for one_id, name, words in rows]


def _number(which: ColumnElement[bool]) -> ColumnElement[int]:
    return func.sum(case((which, 1), else_=0))


_COUNTED = (
    _number(TagMark.wanted.is_(True)),
    _number(and_(TagMark.known.is_(True), TagMark.ours.is_(True))),
    _number(and_(TagMark.known.is_(True), TagMark.ours.is_(False))),
    _number(and_(
        TagMark.error == "", TagMark.missing_at.is_(None),
        or_(
            TagMark.writing != "",
            and_(TagMark.wanted.is_(True), TagMark.known.is_(False), TagMark.refused_at.is_(None)),
            and_(TagMark.wanted.is_(False), TagMark.known.is_(True), TagMark.ours.is_(True)),
        ),
    )),
    _number(TagMark.missing_at.is_not(None)),
    _number(TagMark.refused_at.is_not(None)),
    _number(TagMark.error != ""),
)  # fmt: skip
