"""The physician's own word against a tag, said on the own page: the strongest source, which never
fades and which only the physician takes back. It is said through every identifier of the person, so
it stays when one of them is erased or taken apart.
"""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.identity.models import Identifier
from app.tagging.assign import assert_tag, supersede
from app.tagging.models import Source, TagAssertion

EVIDENCE = "医生本人删除"


def delete_own(
    session: Session, identifier_ids: Collection[int], tag_id: int, *, at: datetime
) -> None:
    """From now on the tag holds for this person no more, whoever says so."""
    for identifier_id in sorted(identifier_ids):
        assert_tag(
            session, identifier_id, tag_id, source=Source.PHYSICIAN, ref=f"own:{at.isoformat()}",
            evidence=EVIDENCE, at=at, confidence=-1.0, actor="physician",
        )  # fmt: skip


def restore_own(session: Session, one_id: str, tag_id: int, *, at: datetime) -> bool:
    """What others say of the tag counts again; False when the person had not deleted it."""
    said = session.scalars(
        select(TagAssertion.id)
        .join(Identifier, Identifier.id == TagAssertion.identifier_id)
        .where(
            Identifier.one_id == one_id, TagAssertion.tag_id == tag_id,
            TagAssertion.source == Source.PHYSICIAN, TagAssertion.superseded_at.is_(None),
        )
    ).all()  # fmt: skip
    for assertion_id in said:
        supersede(session, assertion_id, at)
    return bool(said)


def deleted_own(session: Session, one_id: str) -> dict[int, datetime]:
    """The tags that this person has deleted, and when."""
    rows = session.execute(
        select(TagAssertion.tag_id, func.max(TagAssertion.at).label("at"))
        .join(Identifier, Identifier.id == TagAssertion.identifier_id)
        .where(
            Identifier.one_id == one_id, TagAssertion.source == Source.PHYSICIAN,
            TagAssertion.superseded_at.is_(None),
        )
        .group_by(TagAssertion.tag_id)
    )  # fmt: skip
    return {row.tag_id: row.at for row in rows}
