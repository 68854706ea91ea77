"""What sources say that may not: kept beside the assertions, counted, and let in when they may."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

from sqlalchemy import delete, func, insert, select
from sqlalchemy.orm import Session

from app.identity import changed
from app.infra.db import insert_once
from app.tagging.document import Document
from app.tagging.models import Tag, TagAssertion, TagRefused

HERE = TagRefused.moved_by.is_(None)  # it did not follow its tag elsewhere
COLUMNS = (
    "identifier_id", "tag_id", "source", "ref", "evidence", "confidence", "actor", "at", "raw",
)  # fmt: skip


def keep(session: Session, values: Mapping[str, Any]) -> None:
    """The source may not say this; it is remembered once."""
    keys = ("identifier_id", "tag_id", "source", "ref")
    insert_once(session, TagRefused, dict(values), *keys)


def replace(
    session: Session, identifier_id: int, source: str, scope: str, rows: Iterable[Mapping[str, Any]]
) -> None:
    """Make what is remembered of one part of a source equal to `rows`."""
    wanted = {(row["tag_id"], row["raw"]): row for row in rows}
    mine = (
        TagRefused.identifier_id == identifier_id, TagRefused.source == source,
        TagRefused.ref.startswith(f"{scope}:", autoescape=True), HERE,
    )  # fmt: skip
    chosen = select(TagRefused.id, TagRefused.tag_id, TagRefused.raw).where(*mine)
    there = {(row.tag_id, row.raw): row.id for row in session.execute(chosen)}
    gone = [row_id for key, row_id in there.items() if key not in wanted]
    if gone:
        session.execute(delete(TagRefused).where(TagRefused.id.in_(gone)))
    for key in sorted(wanted.keys() - there.keys()):
        keep(session, wanted[key])


def counts(session: Session, tag_id: int) -> dict[str, int]:
    """Source → how many sayings about this tag did not count."""
    rows = session.execute(
        select(TagRefused.source, func.count())
        .where(TagRefused.tag_id == tag_id, HERE)
        .group_by(TagRefused.source)
    )
    return {row[0]: row[1] for row in rows}


def totals(session: Session) -> dict[int, int]:
    """Tag id → the same over all sources."""
    rows = session.execute(
        select(TagRefused.tag_id, func.count()).where(HERE).group_by(TagRefused.tag_id)
    ).all()
    return {row[0]: row[1] for row in rows}


def admit(session: Session, before: Document, after: Document) -> None:
    """Sources that may assert a tag now and might not before: what they said counts."""
    for tag in after.tags:
        was = before.by_key.get(tag.key)
        if was is None or was.may_assert == tag.may_assert:
            continue
        tag_id = session.scalar(select(Tag.id).where(Tag.key == tag.key))
        chosen = [TagRefused.tag_id == tag_id, HERE]
        if tag.may_assert:
            chosen.append(TagRefused.source.in_(tag.may_assert))
        _let_in(session, chosen)


def _let_in(session: Session, chosen: list[Any]) -> None:
    same = (
        select(TagAssertion.id)
        .where(
            *(getattr(TagAssertion, c) == getattr(TagRefused, c)
              for c in ("identifier_id", "tag_id", "source", "ref"))
        )
        .exists()
    )  # fmt: skip
    rows = select(*(getattr(TagRefused, c) for c in COLUMNS)).where(*chosen, ~same)
    changed.note_all(session, TagRefused.identifier_id, *chosen)
    session.execute(insert(TagAssertion).from_select(COLUMNS, rows))
    session.execute(delete(TagRefused).where(*chosen).execution_options(synchronize_session=False))
