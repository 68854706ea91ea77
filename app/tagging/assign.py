"""Making and superseding assertions. Nothing is overwritten."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from app.infra.db import insert_once
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
    """One assertion per person, tag, source and evidence; False when it was there already."""
    values: dict[str, Any] = {
        "identifier_id": identifier_id, "tag_id": tag_id, "source": source, "ref": ref,
        "evidence": evidence, "confidence": confidence, "actor": actor, "at": at,
    }  # fmt: skip
    return insert_once(session, TagAssertion, values, "identifier_id", "tag_id", "source", "ref")


def supersede(session: Session, assertion_id: int, at: datetime) -> None:
    """The assertion does not hold any more; it stays as history."""
    session.execute(
        update(TagAssertion)
        .where(TagAssertion.id == assertion_id, TagAssertion.superseded_at.is_(None))
        .values(superseded_at=at)
    )


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
    only assertions whose ref starts with it are touched.
    """
    rows = session.scalars(
        select(TagAssertion).where(
            TagAssertion.identifier_id == identifier_id,
            TagAssertion.source == source,
            TagAssertion.ref.startswith(f"{scope}:", autoescape=True),
        )
    ).all()
    active = {row.tag_id: row for row in rows if row.superseded_at is None}
    for tag_id, row in active.items():
        if tag_id not in wanted:
            row.superseded_at = at
    for tag_id, evidence in wanted.items():
        if tag_id not in active:
            ref = f"{scope}:{int(at.timestamp())}"
            again = next((r for r in rows if r.tag_id == tag_id and r.ref == ref), None)
            if again is not None:
                again.superseded_at = None
            else:
                assert_tag(
                    session, identifier_id, tag_id,
                    source=source, ref=ref, evidence=evidence, at=at,
                )  # fmt: skip
    session.flush()
