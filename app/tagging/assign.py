"""Making and superseding assertions. Nothing is overwritten.

A verdict of the tag court overrules assertions: they are superseded, and remember by which case.
What their source repeats meanwhile is the same claim and stays overruled; what it takes back is
forgotten by the case, so that undoing the verdict revives exactly what would hold without it.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any, NamedTuple

from sqlalchemy import bindparam, select, update
from sqlalchemy.orm import Session

from app.identity import changed
from app.infra.db import insert_once
from app.infra.direct import Direct
from app.tagging import refusals
from app.tagging.lexicon import LEXICON
from app.tagging.models import TagAssertion


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
) -> bool:
    """One assertion per person, tag, source and evidence; False when it was there already, or when
    this source may not assert the tag: then it is kept where it counts for nothing."""
    known = LEXICON.of(session)
    tag_id = known.merged.get(tag_id, tag_id)
    values: dict[str, Any] = {
        "identifier_id": identifier_id, "tag_id": tag_id, "source": source, "ref": ref,
        "evidence": evidence, "confidence": confidence, "actor": actor, "at": at,
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


def replace_from_source(
    session: Session,
    identifier_id: int,
    *,
    source: str,
    scope: str,
    wanted: Mapping[int, str],
    at: datetime,
) -> None:
    """Make a source's assertions about a person equal to `wanted` (tag id → evidence sentence).

    `scope` is the part of the source that this list speaks for (one rep's side of a contact):
    only assertions whose ref starts with it are touched. It holds no signs that LIKE knows.
    """
    lexicon = LEXICON.of(session)
    wanted = {lexicon.merged.get(tag, tag): evidence for tag, evidence in wanted.items()}
    known = {"person": identifier_id, "source": source, "scope": f"{scope}:%"}
    rows = _OF_SOURCE.all(session, known)
    active = {row.tag_id for row in rows if row.superseded_at is None}
    overruled = {row.tag_id: row.id for row in rows if row.overruled_by is not None}
    _taken_back(session, [row_id for tag_id, row_id in overruled.items() if tag_id not in wanted])
    for row in rows:
        if row.superseded_at is None and row.tag_id not in wanted:
            supersede(session, row.id, at)
    ref = f"{scope}:{int(at.timestamp())}"
    known_already = active | overruled.keys()
    refused = [t for t in wanted if t not in known_already and not lexicon.may(source, t)]
    if lexicon.closed:
        said = {"identifier_id": identifier_id, "source": source, "ref": ref, "at": at}
        kept = [said | {"tag_id": tag, "evidence": wanted[tag]} for tag in refused]
        refusals.replace(session, identifier_id, source, scope, kept)
    for tag_id, evidence in wanted.items():
        if tag_id not in known_already and tag_id not in refused:
            again = next((r.id for r in rows if r.tag_id == tag_id and r.ref == ref), None)
            if again is not None:
                _revive(session, again)
                changed.note(session, identifier_id)
            else:
                assert_tag(
                    session, identifier_id, tag_id,
                    source=source, ref=ref, evidence=evidence, at=at,
                )  # fmt: skip


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
    whose = session.scalars(
        update(TagAssertion)
        .where(TagAssertion.overruled_by == case_id)
        .values(superseded_at=None, overruled_by=None)
        .returning(TagAssertion.identifier_id)
    ).all()
    for identifier_id in whose:
        changed.note(session, identifier_id)
    return len(whose)


def _taken_back(session: Session, assertion_ids: Sequence[int]) -> None:
    if assertion_ids:
        gone = update(TagAssertion).where(TagAssertion.id.in_(assertion_ids))
        session.execute(gone.values(overruled_by=None))


def _revive(session: Session, assertion_id: int) -> None:
    again = update(TagAssertion).where(TagAssertion.id == assertion_id)
    session.execute(again.values(superseded_at=None, overruled_by=None))


class _Asserted(NamedTuple):
    id: int
    tag_id: int
    ref: str
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
