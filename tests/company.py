"""A small invented company for tests: reps, physicians, contents."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy.orm import Session

from app import consent, content, identity, reps, tagging
from app.consent import Action
from app.content import ContentVersion, Purpose
from app.flows.campaigns.approve_content import approve_content
from app.identity import Id, Identifier, Kind
from app.reps import Rep
from app.tagging import Source

CORP = "wwtestcorp"


def hire(session: Session, userid: str, now: datetime, **changes: object) -> Rep:
    """A rep."""
    rep = reps.ensure_rep(session, CORP, userid, now=now, name=f"代表{userid}")
    for name, value in changes.items():
        setattr(rep, name, value)
    session.flush()
    return rep


def meet(
    session: Session,
    rep: Rep,
    key: str,
    now: datetime,
    *,
    tags: tuple[str, ...] = (),
    permitted: bool = True,
    **values: str,
) -> Identifier:
    """A physician who is connected with the rep, carries tags, and allows contact."""
    (row,) = identity.observe(
        session, [Id(Kind.WECOM_EXTERNAL_USERID, CORP, f"wm{key}")],
        event_key=f"test:{key}", source="test", at=now, now=now,
    )  # fmt: skip
    known = {"name": f"示例{key}", "title": "主任医师", "department": "心内科"} | values
    identity.describe(session, row, known, source="crm", trust=80, at=now, now=now)
    reps.connect(session, rep, row, since=now - timedelta(days=30), now=now)
    if permitted:
        consent.record(
            session, row.id, action=Action.GRANT, source="added_rep", channel="wecom", at=now
        )
    for tag_key in tags:
        give_tag(session, row, tag_key, now)
    return row


def give_tag(session: Session, row: Identifier, tag_key: str, at: datetime) -> None:
    """The person carries this tag, says WeCom."""
    tag = tagging.by_key(session, tag_key)
    assert tag is not None
    tagging.assert_tag(
        session, row.id, tag.id, source=Source.WECOM_TAG, ref=f"test:{row.id}:{tag_key}",
        evidence="企微标签", at=at,
    )  # fmt: skip


def publish(
    session: Session,
    title: str,
    tag_keys: tuple[str, ...],
    now: datetime,
    days: int = 90,
    purpose: Purpose = Purpose.USUAL,
) -> ContentVersion:
    """An approved content."""
    tags = {}
    for key in tag_keys:
        tag = tagging.by_key(session, key)
        assert tag is not None
        tags[tag.id] = 1.0
    fields = {
        "title": title, "summary": f"{title}的摘要", "body": "正文" * 60, "purpose": purpose,
    }  # fmt: skip
    version = content.draft(session, author="user:1", fields=fields, tags=tags, now=now)
    content.submit(session, version.id, now=now)
    content.approve(
        session, version.id, approver="user:2", approval_no="示例批准 2026-001",
        valid_from=now - timedelta(days=1), valid_until=now + timedelta(days=days), now=now,
    )  # fmt: skip
    return version


def renew(
    session: Session, old: ContentVersion, now: datetime, *, begins: datetime | None = None,
    **changes: str,
) -> ContentVersion:  # fmt: skip
    """Another version is approved in its place, valid from `begins` or now on."""
    fields = {"title": "更正"} | changes
    newer = content.edit(
        session, old.id, author="user:1", fields=fields, tags=content.tags_of(session, old.id),
        now=now,
    )  # fmt: skip
    content.submit(session, newer.id, now=now)
    begins = begins or now
    return approve_content(
        session, newer.id, approver="user:2", approval_no="示例批准 2026-002",
        valid_from=begins, valid_until=begins + timedelta(days=90), now=now,
    )  # fmt: skip
