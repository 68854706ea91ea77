"""Making and superseding assertions. Nothing is overwritten.

A verdict of the tag court overrules assertions: they are superseded, and remember by which case.
What their source repeats meanwhile is the same claim and stays overruled; what it takes back is
forgotten by the case, so that undoing the verdict revives exactly what would hold without it.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple
from zlib import crc32

from sqlalchemy import (
    ColumnElement,
    SQLColumnExpression,
    bindparam,
    func,
    literal,
    or_,
    select,
    update,
)
from sqlalchemy.orm import Session

from app.identity import changed
from app.infra.db import insert_once
from app.infra.direct import Direct
from app.tagging import refusals
from app.tagging.lexicon import LEXICON
from app.tagging.models import TagAssertion

# What its source still says: it holds, or would hold without a verdict.
STANDS = or_(TagAssertion.superseded_at.is_(None), TagAssertion.overruled_by.is_not(None))


class Since(NamedTuple):
    """When names were said: those of `known` then, the others now."""

    known: Mapping[str, datetime]
    now: datetime

    def at(self, raw: str) -> datetime:
        """When this one was."""
        return self.known.get(raw, self.now)


def assert_tag(
    session: Session,
    identifier_id: int,
    tag_id: int,
    *,
    source: str,
    ref: str,
    evidence: str,
    at: datetime,
    confidence: float = 1.0,
    actor: str = "system",
    raw: str = "",
) -> bool:
    """One assertion per person, tag, source and evidence; False when it was there already, or when
    this source may not assert the tag: then it is kept where it counts for nothing."""
    known = LEXICON.of(session)
    tag_id = known.merged.get(tag_id, tag_id)
    values: dict[str, Any] = {
        "identifier_id": identifier_id, "tag_id": tag_id, "source": source, "ref": ref,
        "evidence": evidence, "confidence": confidence, "actor": actor, "at": at,
        "raw": raw,
    }  # fmt: skip
    if not known.may(source, tag_id):
        refusals.keep(session, values)
        return False
    fresh = insert_once(session, TagAssertion, values, "identifier_id", "tag_id", "source", "ref")
    if fresh:
        changed.note(session, identifier_id)
    return fresh


def supersede(session: Session, assertion_id: int, at: datetime) -> None:
    """The assertion does not hold any more; it stays as history."""
    whose = session.scalar(
        update(TagAssertion)
        .where(TagAssertion.id == assertion_id, TagAssertion.superseded_at.is_(None))
        .values(superseded_at=at)
        .returning(TagAssertion.identifier_id)
    )
    changed.note(session, whose)


def replace_names(
    session: Session,
    identifier_id: int,
    *,
    source: str,
    scope: str,
    wanted: Mapping[tuple[int, str], str],
    said: Since,
) -> None:
    """Make what a source says of a person by names equal to `wanted`: (tag id, name as folded for
    look-ups) → evidence sentence.

    `scope` is the part of the source that this list speaks for (one rep's side of a contact): only
    assertions whose ref starts with it are touched. It holds no signs that LIKE knows. Two names of
    one tag are two assertions, so what a name means can be changed without a thought for the other.
    Of one source only the strongest counts.
    """
    lexicon = LEXICON.of(session)
    wanted = {(lexicon.merged.get(tag, tag), raw): words for (tag, raw), words in wanted.items()}
    known = {"person": identifier_id, "source": source, "scope": f"{scope}:%"}
    rows = _OF_SOURCE.all(session, known)
    overruled = _overruled(session, rows, {tag for tag, _ in wanted})
    active = {(row.tag_id, row.raw): row.id for row in rows if row.superseded_at is None}
    for tag_id, raw in wanted:
        if raw and (tag_id, raw) not in active and (tag_id, "") in active:
            active[tag_id, raw] = _name(session, active.pop((tag_id, "")), raw)
    for key, assertion_id in active.items():
        if key not in wanted:
            supersede(session, assertion_id, said.now)
    fresh = {key: words for key, words in wanted.items()
             if key not in active and key[0] not in overruled}  # fmt: skip
    if lexicon.closed:
        _refuse(session, identifier_id, source, scope, fresh, said)
    for (tag_id, raw), evidence in fresh.items():
        if lexicon.may(source, tag_id):
            at = said.at(raw)
            ref = ref_of(scope, at, raw)
            again = next((r.id for r in rows if r.tag_id == tag_id and r.ref == ref), None)
            if again is not None:
                _revive(session, again)
                changed.note(session, identifier_id)
            else:
                assert_tag(
                    session, identifier_id, tag_id,
                    source=source, ref=ref, evidence=evidence, at=at, raw=raw,
                )  # fmt: skip


def withdraw(session: Session, which: Sequence[ColumnElement[bool]], at: datetime) -> None:
    """Their sources say these no more, and no undoing of a verdict brings them back."""
    changed.note_all(session, TagAssertion.identifier_id, *which, STANDS)
    ended = update(TagAssertion).where(*which, STANDS)
    until = func.coalesce(TagAssertion.superseded_at, literal(at, TagAssertion.superseded_at.type))
    values = {"superseded_at": until, "overruled_by": None}
    session.execute(ended.values(values).execution_options(synchronize_session=False))


def overrule(session: Session, assertion_ids: Sequence[int], case_id: int, at: datetime) -> None:
    """A verdict supersedes these."""
    whose = session.scalars(
        update(TagAssertion)
        .where(TagAssertion.id.in_(assertion_ids), TagAssertion.superseded_at.is_(None))
        .values(superseded_at=at, overruled_by=case_id)
        .returning(TagAssertion.identifier_id)
    ).all()
    for identifier_id in whose:
        changed.note(session, identifier_id)


def reinstate(session: Session, case_id: int) -> int:
    """What the verdict of this case superseded holds again; how many."""
    return _hold_again(session, TagAssertion.overruled_by == case_id)


def release_overruled(session: Session, assertion_ids: Collection[int]) -> int:
    """These hold again, whatever verdict superseded them; how many."""
    overruled = TagAssertion.overruled_by.is_not(None)
    return _hold_again(session, TagAssertion.id.in_(assertion_ids) & overruled)


def _hold_again(session: Session, which: ColumnElement[bool]) -> int:
    whose = session.scalars(
        update(TagAssertion)
        .where(which)
        .values(superseded_at=None, overruled_by=None)
        .returning(TagAssertion.identifier_id)
    ).all()
    for identifier_id in whose:
        changed.note(session, identifier_id)
    return len(whose)


def _overruled(session: Session, rows: Sequence[_Asserted], wanted: Collection[int]) -> set[int]:
    """Tags that a verdict took from this source and that it still claims. A claim that was taken
    back is forgotten by its case, so that made again it is new."""
    merged = LEXICON.of(session).merged
    found = [
        row._replace(tag_id=merged.get(row.tag_id, row.tag_id))
        for row in rows if row.overruled_by is not None
    ]  # fmt: skip
    gone = [row.id for row in found if row.tag_id not in wanted]
    if gone:
        taken_back = update(TagAssertion).where(TagAssertion.id.in_(gone))
        session.execute(taken_back.values(overruled_by=None))
    return {row.tag_id for row in found if row.tag_id in wanted}


def _refuse(
    session: Session,
    identifier_id: int,
    source: str,
    scope: str,
    fresh: Mapping[tuple[int, str], str],
    said: Since,
) -> None:
    """What this source may not say is kept where it counts for nothing."""
    may = LEXICON.of(session).may
    kept = [
        {"identifier_id": identifier_id, "tag_id": tag_id, "source": source,
         "ref": ref_of(scope, said.at(raw), raw), "evidence": words, "at": said.at(raw),
         "raw": raw}
        for (tag_id, raw), words in fresh.items() if not may(source, tag_id)
    ]  # fmt: skip
    refusals.replace(session, identifier_id, source, scope, kept)


def ref_of(scope: str, at: datetime, raw: str) -> str:
    """What names the evidence of an assertion that one part of a source makes by a name."""
    return f"{scope}:{int(at.timestamp())}{_suffix(raw)}"


def scope_of(ref: str, raw: str) -> str:
    """The part of the source that `ref_of` was told of; a migration may have added its mark."""
    return _MOVED.sub("", ref).removesuffix(_suffix(raw)).rsplit(":", 1)[0]


def moved_ref(ref: SQLColumnExpression[str], migration_id: int) -> ColumnElement[str]:
    """A `ref` with the mark of a migration; only one that fills the column loses its end."""
    mark = f"~{migration_id}"
    return func.substr(ref, 1, LONGEST_REF - len(mark)).concat(mark)


LONGEST_REF = 120
_MOVED = re.compile(r"~\d+$")


def _suffix(raw: str) -> str:
    return f":{crc32(raw.encode()):08x}" if raw else ""


def _name(session: Session, assertion_id: int, raw: str) -> int:
    """An assertion from before names were noted, found again under this one."""
    named = update(TagAssertion).where(TagAssertion.id == assertion_id).values(raw=raw)
    session.execute(named.execution_options(synchronize_session=False))
    return assertion_id


def _revive(session: Session, assertion_id: int) -> None:
    again = update(TagAssertion).where(TagAssertion.id == assertion_id)
    session.execute(again.values(superseded_at=None, overruled_by=None))


class _Asserted(NamedTuple):
    id: int
    tag_id: int
    ref: str
    raw: str
    superseded_at: datetime | None
    overruled_by: int | None


_OF_SOURCE = Direct(
    select(*(getattr(TagAssertion, name) for name in _Asserted._fields)).where(
        TagAssertion.identifier_id == bindparam("person"),
        TagAssertion.source == bindparam("source"),
        TagAssertion.ref.like(bindparam("scope")),
    ),
    _Asserted,
)
