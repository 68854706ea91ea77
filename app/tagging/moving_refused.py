"""What a source said that may not assert a tag goes where the tag's assertions go, and comes back.

Where it goes the source may say it or may not: then it counts, or is kept beside as before. The old
row stays and remembers where it went (`moved_by`, `moved_to`, `moved_ref`); nobody else reads it
while it does. Taking the move back ends what was made, unless the source has taken it back itself.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence
from datetime import datetime

from sqlalchemy import (
    ColumnElement,
    and_,
    case,
    delete,
    insert,
    literal,
    null,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session, aliased

from app.identity import changed
from app.tagging.assign import STANDS, moved_ref, withdraw
from app.tagging.lexicon import LEXICON
from app.tagging.models import TagAssertion, TagRefused

COPIED = ("identifier_id", "source", "evidence", "confidence", "actor", "at", "raw")
_QUIET = {"synchronize_session": False}


def move(
    session: Session,
    migration_id: int,
    tag_id: int,
    goes: Sequence[tuple[int, ColumnElement[bool]]],
) -> None:
    """Let what is kept of a tag go on; `goes`: (target, condition on `TagRefused`), the first that
    fits counts."""
    target = case(*((fits, literal(to)) for to, fits in goes))
    other = moved_ref(TagRefused.ref, migration_id)
    here = (
        TagRefused.tag_id == tag_id,
        TagRefused.moved_by.is_(None),
        or_(*(fits for _, fits in goes)),
    )
    marked = update(TagRefused).where(*here).values(
        moved_by=migration_id, moved_to=target,
        moved_ref=case((_there(target), other), else_=TagRefused.ref),
    )  # fmt: skip
    session.execute(marked.execution_options(**_QUIET))
    mine = TagRefused.moved_by == migration_id
    may = _may(session, {to for to, _ in goes})
    columns = [TagRefused.moved_to, TagRefused.moved_ref]
    columns += [getattr(TagRefused, name) for name in COPIED]
    changed.note_all(session, TagRefused.identifier_id, mine, may)
    for model, fits in ((TagAssertion, may), (TagRefused, ~may)):
        rows = select(*columns).where(mine, fits)
        session.execute(insert(model).from_select(["tag_id", "ref", *COPIED], rows))


def take_back(session: Session, migration_id: int, now: datetime) -> None:
    """The reverse of `move`."""
    mine, made = TagRefused.moved_by == migration_id, aliased(TagRefused)
    asserted = select(TagAssertion.id).join(
        TagRefused, _same(TagAssertion)).where(mine, STANDS)  # fmt: skip
    kept = select(made.id).join(TagRefused, _same(made)).where(mine, made.moved_by.is_(None))
    goes_on = or_(
        select(TagAssertion.id).where(_same(TagAssertion), STANDS).exists(),
        select(made.id).where(_same(made), made.moved_by.is_(None)).exists(),
    )
    session.execute(delete(TagRefused).where(mine, ~goes_on).execution_options(**_QUIET))
    withdraw(session, [TagAssertion.id.in_(session.scalars(asserted).all())], now)
    over = delete(TagRefused).where(TagRefused.id.in_(session.scalars(kept).all()))
    session.execute(over.execution_options(**_QUIET))
    nowhere = {"moved_by": null(), "moved_to": null(), "moved_ref": null()}
    session.execute(update(TagRefused).where(mine).values(nowhere).execution_options(**_QUIET))


def _same(model: type[TagAssertion] | type[TagRefused]) -> ColumnElement[bool]:
    """What a moved row became."""
    return and_(
        model.identifier_id == TagRefused.identifier_id, model.tag_id == TagRefused.moved_to,
        model.source == TagRefused.source, model.ref == TagRefused.moved_ref,
    )  # fmt: skip


def _there(target: ColumnElement[int]) -> ColumnElement[bool]:
    """The target has a row of this name already."""
    return or_(*(
        select(model.id)
        .where(
            model.identifier_id == TagRefused.identifier_id, model.tag_id == target,
            model.source == TagRefused.source, model.ref == TagRefused.ref,
        )
        .correlate(TagRefused)
        .exists()
        for model in (TagAssertion, aliased(TagRefused))
    ))  # fmt: skip


def _may(session: Session, targets: Collection[int]) -> ColumnElement[bool]:
    """The source of a moved row may assert where it went."""
    closed = LEXICON.of(session).closed
    fits = [
        and_(TagRefused.moved_to == to, TagRefused.source.in_(sorted(closed[to])))
        if to in closed else TagRefused.moved_to == to
        for to in sorted(targets)
    ]  # fmt: skip
    return or_(*fits)
