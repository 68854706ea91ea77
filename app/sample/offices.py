"""The company's own side: approved contents, reps with their codes, logins, pushes."""

from __future__ import annotations

from datetime import datetime, timedelta

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import accounts, campaigns, content, links, reps, tagging
from app.accounts.models import Role
from app.bootstrap import Parts
from app.content import ContentVersion
from app.sample.company import CODES, Company, Versions
from app.sample.library import BRANDS, contents

LOGINS = (
    ("admin", "管理员 示例", Role.ADMIN),
    ("marketer", "市场 示例", Role.MARKETER),
    ("reviewer", "医学审核 示例", Role.REVIEWER),
)


def publish(session: Session, company: Company) -> Versions:
    """Contents in every stage, approved by somebody else than their author."""
    brands = {key: content.add_brand(session, key, name, area).id for key, name, area in BRANDS}
    made = []
    for number, sample in enumerate(contents()):
        written = company.now - timedelta(days=75 - number % 60)
        tags = {}
        for name, weight in sample.tags:
            tag = tagging.map_name(session, "sample", name, written)
            if tag is None:
                raise LookupError(f"the starter vocabulary lacks {name}")
            tags[tag.id] = weight
        version = content.draft(
            session, author="user:2", tags=tags, now=written,
            brand_id=brands[sample.brand] if sample.brand else None,
            fields={
                "kind": "article", "title": sample.title, "summary": sample.summary,
                "body": sample.body, "author_name": sample.author,
                "sources": "虚构资料，仅用于演示。",
            },
        )  # fmt: skip
        _decide(session, version, number, written, company.now)
        if number < 72:
            made.append((sample, version))
    return made


def _decide(
    session: Session, version: ContentVersion, number: int, written: datetime, now: datetime
) -> None:
    """Most are approved; a few wait for review, are drafts, or are about to expire."""
    if number >= 77:
        return
    content.submit(session, version.id, now=written)
    if number >= 72:
        return
    ends = now + timedelta(days=5 if number % 24 == 0 else 180)
    content.approve(
        session, version.id, approver="user:3", approval_no=f"示例-{now.year}-{number + 1:03d}",
        valid_from=written, valid_until=ends, now=written + timedelta(hours=3),
    )  # fmt: skip


def hire(session: Session, parts: Parts, company: Company) -> dict[str, reps.Rep]:
    """Reps, and the codes that stand at their booths."""
    corp = parts.settings.wecom_corp_id
    rows = {}
    for sample in company.team:
        rep = reps.ensure_rep(session, corp, sample.userid, name=sample.name, now=company.now)
        rep.team = sample.team
        rows[sample.userid] = rep
    for kind, scene, name, tags in CODES:
        links.create_code(
            session, kind=kind, scene=scene, name=name, tag_keys=tags, now=company.now
        )
    return rows


def account_for(session: Session, company: Company, rows: dict[str, reps.Rep]) -> None:
    """The demonstration logins."""
    for login, name, role in LOGINS:
        accounts.create_user(
            session, login, name=name, password=accounts.DEMO_PASSWORD, role=role, now=company.now
        )
    accounts.create_user(
        session, "rep01", name=company.team[0].name, password=accounts.DEMO_PASSWORD, role=Role.REP,
        rep_id=rows["rep01"].id, now=company.now,
    )  # fmt: skip


def plan_pushes(session: Session, company: Company) -> None:
    """Two pushes as drafts."""
    chosen = session.scalars(
        select(ContentVersion).where(ContentVersion.stage == content.Stage.APPROVED).limit(30)
    ).all()
    for name, expression, way, version, cron in (
        ("房颤抗凝月", "标签:房颤 且 企微好友", "suggestion", chosen[0], "5 10 * * mon"),
        ("肺癌靶向更新", "标签:非小细胞肺癌 且 关注公众号", "oa_message", chosen[17], ""),
    ):
        campaigns.create(
            session, name=name, content_id=version.content_id, expression=expression, way=way,
            at=None, cron=cron, author="user:2", now=company.now,
        )  # fmt: skip
