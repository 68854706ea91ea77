"""Making and superseding assertions. Nothing is overwritten."""

from __future__ import annotations

from collections.abc import Mapping
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
    for row in rows:
        if row.superseded_at is None and row.tag_id not in wanted:
            supersede(session, row.id, at)
    ref = f"{scope}:{int(at.timestamp())}"
    refused = [tag for tag in wanted if tag not in active and not lexicon.may(source, tag)]
    if lexicon.closed:
        said = {"identifier_id": identifier_id, "source": source, "ref": ref, "at": at}
        kept = [said | {"tag_id": tag, "evidence": wanted[tag]} for tag in refused]
        refusals.replace(session, identifier_id, source, scope, kept)
    for tag_id, evidence in wanted.items():
        if tag_id not in active and tag_id not in refused:
            again = next((r.id for r in rows if r.tag_id == tag_id and r.ref == ref), None)
            if again is not None:
                _revive(session, again)
                changed.note(session, identifier_id)
            else:
                assert_tag(
                    session, identifier_id, tag_id,
                    source=source, ref=ref, evidence=evidence, at=at,
                )  # fmt: skip


def _revive(session: Session, assertion_id: int) -> None:
    again = update(TagAssertion).where(TagAssertion.id == assertion_id)
    session.execute(again.values(superseded_at=None))


class _Asserted(NamedTuple):
    id: int
    tag_id: int
    ref: str
    superseded_at: datetime | None


_OF_SOURCE = Direct(
    select(*(getattr(TagAssertion, name) for name in _Asserted._fields)).where(
        TagAssertion.identifier_id == bindparam("person"),
        TagAssertion.source == bindparam("source"),
        TagAssertion.ref.like(bindparam("scope")),
    ),
    _Asserted,
)
