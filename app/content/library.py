"""Writing and approving content. Changes of one content happen one after the other."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app import tagging
from app.content import approval, meeting, succession
from app.content.models import Brand, Content, ContentVersion, Purpose, Stage, VersionTag
from app.content.succession import LIBRARY
from app.content.terms import TERMS
from app.infra import stamp
from app.infra.errors import NotFound, Refused

AT_ONCE = 500
SEALED = ("kind", "title", "summary", "body", "url", "author_name", "sources")  # in every seal
EDITABLE = (*SEALED, "purpose")


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
    stamp.change(session, TERMS)
    version = ContentVersion(
        content_id=content.id, number=1, created_by=author, writers=[author], created_at=now
    )
    _fill(version, fields, link_hosts)
    session.add(version)
    session.flush()
    _set_tags(session, version.id, tags)
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
    version = _hold(session, version_id)
    if version.stage != Stage.DRAFT:
        version = _next_version(session, version, author, now)
    if author not in version.writers:
        version.writers = [*version.writers, author]
    _fill(version, fields, link_hosts)
    session.flush()
    _set_tags(session, version.id, tags)
    return version


def submit(session: Session, version_id: int, *, now: datetime) -> ContentVersion:
    """Ask for approval. Raises Refused when something is missing."""
    version = _hold(session, version_id)
    approval.check_move(Stage(version.stage), Stage.IN_REVIEW)
    if not tags_of(session, version.id):
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
    """Allow a version and seal what was allowed. It takes the place of the others when it begins:
    at once, or later, and then of those at once that would begin no earlier. Raises Refused."""
    version = _hold(session, version_id)
    approval.check_move(Stage(version.stage), Stage.APPROVED)
    approval.check_approver(version.writers, approver)
    if not approval_no.strip():
        raise Refused("请填写审批编号。")
    valid_until = meeting.valid_until(version, valid_until, now)
    if valid_until <= valid_from or valid_until <= now:
        raise Refused("有效期的结束时间要晚于开始时间，并且在将来。")
    version.stage, version.decided_by, version.decided_at = Stage.APPROVED, approver, now
    version.approval_no, version.decision_note = approval_no.strip(), note
    version.valid_from, version.valid_until = valid_from, valid_until
    version.fingerprint = seal_of(session, version)
    for older in _approved(session, version.content_id):
        waits = valid_from > now and older.valid_from and older.valid_from < valid_from
        if older.id != version.id and not waits:
            _withdraw(older, f"由第 {version.number} 版替换", now)
    session.flush()
    stamp.change(session, LIBRARY)
    return version


def reject(
    session: Session, version_id: int, *, approver: str, note: str, now: datetime
) -> ContentVersion:
    """Send a version back to its author with a reason."""
    version = _hold(session, version_id)
    approval.check_move(Stage(version.stage), Stage.DRAFT)
    if not note.strip():
        raise Refused("请写明退回的原因，作者会看到。")
    version.stage, version.decided_by, version.decided_at = Stage.DRAFT, approver, now
    version.decision_note = note
    session.flush()
    return version


def withdraw(session: Session, version_id: int, *, reason: str, now: datetime) -> ContentVersion:
    """Stop an approved version at once, everywhere. What it, or another one, has replaced by now
    does not come back, whether anybody has seen that yet or not."""
    version = _hold(session, version_id)
    approval.check_move(Stage(version.stage), Stage.WITHDRAWN)
    if not reason.strip():
        raise Refused("请写明撤回的原因。")
    for older in _approved(session, version.content_id):
        successor = succession.successor_at(session, older.id, now)
        if successor is not None:
            _withdraw(older, successor.words, now)
    _withdraw(version, reason, now)
    session.flush()
    stamp.change(session, LIBRARY)
    return version


def give_way(session: Session, version_id: int, *, now: datetime) -> ContentVersion | None:
    """Withdraw a version whose successor has begun; None when somebody else was faster."""
    version = _hold(session, version_id)
    successor = succession.successor_at(session, version_id, now)
    if version.stage != Stage.APPROVED or successor is None:
        return None
    _withdraw(version, successor.words, now)
    session.flush()
    stamp.change(session, LIBRARY)
    return version


def get_version(session: Session, version_id: int) -> ContentVersion:
    """The version. Raises NotFound."""
    version = session.get(ContentVersion, version_id)
    if version is None:
        raise NotFound("没有这个内容版本。")
    return version


def get_versions(session: Session, version_ids: Iterable[int]) -> dict[int, ContentVersion]:
    """Some versions at once, by number; what there is not is missing."""
    some = ContentVersion.id.in_(set(version_ids))
    return {row.id: row for row in session.scalars(select(ContentVersion).where(some))}


def versions_of(session: Session, content_id: int) -> Sequence[ContentVersion]:
    """All versions of a content, newest first."""
    return session.scalars(
        select(ContentVersion)
        .where(ContentVersion.content_id == content_id)
        .order_by(ContentVersion.number.desc())
    ).all()


def approved_versions(session: Session, content_id: int) -> Sequence[ContentVersion]:
    """Those of a content that are approved, newest first: in force, over, or for later."""
    return [one for one in versions_of(session, content_id) if one.stage == Stage.APPROVED]


def tags_of(session: Session, version_id: int) -> dict[int, float]:
    """Tag id → weight."""
    return tags_of_many(session, [version_id])[version_id]


def tags_of_many(session: Session, version_ids: Iterable[int]) -> dict[int, dict[int, float]]:
    """Version id → its tags as they were approved, for lists and seals."""
    found: dict[int, dict[int, float]] = {version_id: {} for version_id in version_ids}
    wanted = list(found)
    chosen = select(VersionTag.version_id, VersionTag.tag_id, VersionTag.weight)
    for start in range(0, len(wanted), AT_ONCE):
        piece = VersionTag.version_id.in_(wanted[start : start + AT_ONCE])
        for version_id, tag_id, weight in session.execute(chosen.where(piece)):
            found[version_id][tag_id] = weight
    return found


def topics_of(session: Session, version_ids: Iterable[int]) -> dict[int, dict[int, float]]:
    """Version id → what it is about today: its tags, merged ones as those they were merged into."""
    tags = tags_of_many(session, version_ids)
    return {version_id: tagging.standing(session, mine) for version_id, mine in tags.items()}


def problem(session: Session, version: ContentVersion, now: datetime) -> str:
    """Why this version may not be used at `now`, or ""; a broken seal is a reason."""
    text = approval.problem_at(Stage(version.stage), version.valid_from, version.valid_until, now)
    after = None if text else succession.successor_at(session, version.id, now)
    if after is not None:
        return after.words
    return text or broken_seal(version, tags_of(session, version.id))


def titles(session: Session, version_ids: Iterable[int | None]) -> dict[int, str]:
    """Titles by version id."""
    wanted = {version_id for version_id in version_ids if version_id is not None}
    rows = session.execute(
        select(ContentVersion.id, ContentVersion.title).where(ContentVersion.id.in_(wanted))
    )
    return {row.id: row.title for row in rows}


def broken_seal(version: ContentVersion, tags: Mapping[int, float]) -> str:
    """Why the version with these tags is not what was approved, or ""."""
    return "" if version.fingerprint == _seal(version, tags) else "内容在批准后被改动"


def seal_of(session: Session, version: ContentVersion) -> bytes:
    """The fingerprint of a version as it is now, with its tags."""
    return _seal(version, tags_of(session, version.id))


def _seal(version: ContentVersion, tags: Mapping[int, float]) -> bytes:
    fields: dict[str, Any] = {name: getattr(version, name) for name in SEALED}
    fields |= meeting.sealed(version)
    if version.purpose != Purpose.USUAL:  # seals of usual contents stay as they are
        fields["purpose"] = version.purpose
    fields["tags"] = sorted(tags.items())
    return approval.fingerprint(fields)


def _hold(session: Session, version_id: int) -> ContentVersion:
    """The version, while nobody else changes a version of the same content. Raises NotFound."""
    content_id = get_version(session, version_id).content_id
    session.execute(select(Content.id).where(Content.id == content_id).with_for_update())
    return session.get_one(ContentVersion, version_id, populate_existing=True)


def _next_version(
    session: Session, base: ContentVersion, author: str, now: datetime
) -> ContentVersion:
    """A draft that begins as `base`; who wrote what nobody approved yet stays its writer."""
    newest = session.scalar(
        select(func.max(ContentVersion.number)).where(ContentVersion.content_id == base.content_id)
    )
    version = ContentVersion(
        content_id=base.content_id,
        number=(newest or 0) + 1,
        created_by=author,
        writers=base.writers if base.stage == Stage.IN_REVIEW else [],
        created_at=now,
        **{name: getattr(base, name) for name in (*EDITABLE, *meeting.FIELDS)},
    )
    session.add(version)
    return version


def _approved(session: Session, content_id: int) -> Sequence[ContentVersion]:
    """As they are under the lock, not as they were loaded before it."""
    return session.scalars(
        select(ContentVersion)
        .where(ContentVersion.content_id == content_id, ContentVersion.stage == Stage.APPROVED)
        .execution_options(populate_existing=True)
    ).all()


def _withdraw(version: ContentVersion, reason: str, now: datetime) -> None:
    version.stage, version.withdrawn_at, version.withdraw_reason = Stage.WITHDRAWN, now, reason


def _fill(version: ContentVersion, fields: Mapping[str, str], link_hosts: Sequence[str]) -> None:
    for name in EDITABLE:
        if name in fields:
            setattr(version, name, fields[name].strip())
    version.kind = version.kind or "article"
    version.purpose = version.purpose or Purpose.USUAL
    if version.purpose not in set(Purpose):
        raise Refused("看不懂内容的用途，请重新选择。")
    if not version.title:
        raise Refused("请填写标题。")
    if len(version.title) > 120 or len(version.summary or "") > 300:
        raise Refused("标题最多 120 字，摘要最多 300 字。")
    if version.kind == meeting.KIND:
        meeting.fill(version, fields)
        if version.url:
            _check_url(version.url, link_hosts)
        return
    meeting.clear(version)
    if version.kind == "link":
        _check_url(version.url or "", link_hosts)
    elif not (version.body or "").strip():
        raise Refused("请填写正文。")


def _check_url(url: str, link_hosts: Sequence[str]) -> None:
    split = urlsplit(url)
    if split.scheme != "https" or not split.hostname or "@" in split.netloc:
        raise Refused("链接要以 https:// 开头。")
    if link_hosts and split.hostname.lower() not in link_hosts:
        raise Refused(f"链接的域名 {split.hostname} 不在允许的名单里。")


def _set_tags(session: Session, version_id: int, tags: Mapping[int, float]) -> None:
    known = {
        row.tag_id: row
        for row in session.scalars(select(VersionTag).where(VersionTag.version_id == version_id))
    }
    for tag_id, row in known.items():
        if tag_id not in tags:
            session.delete(row)
    for tag_id, weight in tags.items():
        if tag_id in known:
            known[tag_id].weight = weight
        else:
            session.add(VersionTag(version_id=version_id, tag_id=tag_id, weight=weight))
    session.flush()
