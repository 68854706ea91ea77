"""POST|GET /contents, GET /contents/{id}, POST /contents/{id}/submit|approve|withdraw."""

from __future__ import annotations

from collections.abc import Mapping
from datetime import UTC, datetime, timedelta
from typing import Any, Literal

from flask import Response, jsonify
from pydantic import Field
from sqlalchemy.orm import Session

from app import accounts, content, tagging
from app.accounts.models import Role
from app.content import ContentVersion, Stage
from app.flows.campaigns.approve_content import approve_content as approve_version
from app.flows.campaigns.withdraw_content import withdraw_content as withdraw_everywhere
from app.infra.errors import NotFound, Refused
from app.tagging import Tag
from app.web import auth
from app.web.api import bp
from app.web.api.asking import Asked, answers, body, query
from app.web.context import parts
from app.web.policy import allow

VALID_FOR = timedelta(days=365)


class ContentsQuery(Asked):
    """Filter by stage of the version, or by text in the title."""

    stage: Stage | None = None
    q: str = ""
    limit: int = Field(100, ge=1, le=500)


class NewContent(Asked):
    """A content and its first version. `tags` are keys or names of the vocabulary."""

    title: str = Field(min_length=1, max_length=120)
    summary: str = Field("", max_length=300)
    body: str = ""
    url: str = ""
    kind: Literal["article", "link"] | None = None
    purpose: content.Purpose = Field(content.Purpose.USUAL, description="safety: notice or recall")
    brand: str = ""
    author_name: str = ""
    sources: str = ""
    tags: list[str] = Field(default_factory=list)
    submit: bool = True
    author: str = Field("", max_length=40, description="who wrote it, in the calling system")


class Approval(Asked):
    """What an approval seals; without dates: from now, for a year."""

    approval_no: str = Field(min_length=1, max_length=60)
    valid_from: datetime | None = None
    valid_until: datetime | None = None
    note: str = ""
    approver: str = Field("", max_length=40, description="who decided, in the calling system")


class Withdrawal(Asked):
    """Why an approved version must stop at once."""

    reason: str = Field(min_length=1)


@bp.get("/contents")
def list_contents() -> Response:
    """The newest version of every content, or all versions in one stage."""
    asked = query(ContentsQuery)
    with parts().db.reading() as session:
        found = content.listing(session, stage=asked.stage, text=asked.q, limit=asked.limit)
        tags = content.tags_of_many(session, [version.id for version in found])
        known = {tag.id: tag for tag in tagging.tags(session)}
        return jsonify(items=[
            _told(version, tagging.standing(session, tags[version.id]), known) for version in found
        ])  # fmt: skip


@bp.post("/contents")
@answers(201)
@allow(Role.ADMIN, Role.MARKETER, token=True)
def create_content() -> tuple[Response, int]:
    """A draft, submitted for approval unless `submit` is false."""
    asked = body(NewContent)
    here, who = parts(), auth.actor()
    now = here.clock()
    with here.db.transaction() as session:
        fields = asked.model_dump(include=set(content.library.EDITABLE), exclude_none=True)
        fields.setdefault("kind", "link" if asked.url and not asked.body else "article")
        version = content.draft(
            session, author=_person(who.key, asked.author, "author"), fields=fields,
            tags=_tag_weights(session, asked.tags),
            brand_id=_brand(session, asked.brand), link_hosts=here.settings.yishu_link_hosts,
            now=now,
        )  # fmt: skip
        if asked.submit and asked.tags:
            content.submit(session, version.id, now=now)
        accounts.audit(session, who.key, "content.created", "content", version.content_id, now=now)
        return jsonify(as_json(session, version)), 201


@bp.get("/contents/<int:content_id>")
def get_content(content_id: int) -> Response:
    """The version in force, else the newest. `later`: newer ones and those that begin later, with
    their stage; submit and approve are about the newest."""
    here = parts()
    now = here.clock()
    with here.db.reading() as session:
        newest = _newest(session, content_id)
        shown = content.usable_version(session, content_id, now) or newest
        later = [
            {"version_id": one.id, "version": one.number, "title": one.title, "stage": one.stage,
             "valid_from": _text(one.valid_from)}
            for one in reversed(content.versions_of(session, content_id))
            if one.id != shown.id and one.stage != Stage.WITHDRAWN
            and (one.number > shown.number or (one.valid_from is not None and one.valid_from > now))
        ]  # fmt: skip
        return jsonify(as_json(session, shown) | {"later": later})


@bp.post("/contents/<int:content_id>/submit")
@allow(Role.ADMIN, Role.MARKETER, token=True)
def submit_content(content_id: int) -> Response:
    """Ask for approval."""
    here, who = parts(), auth.actor()
    with here.db.transaction() as session:
        version = content.submit(session, _newest(session, content_id).id, now=here.clock())
        accounts.audit(
            session, who.key, "content.submitted", "content", content_id, now=here.clock(),
            version=version.number, purpose=version.purpose,
        )  # fmt: skip
        return jsonify(as_json(session, version))


@bp.post("/contents/<int:content_id>/approve")
@allow(Role.ADMIN, Role.REVIEWER, token=True)
def approve_content(content_id: int) -> Response:
    """Approve the newest version; its author may not."""
    asked = body(Approval)
    here, who = parts(), auth.actor()
    now = here.clock()
    starts = _aware(asked.valid_from) or now
    ends = _aware(asked.valid_until) or now + VALID_FOR
    with here.db.transaction() as session:
        version = approve_version(
            session, _newest(session, content_id).id,
            approver=_person(who.key, asked.approver, "approver"),
            approval_no=asked.approval_no, valid_from=starts, valid_until=ends, note=asked.note,
            now=now,
        )  # fmt: skip
        accounts.audit(
            session, who.key, "content.approved", "content", content_id, now=now,
            version=version.number, approval_no=version.approval_no, purpose=version.purpose,
        )  # fmt: skip
        return jsonify(as_json(session, version))


@bp.post("/contents/<int:content_id>/withdraw")
@allow(Role.ADMIN, Role.REVIEWER, token=True)
def withdraw_content(content_id: int) -> Response:
    """Stop what is approved at once, everywhere: the version in force, and those for later."""
    asked = body(Withdrawal)
    here, who = parts(), auth.actor()
    with here.db.transaction() as session:
        now = here.clock()
        approved = content.approved_versions(session, content_id)
        if not approved:
            raise Refused("这个内容没有已批准的版本。")
        for version in approved:
            if version.stage == Stage.APPROVED:  # not withdrawn with one before
                withdraw_everywhere(session, version.id, reason=asked.reason, now=now)
        accounts.audit(session, who.key, "content.withdrawn", "content", content_id, now=now)
        return jsonify(as_json(session, version))


def as_json(session: Session, version: ContentVersion) -> dict[str, Any]:
    """A version with its content's id and tags."""
    known = {tag.id: tag for tag in tagging.tags(session)}
    tags = tagging.standing(session, content.tags_of(session, version.id))
    return _told(version, tags, known)


def _told(
    version: ContentVersion, tags: Mapping[int, float], known: Mapping[int, Tag]
) -> dict[str, Any]:
    return {
        "id": version.content_id,
        "version_id": version.id,
        "version": version.number,
        "kind": version.kind,
        "purpose": version.purpose,
        "title": version.title,
        "summary": version.summary,
        "url": version.url,
        "stage": version.stage,
        "approval_no": version.approval_no,
        "valid_from": _text(version.valid_from),
        "valid_until": _text(version.valid_until),
        "created_by": version.created_by,
        "decided_by": version.decided_by,
        "warnings": content.warnings(version.title, version.summary, version.body),
        "tags": [
            {"key": known[tag_id].key, "name": known[tag_id].name, "weight": weight}
            for tag_id, weight in tags.items()
            if tag_id in known
        ],
    }


def _person(token: str, name: str, part: str) -> str:
    """A token speaks for a system whose people wrote and decided; name them where you can.

    The four-eyes rule compares these names, so one person named twice is still refused.
    """
    return f"{token}:{name or part}"


def _newest(session: Session, content_id: int) -> ContentVersion:
    versions = content.versions_of(session, content_id)
    if not versions:
        raise NotFound("没有这个内容。")
    return versions[0]


def _tag_weights(session: Session, names: list[str]) -> dict[int, float]:
    found = {}
    for name in names:
        tag = tagging.by_key(session, name) or tagging.by_name(session, name)
        if tag is None:
            raise Refused(f"没有标签“{name}”，请使用词表中的名称或编号。")
        found[tag.id] = 1.0
    return found


def _brand(session: Session, key: str) -> int | None:
    if not key:
        return None
    brand = next((b for b in content.brands(session) if key in (b.key, b.name)), None)
    if brand is None:
        raise Refused(f"没有品牌“{key}”。")
    return brand.id


def _aware(moment: datetime | None) -> datetime | None:
    if moment is None or moment.tzinfo is not None:
        return moment
    return moment.replace(tzinfo=UTC)


def _text(moment: datetime | None) -> str | None:
    return moment.isoformat() if moment else None
