"""Writing, approving and finding content."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import func, or_, select
from sqlalchemy.orm import Session

from app.content import approval
from app.content.models import Brand, Content, ContentTag, ContentVersion, Stage
from app.infra.errors import NotFound, Refused

EDITABLE = ("kind", "title", "summary", "body", "url", "author_name", "sources")


@dataclass(frozen=True, slots=True)
class Usable:
    """A version that may be sent now, with its tags (tag id → weight)."""

    version: ContentVersion
    brand_id: int | None
    tags: Mapping[int, float]


def add_brand(session: Session, key: str, name: str, therapy_area: str) -> Brand:
    """The brand, created when new."""
    brand = session.scalar(select(Brand).where(Brand.key == key))
    if brand is None:
        brand = Brand(key=key, name=name, therapy_area=therapy_area)
        session.add(brand)
        session.flush()
    return brand


def brands(session: Session) -> Sequence[Brand]:
    """All brands by therapy area."""
    return session.scalars(select(Brand).order_by(Brand.therapy_area, Brand.id)).all()


def draft(
    session: Session,
    *,
    author: str,
    fields: Mapping[str, str],
    tags: Mapping[int, float],
    brand_id: int | None = None,
    link_hosts: Sequence[str] = (),
    now: datetime,
) -> ContentVersion:
    """A new content with its first draft. Raises Refused."""
    content = Content(brand_id=brand_id, created_at=now)
    session.add(content)
    session.flush()
    version = ContentVersion(content_id=content.id, number=1, created_by=author, created_at=now)
    _fill(version, fields, link_hosts)
    session.add(version)
    _set_tags(session, content.id, tags)
    session.flush()
    return version


def edit(
    session: Session,
    version_id: int,
    *,
    author: str,
    fields: Mapping[str, str],
    tags: Mapping[int, float],
    link_hosts: Sequence[str] = (),
    now: datetime,
) -> ContentVersion:
    """Change a draft; editing what was submitted or approved makes a new draft version."""
    version = get_version(session, version_id)
    if version.stage != Stage.DRAFT:
        newest = session.scalar(
            select(func.max(ContentVersion.number)).where(
                ContentVersion.content_id == version.content_id
            )
        )
        version = ContentVersion(
            content_id=version.content_id,
            number=(newest or 0) + 1,
            created_at=now,
            **{name: getattr(version, name) for name in EDITABLE},
        )
        session.add(version)
    version.created_by = author
    _fill(version, fields, link_hosts)
    _set_tags(session, version.content_id, tags)
    session.flush()
    return version


def submit(session: Session, version_id: int, *, now: datetime) -> ContentVersion:
    """Ask for approval. Raises Refused when something is missing."""
    version = get_version(session, version_id)
    approval.check_move(Stage(version.stage), Stage.IN_REVIEW)
    if not tags_of(session, version.content_id):
        raise Refused("请至少选择一个标签：没有标签的内容无法推荐给合适的医生。")
    version.stage, version.submitted_at = Stage.IN_REVIEW, now
    session.flush()
    return version


def approve(
    session: Session,
    version_id: int,
    *,
    approver: str,
    approval_no: str,
    valid_from: datetime,
    valid_until: datetime,
    now: datetime,
    note: str = "",
) -> ContentVersion:
    """Allow a version and seal what was allowed. Raises Refused."""
    version = get_version(session, version_id)
    approval.check_move(Stage(version.stage), Stage.APPROVED)
    approval.check_approver(version.created_by, approver)
    if not approval_no.strip():
        raise Refused("请填写审批编号。")
    if valid_until <= valid_from or valid_until <= now:
        raise Refused("有效期的结束时间要晚于开始时间，并且在将来。")
    version.stage, version.decided_by, version.decided_at = Stage.APPROVED, approver, now
    version.approval_no, version.decision_note = approval_no.strip(), note
    version.valid_from, version.valid_until = valid_from, valid_until
    version.fingerprint = seal_of(session, version)
    for older in versions_of(session, version.content_id):
        if older.id != version.id and older.stage == Stage.APPROVED:
            _withdraw(older, f"由第 {version.number} 版替换", now)
    session.flush()
    return version


def reject(
    session: Session, version_id: int, *, approver: str, note: str, now: datetime
) -> ContentVersion:
    """Send a version back to its author with a reason."""
    version = get_version(session, version_id)
    approval.check_move(Stage(version.stage), Stage.DRAFT)
    if not note.strip():
        raise Refused("请写明退回的原因，作者会看到。")
    version.stage, version.decided_by, version.decided_at = Stage.DRAFT, approver, now
    version.decision_note = note
    session.flush()
    return version


def withdraw(session: Session, version_id: int, *, reason: str, now: datetime) -> ContentVersion:
    """Stop an approved version at once, everywhere."""
    version = get_version(session, version_id)
    approval.check_move(Stage(version.stage), Stage.WITHDRAWN)
    if not reason.strip():
        raise Refused("请写明撤回的原因。")
    _withdraw(version, reason, now)
    session.flush()
    return version


def get_version(session: Session, version_id: int) -> ContentVersion:
    """The version. Raises NotFound."""
    version = session.get(ContentVersion, version_id)
    if version is None:
        raise NotFound("没有这个内容版本。")
    return version


def versions_of(session: Session, content_id: int) -> Sequence[ContentVersion]:
    """All versions of a content, newest first."""
    return session.scalars(
        select(ContentVersion)
        .where(ContentVersion.content_id == content_id)
        .order_by(ContentVersion.number.desc())
    ).all()


def tags_of(session: Session, content_id: int) -> dict[int, float]:
    """Tag id → weight."""
    rows = session.execute(
        select(ContentTag.tag_id, ContentTag.weight).where(ContentTag.content_id == content_id)
    )
    return {row.tag_id: row.weight for row in rows}


def problem(session: Session, version: ContentVersion, now: datetime) -> str:
    """Why this version may not be used at `now`, or ""; a broken seal is a reason."""
    text = approval.problem_at(Stage(version.stage), version.valid_from, version.valid_until, now)
    if not text and version.fingerprint != seal_of(session, version):
        return "内容在批准后被改动"
    return text


def titles(session: Session, version_ids: Iterable[int | None]) -> dict[int, str]:
    """Titles by version id."""
    wanted = {version_id for version_id in version_ids if version_id is not None}
    rows = session.execute(
        select(ContentVersion.id, ContentVersion.title).where(ContentVersion.id.in_(wanted))
    )
    return {row.id: row.title for row in rows}


def usable(session: Session, now: datetime) -> list[Usable]:
    """Everything that may be sent now."""
    rows = session.execute(
        select(ContentVersion, Content.brand_id)
        .join(Content, Content.id == ContentVersion.content_id)
        .where(
            ContentVersion.stage == Stage.APPROVED,
            ContentVersion.valid_from <= now,
            ContentVersion.valid_until > now,
        )
        .order_by(ContentVersion.id)
    ).all()
    tags: dict[int, dict[int, float]] = {}
    for tag in session.scalars(select(ContentTag)):
        tags.setdefault(tag.content_id, {})[tag.tag_id] = tag.weight
    return [Usable(version, brand, tags.get(version.content_id, {})) for version, brand in rows]


def usable_version(session: Session, content_id: int, now: datetime) -> ContentVersion | None:
    """The version of a content that may be sent now."""
    version = session.scalar(
        select(ContentVersion).where(
            ContentVersion.content_id == content_id, ContentVersion.stage == Stage.APPROVED
        )
    )
    return version if version is not None and not problem(session, version, now) else None


def replacement(session: Session, content_id: int, now: datetime) -> ContentVersion | None:
    """What may be shown instead of a withdrawn or expired version."""
    content = session.get_one(Content, content_id)
    for candidate in (content.id, content.replaced_by_id):
        found = usable_version(session, candidate, now) if candidate else None
        if found:
            return found
    return None


def search_usable(
    session: Session, text: str, now: datetime, *, tag_ids: Sequence[int] = (), limit: int = 3
) -> list[ContentVersion]:
    """Approved versions whose title or summary holds `text`, or that carry one of the tags."""
    like = "%" + text.replace("\\", "").replace("%", "").replace("_", "").strip() + "%"
    tagged = select(ContentTag.content_id).where(ContentTag.tag_id.in_(tag_ids))
    named = [ContentVersion.title.like(like), ContentVersion.summary.like(like)]
    conditions = [ContentVersion.content_id.in_(tagged)] + (named if len(like) > 3 else [])
    return list(
        session.scalars(
            select(ContentVersion)
            .where(
                ContentVersion.stage == Stage.APPROVED,
                ContentVersion.valid_from <= now,
                ContentVersion.valid_until > now,
                or_(*conditions),
            )
            .order_by(ContentVersion.title.like(like).desc(), ContentVersion.id)
            .limit(limit)
        )
    )


def listing(
    session: Session, *, stage: Stage | None = None, text: str = "", limit: int = 200
) -> Sequence[ContentVersion]:
    """The newest version of every content, or those in one stage."""
    newest = select(func.max(ContentVersion.id)).group_by(ContentVersion.content_id)
    chosen = select(ContentVersion).order_by(ContentVersion.id.desc()).limit(limit)
    chosen = chosen.where(ContentVersion.stage == stage if stage else ContentVersion.id.in_(newest))
    if text:
        chosen = chosen.where(ContentVersion.title.contains(text, autoescape=True))
    return session.scalars(chosen).all()


def count_by_stage(session: Session) -> dict[str, int]:
    """How many versions are in each stage."""
    number = func.count().label("number")
    rows = session.execute(select(ContentVersion.stage, number).group_by(ContentVersion.stage))
    return {row.stage: row.number for row in rows}


def seal_of(session: Session, version: ContentVersion) -> bytes:
    """The fingerprint of a version as it is now, with its tags."""
    fields: dict[str, Any] = {name: getattr(version, name) for name in EDITABLE}
    fields["tags"] = sorted(tags_of(session, version.content_id).items())
    return approval.fingerprint(fields)


def _withdraw(version: ContentVersion, reason: str, now: datetime) -> None:
    version.stage, version.withdrawn_at, version.withdraw_reason = Stage.WITHDRAWN, now, reason


def _fill(version: ContentVersion, fields: Mapping[str, str], link_hosts: Sequence[str]) -> None:
    for name in EDITABLE:
        if name in fields:
            setattr(version, name, fields[name].strip())
    version.kind = version.kind or "article"
    if not version.title:
        raise Refused("请填写标题。")
    if len(version.title) > 120 or len(version.summary or "") > 300:
        raise Refused("标题最多 120 字，摘要最多 300 字。")
    if version.kind == "link":
        split = urlsplit(version.url or "")
        if split.scheme != "https" or not split.hostname or "@" in split.netloc:
            raise Refused("链接要以 https:// 开头。")
        if link_hosts and split.hostname.lower() not in link_hosts:
            raise Refused(f"链接的域名 {split.hostname} 不在允许的名单里。")
    elif not (version.body or "").strip():
        raise Refused("请填写正文。")


def _set_tags(session: Session, content_id: int, tags: Mapping[int, float]) -> None:
    known = {
        row.tag_id: row
        for row in session.scalars(select(ContentTag).where(ContentTag.content_id == content_id))
    }
    for tag_id, row in known.items():
        if tag_id not in tags:
            session.delete(row)
    for tag_id, weight in tags.items():
        if tag_id in known:
            known[tag_id].weight = weight
        else:
            session.add(ContentTag(content_id=content_id, tag_id=tag_id, weight=weight))
    session.flush()
