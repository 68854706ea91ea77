"""The tags of a corp as WeCom listed them last: what a renamed or deleted one was before."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime

from sqlalchemy import Select, func, select
from sqlalchemy.orm import Session

from app.infra.db import insert_once
from app.tagging.models import CorpTagName

Listed = tuple[str, str, str]
"""(tag id, name, name of its group)."""


def keep_corp_tags(session: Session, corp_id: str, listed: Iterable[Listed], now: datetime) -> None:
    """Make our copy equal to the whole list of a corp."""
    known = {row.tag_id: row for row in session.scalars(_of(corp_id))}
    for tag_id, name, group in listed:
        row = known.pop(tag_id, None)
        if row is None:
            values = {
                "corp_id": corp_id, "tag_id": tag_id, "name": name, "group_name": group,
                "changed_at": now,
            }  # fmt: skip
            insert_once(session, CorpTagName, values, "corp_id", "tag_id")
        elif (row.name, row.group_name, row.deleted_at) != (name, group, None):
            row.name, row.group_name, row.deleted_at, row.changed_at = name, group, None, now
    for row in known.values():
        row.deleted_at = row.deleted_at or now
    session.flush()


def note_corp_tag(
    session: Session, corp_id: str, tag_id: str, now: datetime, name: str = "", group: str = ""
) -> None:
    """What we changed ourselves is no news when WeCom lists it: a tag by its name, or, without
    one, that it is gone."""
    row = session.scalar(_of(corp_id).where(CorpTagName.tag_id == tag_id))
    if row is None and name:
        values = {"corp_id": corp_id, "tag_id": tag_id, "name": name, "group_name": group,
                  "changed_at": now}  # fmt: skip
        insert_once(session, CorpTagName, values, "corp_id", "tag_id")
    elif row is not None:
        row.name, row.changed_at = name or row.name, now
        row.deleted_at = None if name else row.deleted_at or now
        session.flush()


def corp_tags(session: Session, corp_id: str) -> dict[str, str]:
    """id → name of the tags that a corp has."""
    rows = session.scalars(_of(corp_id).where(CorpTagName.deleted_at.is_(None)))
    return {row.tag_id: row.name for row in rows}


def tags_deleted_at(session: Session, corp_id: str) -> datetime | None:
    """When we last learned that a tag was deleted."""
    return session.scalar(
        select(func.max(CorpTagName.deleted_at)).where(CorpTagName.corp_id == corp_id)
    )


def _of(corp_id: str) -> Select[CorpTagName]:
    return select(CorpTagName).where(CorpTagName.corp_id == corp_id)
