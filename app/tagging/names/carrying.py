"""Carriers follow what was decided about a name, a bounded piece at a time.

A decision about a thousand names is one short transaction. Whoever carries one of them follows:
first a waiting sighting becomes an assertion (`folding`), or the other way round when the decision
was taken back (`returning`). A name is `folded` or waits again when nobody is left. Whatever is
told of a physician meanwhile counts as if all had followed.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from sqlalchemy import ColumnElement, and_, case, delete, func, null, or_, select, update
from sqlalchemy.orm import Session

from app.identity import changed
from app.infra.many import Many, insert_many
from app.tagging import moving, versions
from app.tagging.assign import STANDS, ref_of, scope_of, withdraw
from app.tagging.lexicon import LEXICON
from app.tagging.models import NameState, TagAssertion, TagRefused, TagSighting, UnmappedName
from app.tagging.names.fold_models import FoldKind, TagFolding

PIECE = 2000  # carriers of one transaction
AT_ONCE = 200  # names of one transaction
_QUIET = {"synchronize_session": False}


def are_following(session: Session) -> bool:
    """Whether somebody has still to follow."""
    return session.scalar(select(UnmappedName.id).where(_under_way()).limit(1)) is not None


def follow(session: Session, now: datetime, limit: int = PIECE) -> int:
    """Let up to `limit` carriers follow; how much was done, 0 when there is nothing to do, or
    when somebody else does it."""
    names = session.scalars(
        select(UnmappedName)
        .where(_under_way())
        .order_by(UnmappedName.id)
        .limit(AT_ONCE)
        .with_for_update(skip_locked=True)
        .execution_options(populate_existing=True)
    ).all()
    gaining = [name for name in names if name.state == NameState.FOLDING]
    losing = [name for name in names if name.state == NameState.RETURNING]
    done = _gain(session, gaining, limit) if gaining else 0
    if losing and done < limit:
        done += lose(session, losing, now, limit - done)
    session.flush()
    return done


def lose(
    session: Session,
    names: Sequence[UnmappedName],
    now: datetime,
    limit: int | None = None,
    also: int | None = None,
) -> int:
    """Whoever has a tag by one of these names, or would have it without a verdict, waits with it
    again; how much was done. The names wait when nobody is left. `also`: a tag that they came to
    mean without a decision."""
    session.flush()
    ids = [name.id for name in names]
    tags = _reached(session, ids, also)
    by_it = (TagAssertion.tag_id.in_(tags), _by_name(TagAssertion, names), STANDS)
    rows = session.execute(
        select(
            TagAssertion.id, TagAssertion.identifier_id, TagAssertion.source, TagAssertion.ref,
            TagAssertion.raw, TagAssertion.evidence, TagAssertion.at,
        ).where(*by_it).order_by(TagAssertion.id).limit(limit)
    ).all()  # fmt: skip
    _see_again(session, rows)
    for start in range(0, len(rows), PIECE):
        piece = [row.id for row in rows[start : start + PIECE]]
        withdraw(session, [TagAssertion.id.in_(piece)], now)
    if limit is not None and len(rows) == limit:
        return len(rows)
    _let_refused_go(session, tags, names)
    carriers = select(func.count(TagSighting.identifier_id.distinct())).where(_carried())
    _end(session, ids, state=NameState.WAITING, seen=carriers.scalar_subquery())
    return len(rows) + len(names)


def still_given(session: Session, names: Sequence[UnmappedName], tag_id: int) -> list[int]:
    """Those of the names by which somebody has this tag, or where a migration let it go."""
    by_it = (
        TagAssertion.tag_id.in_(_onward(session, {tag_id})), _by_name(TagAssertion, names), STANDS,
    )  # fmt: skip
    said = select(TagAssertion.source, TagAssertion.raw).where(*by_it).distinct()
    found = {(row.source, row.raw) for row in session.execute(said)}
    return [name.id for name in names if (name.source, name.raw) in found]


def _let_refused_go(session: Session, tags: Sequence[int], names: Sequence[UnmappedName]) -> None:
    """What the names said of tags that their sources may not assert waits, too."""
    mine = (
        TagRefused.tag_id.in_(tags), _by_name(TagRefused, names), TagRefused.moved_by.is_(None),
    )  # fmt: skip
    rows = session.execute(
        select(
            TagRefused.identifier_id, TagRefused.source, TagRefused.ref, TagRefused.raw,
            TagRefused.evidence, TagRefused.at,
        ).where(*mine)
    ).all()  # fmt: skip
    _see_again(session, rows)
    session.execute(delete(TagRefused).where(*mine).execution_options(**_QUIET))


def _see_again(session: Session, rows: Sequence[Any]) -> None:
    _SEE.run(session, [
        {"identifier_id": row.identifier_id, "source": row.source, "raw": row.raw,
         "scope": scope_of(row.ref, row.raw), "evidence": row.evidence, "at": row.at}
        for row in rows
    ])  # fmt: skip


def _gain(session: Session, names: Sequence[UnmappedName], limit: int) -> int:
    known = LEXICON.of(session)
    meant = {(name.source, name.raw): known.meaning(name.source, name.raw) for name in names}
    for name in names:
        if meant[name.source, name.raw] is None:  # the vocabulary has forgotten it meanwhile
            name.state = NameState.RETURNING
    ids = [name.id for name in names if name.state == NameState.FOLDING]
    session.flush()
    rows = session.execute(
        select(
            TagSighting.id, TagSighting.identifier_id, TagSighting.source, TagSighting.scope,
            TagSighting.raw, TagSighting.evidence, TagSighting.at,
        )
        .join(UnmappedName, _carried())
        .where(UnmappedName.id.in_(ids))
        .order_by(TagSighting.id)
        .limit(limit)
        .with_for_update(of=TagSighting, skip_locked=True)
    ).all()  # fmt: skip
    written: dict[bool, list[dict[str, Any]]] = {True: [], False: []}
    for row in rows:
        tag = meant[row.source, row.raw]
        assert tag is not None
        written[known.may(row.source, tag.id)].append(_said(row, tag.id))
    _ASSERT.run(session, written[True])
    _REFUSE.run(session, written[False])
    for row in rows:
        changed.note(session, row.identifier_id)
    session.execute(
        delete(TagSighting)
        .where(TagSighting.id.in_([row.id for row in rows]))
        .execution_options(**_QUIET)
    )
    nobody = ~select(TagSighting.id).where(_carried()).exists()
    return len(rows) + _end(session, ids, nobody, state=NameState.FOLDED) + len(names) - len(ids)


def _said(row: Any, tag_id: int) -> dict[str, Any]:
    return {
        "identifier_id": row.identifier_id, "tag_id": tag_id, "source": row.source,
        "ref": ref_of(row.scope, row.at, row.raw), "evidence": row.evidence, "confidence": 1.0,
        "actor": "system", "at": row.at, "raw": row.raw,
    }  # fmt: skip


def _end(session: Session, ids: Sequence[int], *only: ColumnElement[bool], **values: Any) -> int:
    over = update(UnmappedName).where(UnmappedName.id.in_(ids), *only).values(values)
    ended = session.scalars(over.returning(UnmappedName.id).execution_options(**_QUIET)).all()
    for name in session.identity_map.values():
        if isinstance(name, UnmappedName) and name.id in ended:
            session.expire(name)
    return len(ended)


def _reached(session: Session, name_ids: Sequence[int], also: int | None) -> list[int]:
    """What these names were ever folded into, `also` that, and wherever a migration let go what
    was asserted about those."""
    folded = select(TagFolding.tag_id).where(
        TagFolding.name_id.in_(name_ids), TagFolding.kind != FoldKind.IGNORE
    )
    given = (*session.scalars(folded.distinct()), also)
    return _onward(session, {tag for tag in given if tag is not None})


def _onward(session: Session, ahead: set[int]) -> list[int]:
    onward: Mapping[int, set[int]] = defaultdict(set)
    for migration in moving.standing(session, versions.newest_number(session)):
        onward[migration.tag_id] |= {part["to"] for part in migration.spec}
    found: set[int] = set()
    while ahead:
        found |= ahead
        ahead = {to for tag in ahead for to in onward.get(tag, ())} - found
    return sorted(found)


def _by_name(
    of: type[TagAssertion] | type[TagRefused], names: Sequence[UnmappedName]
) -> ColumnElement[bool]:
    """Not as a join: with this list the tags' assertions are gone through once."""
    raws: dict[str, list[str]] = defaultdict(list)
    for name in names:
        raws[name.source].append(name.raw)
    return or_(*(
        and_(of.source == source, of.raw.in_(mine))
        for source, mine in raws.items()
    ))  # fmt: skip


def _under_way() -> ColumnElement[bool]:
    return UnmappedName.state.in_((NameState.FOLDING, NameState.RETURNING))


def _carried() -> ColumnElement[bool]:
    return and_(TagSighting.source == UnmappedName.source, TagSighting.raw == UnmappedName.raw)


_SEE: Many[None] = insert_many(
    TagSighting, "identifier_id", "source", "scope", "raw", "evidence", "at",
    once_by=("identifier_id", "source", "scope", "raw"),
)  # fmt: skip
_ASSERT: Many[None] = insert_many(
    TagAssertion,
    "identifier_id", "tag_id", "source", "ref", "evidence", "confidence", "actor", "at", "raw",
    once_by=("identifier_id", "tag_id", "source", "ref"),
    change=lambda _new: {"superseded_at": case(  # folded before, and undone
        (TagAssertion.overruled_by.is_(None), null()), else_=TagAssertion.superseded_at,
    )},
)  # fmt: skip
_REFUSE: Many[None] = insert_many(
    TagRefused,
    "identifier_id", "tag_id", "source", "ref", "evidence", "confidence", "actor", "at", "raw",
    once_by=("identifier_id", "tag_id", "source", "ref"),
)  # fmt: skip
