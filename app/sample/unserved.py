"""Interests that no content of the company serves, and two audiences that it plans with."""

from __future__ import annotations

from sqlalchemy.orm import Session

from app import segments, tagging
from app.identity import Identifier
from app.sample.company import Company
from app.tagging import Source

WANTED = {"心血管": (("dyslipidemia", 3), ("cad", 5)), "肿瘤": (("sclc", 4),)}
"""By area: tag, and every how many physicians have it."""
AUDIENCES = (
    ("三甲心血管医生", "专科 = 心血管 且 医院等级 = 三甲 且 企微好友", "重点医院的代表沟通"),
    ("血脂与冠心病", "标签:血脂异常 或 标签:冠心病", "还没有内容，等医学部排期"),
)


def want_more(session: Session, company: Company, known: dict[str, dict[str, Identifier]]) -> None:
    """What the CRM says beside the subjects that are written about."""
    keys = {tag.key: tag for tag in tagging.tags(session)}
    for number, person in enumerate(company.people):
        row = known[person.key].get("crm")
        for key, every in WANTED[person.area]:
            if row is not None and number % every == 0:
                tagging.assert_tag(
                    session, row.id, keys[key].id, source=Source.CRM, ref=f"crm:{key}",
                    evidence=f"CRM 标签「{keys[key].name}」", at=person.since,
                )  # fmt: skip


def plan_audiences(session: Session, company: Company) -> None:
    """Saved, so that pushes can name them."""
    for name, expression, description in AUDIENCES:
        segments.saved.save(
            session, name=name, expression=expression, description=description, author="user:2",
            now=company.now,
        )  # fmt: skip
