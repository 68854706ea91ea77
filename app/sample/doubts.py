"""What contradicts itself about a few physicians, so that the court has something to decide.

One case settles itself, because nothing that was sent was ever opened; of the others one was
decided and appealed, and the rest wait. The people are chosen from the end, and by a dice of its
own, so that nothing else in the company changes with it.
"""

from __future__ import annotations

from collections.abc import Iterator
from datetime import datetime, timedelta
from itertools import islice

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import court, reps, tagging
from app.court import TagCase, Verdict
from app.identity import Identifier
from app.journey import Happened, Touchpoint
from app.sample.company import Company, Versions
from app.sample.people import SamplePhysician
from app.sample.sent import sent
from app.tagging import Source

Known = dict[str, dict[str, Identifier]]
REVIEWER, MARKETER = "user:3", "user:2"
LONG = timedelta(days=330)
MANY = 24  # contents that somebody was sent and never opened


def doubt(
    session: Session,
    company: Company,
    known: Known,
    versions: Versions,
    rows: dict[str, reps.Rep],
) -> None:
    """Let sources contradict each other, and the court look at it."""

    def ago(days: int) -> datetime:
        return company.now - timedelta(days=days)

    chosen = _heart_doctors(session, company, known)
    if len(chosen) < 6:  # a very small company agrees with itself
        return
    never, silent, two_stages, other_stages, both_channels, denied = chosen

    _say(session, never, "anticoagulation", Source.WECOM_TAG, "企微标签「抗凝」", ago(75))
    _send_unopened(session, company, never, _about(versions, "抗凝"), rows)
    _say(session, silent, "stage-advocate", Source.REP_FEEDBACK, "代表反馈「愿意分享」", ago(35))
    _send_unopened(session, company, silent, versions, rows)
    for who, one, other in ((two_stages, "stage-trial", "stage-regular"),
                            (other_stages, "stage-aware", "stage-advocate")):  # fmt: skip
        _say(session, who, one, Source.CRM, "CRM 标签：采用阶段", ago(20))
        _say(session, who, other, Source.WECOM_TAG, "企微标签：采用阶段", ago(6))
    _say(session, both_channels, "ch-meeting", Source.CRM, "CRM 标签「学术会议」", ago(25))
    _say(session, both_channels, "ch-online", Source.PERSON, "市场人员标注", ago(9))
    _say(session, denied, "heart-failure", Source.CRM, "CRM 标签「心衰」", ago(30))
    _say(session, denied, "heart-failure", Source.PERSON, "本人说不再看心衰门诊", ago(4), -1.0)
    session.flush()
    court.examine(session, [row.one_id for _, row in chosen], company.now)
    _appeal(session, two_stages[1], company.now)


Chosen = tuple[SamplePhysician, Identifier]


def _heart_doctors(session: Session, company: Company, known: Known) -> list[Chosen]:
    """Six with a rep of their own, who opened nothing until now, and whom the CRM has known for so
    long that what it said first has faded."""

    opened = set(session.scalars(
        select(Identifier.one_id)
        .join(Touchpoint, Touchpoint.identifier_id == Identifier.id)
        .where(Touchpoint.kind == Happened.CONTENT_OPENED)
    ))  # fmt: skip

    def all_of_them() -> Iterator[Chosen]:
        for person in reversed(company.people):
            here = known[person.key]
            long_known = person.since < company.now - LONG
            ours = person.area == "心血管" and "wecom" in here and "crm" in here
            if ours and long_known and here["wecom"].one_id not in opened:
                yield person, here["wecom"]

    return list(islice(all_of_them(), 6))


def _say(
    session: Session,
    who: Chosen,
    key: str,
    source: Source,
    evidence: str,
    at: datetime,
    confidence: float = 1.0,
) -> None:
    tag = tagging.by_key(session, key)
    assert tag is not None
    tagging.assert_tag(
        session, who[1].id, tag.id, source=source, ref=f"sample:doubt:{key}", evidence=evidence,
        at=at, confidence=confidence,
    )  # fmt: skip


def _about(versions: Versions, name: str) -> Versions:
    return [pair for pair in versions if name in dict(pair[0].tags)]


def _send_unopened(
    session: Session,
    company: Company,
    who: Chosen,
    versions: Versions,
    rows: dict[str, reps.Rep],
) -> None:
    person, identifier = who
    rep = rows[person.rep_userids[0]]
    of_area = [v for sample, v in versions if sample.area == person.area and v.decided_at]
    newest = sorted(of_area, key=lambda version: version.decided_at or company.now, reverse=True)
    for number, version in enumerate(newest[:MANY]):
        at = company.now - timedelta(days=5 + number, hours=3)
        if version.decided_at is None or version.decided_at > at:
            continue
        sent(session, version, identifier, rep, at)


def _appeal(session: Session, row: Identifier, now: datetime) -> None:
    """Somebody decided, and somebody else disagrees: a third has to say."""
    case = session.scalars(
        select(TagCase)
        .join(Identifier, Identifier.id == TagCase.identifier_id)
        .where(Identifier.one_id == row.one_id, TagCase.kind == court.Kind.EXCLUSIVE)
    ).first()
    if case is None or case.state != court.CaseState.OPEN:
        return
    court.decide(
        session, case.id, Verdict.FIRST, actor=REVIEWER, reason="以 CRM 的最近一次更新为准",
        now=now - timedelta(hours=20),
    )  # fmt: skip
    court.appeal(
        session, case.id, actor=MARKETER, reason="上周科室会上，本人说已经常规使用", now=now
    )
