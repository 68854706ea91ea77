"""Assertions go from one tag to others, set by set, and come back exactly.

The old assertion is superseded and its words go on under the other tag as a new one; `tag_move`
remembers both. Taking it back ends what was made and lets the old one hold again, unless its source
has meanwhile taken back what went on. What a verdict overruled goes along, overruled as before, so
that undoing the verdict revives it where it is then.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, Select, and_, case, func, insert, literal, or_, select, update
from sqlalchemy.orm import Session, aliased

from app.identity import changed
from app.identity.models import Identifier
from app.infra.errors import Refused
from app.tagging import moving_refused
from app.tagging.assign import STANDS, moved_ref, withdraw
from app.tagging.lexicon import LEXICON
from app.tagging.models import Source, Tag, TagAssertion, TagMigration, TagMove, TagRefused

PIECE = 50_000  # moves of one statement
STANDING = ("superseded_at", "overruled_by")
COPIED = (
    "identifier_id", "source", "evidence", "confidence", "actor", "at", "raw", *STANDING,
)  # fmt: skip
_QUIET = {"synchronize_session": False}


@dataclass(frozen=True, slots=True)
class Part:
    """Where assertions of one source (or of all) go whose evidence holds one of these texts (or
    whatever it holds). `to` is the id of a tag."""

    to: int
    source: str = ""
    texts: tuple[str, ...] = ()

    def holds(
        self, of: type[TagAssertion] | type[TagRefused] = TagAssertion
    ) -> ColumnElement[bool]:
        """The condition on an assertion, or on what may not be one."""
        wanted: list[ColumnElement[bool]] = [of.id.is_not(None)]
        if self.source:
            wanted.append(of.source == self.source)
        if self.texts:
            hold = (of.evidence.icontains(text, autoescape=True) for text in self.texts)
            wanted.append(or_(*hold))
        return and_(*wanted)


def destined(
    tag_id: int, parts: Sequence[Part], which: ColumnElement[bool] | None = None
) -> Select[tuple[int, int, int]]:
    """(assertion, identifier, tag that it goes to) for each that holds (or is one of `which`) and
    goes anywhere; the first part that fits counts. Of a physician who has deleted the tag nothing
    goes without the deletion, which only a part that takes everything takes along."""
    which = TagAssertion.superseded_at.is_(None) if which is None else which
    kept = TagAssertion.identifier_id.not_in(_who_deleted(tag_id))
    fits = [part.holds() & kept if part.source or part.texts else part.holds() for part in parts]
    goes = case(*((fit, literal(part.to)) for fit, part in zip(fits, parts, strict=True)))
    return (
        select(TagAssertion.id, TagAssertion.identifier_id, goes.label("target_id"))
        .where(TagAssertion.tag_id == tag_id, which)
        .where(or_(*fits))
    )


def _who_deleted(tag_id: int) -> Select[int]:
    """All identifiers of the physicians who have deleted a tag on their own page."""
    said = aliased(TagAssertion)
    people = (
        select(Identifier.one_id)
        .join(said, said.identifier_id == Identifier.id)
        .where(said.tag_id == tag_id, said.source == Source.PHYSICIAN)
        .where(said.superseded_at.is_(None))
    )
    whose = aliased(Identifier)
    return select(whose.id).where(whose.one_id.in_(people))


def check_may(session: Session, tag_id: int, parts: Sequence[Part]) -> None:
    """Raises Refused when something would go to a tag that its source may not assert."""
    known = LEXICON.of(session)
    if not known.closed.keys() & {part.to for part in parts}:
        return
    chosen = destined(tag_id, parts, STANDS).subquery()
    rows = session.execute(
        select(chosen.c.target_id, TagAssertion.source, func.count())
        .join(TagAssertion, TagAssertion.id == chosen.c.id)
        .group_by(chosen.c.target_id, TagAssertion.source)
    )
    wrong = [(target, number) for target, source, number in rows if not known.may(source, target)]
    if wrong:
        target, number = session.get_one(Tag, wrong[0][0]), sum(number for _, number in wrong)
        raise Refused(
            f"“{target.name}”限定了允许的来源，{number} 条标注来自别的来源，不能归过去。"
            "请先在词表中允许这些来源，或者选择别的标签。"
        )


def move(
    session: Session,
    version: int,
    tag_id: int,
    parts: Sequence[Part],
    *,
    origin: int | None = None,
    now: datetime,
) -> TagMigration:
    """Let what is asserted about a tag go to others. Raises Refused as `check_may`."""
    check_may(session, tag_id, parts)
    spec = [asdict(part) | {"texts": list(part.texts)} for part in parts]
    migration = TagMigration(version=version, tag_id=tag_id, spec=spec, origin_id=origin)
    session.add(migration)
    session.flush()
    _plan(session, migration.id, tag_id, parts)
    for mine in _pieces(session, migration.id):
        old = select(TagMove.assertion_id).where(mine)
        rows = (
            select(TagMove.target_id, TagMove.ref, *(getattr(TagAssertion, c) for c in COPIED))
            .join(TagAssertion, TagAssertion.id == TagMove.assertion_id)
            .where(mine)
            .order_by(TagMove.id)
        )
        session.execute(insert(TagAssertion).from_select(["tag_id", "ref", *COPIED], rows))
        withdraw(session, [TagAssertion.id.in_(old)], now)
    moving_refused.move(
        session, migration.id, tag_id, [(part.to, part.holds(TagRefused)) for part in parts]
    )
    all_of_it = TagMove.migration_id == migration.id
    migration.moved = session.scalar(select(func.count()).where(all_of_it)) or 0
    session.flush()
    return migration


def take_back(session: Session, migration: TagMigration, version: int, now: datetime) -> None:
    """The reverse of `move`. Raises Refused when it was done already."""
    if migration.undone_in is not None:
        raise Refused("这次迁移已经撤销过了。")
    for mine in _pieces(session, migration.id):
        _take_back(session, mine, now)
    moving_refused.take_back(session, migration.id, now)
    migration.undone_in = version
    session.flush()
    session.expire_all()


def again(session: Session, migration: TagMigration, version: int, now: datetime) -> TagMigration:
    """The same once more, after it was taken back."""
    parts = [parse(one) for one in migration.spec]
    origin = migration.origin_id or migration.id
    return move(session, version, migration.tag_id, parts, origin=origin, now=now)


def parse(spec: dict[str, Any]) -> Part:
    """A part as its row has it."""
    return Part(spec["to"], spec["source"], tuple(spec["texts"]))


def standing(session: Session, number: int) -> list[TagMigration]:
    """The migrations in force after version `number`, oldest first."""
    rows = session.scalars(
        select(TagMigration).where(TagMigration.version <= number).order_by(TagMigration.id)
    )
    return [row for row in rows if row.undone_in is None or row.undone_in > number]


def of_version(session: Session, number: int) -> Sequence[TagMigration]:
    """The migrations that a version made."""
    rows = select(TagMigration).where(TagMigration.version == number).order_by(TagMigration.id)
    return session.scalars(rows).all()


def later_on(session: Session, migration: TagMigration) -> TagMigration | None:
    """A newer migration in force that took up what this one made."""
    to = {part["to"] for part in migration.spec}
    newer = (TagMigration.id > migration.id, TagMigration.undone_in.is_(None))
    rows = session.scalars(select(TagMigration).where(*newer).order_by(TagMigration.id))
    return next((row for row in rows if row.tag_id in to), None)


def _take_back(session: Session, mine: ColumnElement[bool], now: datetime) -> None:
    old, new = aliased(TagAssertion), aliased(TagAssertion)
    both = (
        select(TagMove.assertion_id, new.id.label("new_id"), new.superseded_at, new.overruled_by)
        .join(old, old.id == TagMove.assertion_id)
        .join(new, and_(
            new.identifier_id == old.identifier_id, new.tag_id == TagMove.target_id,
            new.source == old.source, new.ref == TagMove.ref,
        ))
        .where(mine, or_(new.superseded_at.is_(None), new.overruled_by.is_not(None)))
        .subquery()
    )  # fmt: skip
    changed.note_all(session, TagAssertion.identifier_id,
                     TagAssertion.id.in_(select(both.c.assertion_id)))  # fmt: skip
    # In this order: which go on, and how, is said by those that were made.
    goes_on = update(TagAssertion).where(TagAssertion.id == both.c.assertion_id)
    as_made = {name: both.c[name] for name in STANDING}
    session.execute(goes_on.values(as_made).execution_options(**_QUIET))
    withdraw(session, [TagAssertion.id.in_(select(both.c.new_id))], now)


def _pieces(session: Session, migration_id: int) -> Iterator[ColumnElement[bool]]:
    """The moves, a piece at a time: a database ends a statement that takes too long."""
    mine = TagMove.migration_id == migration_id
    lowest, highest = session.execute(
        select(func.min(TagMove.id), func.max(TagMove.id)).where(mine)
    ).one()
    for start in range(lowest or 1, (highest or 0) + 1, PIECE):
        yield and_(mine, TagMove.id.between(start, start + PIECE - 1))


def _plan(session: Session, migration_id: int, tag_id: int, parts: Sequence[Part]) -> None:
    chosen = destined(tag_id, parts, STANDS).order_by(TagAssertion.id).subquery()
    old, taken = aliased(TagAssertion), aliased(TagAssertion)
    there = (
        select(taken.id)
        .where(
            taken.identifier_id == old.identifier_id, taken.tag_id == chosen.c.target_id,
            taken.source == old.source, taken.ref == old.ref,
        )
        .exists()
    )  # fmt: skip
    other = moved_ref(old.ref, migration_id)
    rows = (
        select(
            literal(migration_id), old.id, chosen.c.target_id, case((there, other), else_=old.ref)
        )
        .join(chosen, chosen.c.id == old.id)
        .order_by(old.id)
    )
    columns = ["migration_id", "assertion_id", "target_id", "ref"]
    session.execute(insert(TagMove).from_select(columns, rows))
