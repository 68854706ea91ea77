"""Which tags are kept equal in WeCom, and which corp tag stands for each."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.infra.errors import NotFound, Refused
from app.infra.stamp import Stamped
from app.tagging import versions
from app.tagging.mirror.mirror_models import MirrorState, TagMirror
from app.tagging.models import Sensitivity, Tag

STANDS = (MirrorState.THERE, MirrorState.RENAMED, MirrorState.ENDING)


def chosen_tags(session: Session) -> set[int]:
    """Ids of the tags that shall be in WeCom. What reps may not see never is."""
    return set(session.scalars(
        select(Tag.id).where(
            Tag.mirrored.is_(True), Tag.active.is_(True), Tag.sensitivity == Sensitivity.NORMAL
        )
    ))  # fmt: skip


def choose_mirrored(
    session: Session, key: str, on: bool, *, actor: str = "system", now: datetime | None = None
) -> Tag:
    """Mirror a tag from now on, or no longer. Raises NotFound, Refused."""
    tag = session.scalar(select(Tag).where(Tag.key == key))
    if tag is None or not tag.active:
        raise NotFound("没有这个标签。")
    if on and tag.sensitivity != Sensitivity.NORMAL:
        raise Refused("这个标签仅员工可见，代表在企业微信里不应看到，不能同步。")
    note = f"{'同步' if on else '不再同步'}“{tag.name}”到企业微信"
    versions.keep(session, actor=actor, note=note, now=now)
    tag.mirrored = on
    session.flush()
    return tag


def mirror_of(session: Session, corp_id: str, tag_id: int) -> TagMirror:
    """The row of a tag in a corp; it must be there."""
    mine = (TagMirror.corp_id == corp_id, TagMirror.tag_id == tag_id)
    return session.scalars(select(TagMirror).where(*mine)).one()


def is_used(session: Session) -> bool:
    """Whether anything is mirrored, or still to be cleared away."""
    some = select(Tag.id).where(Tag.mirrored.is_(True)).limit(1)
    left = select(TagMirror.id).where(TagMirror.id > 0)
    return session.scalar(some) is not None or session.scalar(left.limit(1)) is not None


def _read(session: Session) -> dict[str, dict[str, int]]:
    rows = session.execute(
        select(TagMirror.corp_id, TagMirror.wecom_tag_id, TagMirror.tag_id).where(
            TagMirror.wecom_tag_id != "", TagMirror.state.in_(STANDS)
        )
    )
    found: dict[str, dict[str, int]] = {}
    for corp_id, wecom_id, tag_id in rows:
        found.setdefault(corp_id, {})[wecom_id] = tag_id
    return found


MAPPED = Stamped("mirror", _read)
"""corp id → corp tag id → our tag."""
