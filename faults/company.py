"""Invented ids and people: the same for the simulated platforms and for the product's database."""

from __future__ import annotations

import os
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

from sqlalchemy.orm import Session

from app import campaigns, consent, content, delivery, identity, reps, tagging
from app.connectors.callback_crypto import Secrets
from app.consent import Action
from app.consent.models import ContactPolicy
from app.content import ContentVersion
from app.delivery import Way
from app.flows.planning.suggestion_card import card, task_id
from app.identity import Id, Identifier, Kind
from app.infra.clock import local
from app.recommend import State, Suggestion
from app.reps import Rep
from app.tagging import Source

CORP, AGENT, APP = "wwfaultscompany01", "1000002", "wxfaultsaccount01"
AES_KEY = "jWmYm7qr5nMoAUwZRjGtBxmz3KA1tkAj3ykkR6q2B2C"
KEYS = "faults:" + "5a" * 32
MARK = "秘示例"  # in what is said of physicians: may appear in no log and no file
WECOM_SECRET, OA_SECRET = "wecom-secret-of-the-faults", "oa-secret-of-the-faults"
WECOM = Secrets("wecomfaultstoken", AES_KEY, CORP)
ACCOUNT = Secrets("oafaultstoken", AES_KEY, APP)
TEMPLATE = "template-of-the-faults"
OURS = ("YISHU_", "WECOM_", "OA_", "WECHAT_", "DATABASE_URL", "REDIS_URL", "PROMETHEUS_")
TAG_NAMES = ("房颤", "高血压", "心力衰竭", "抗凝治疗", "指南", "重点客户", "A1", "A2")
CAMPAIGN_AUDIENCE = "标签:房颤 且 关注公众号"


@dataclass(frozen=True, slots=True)
class Size:
    """How many people there are, from how many events there will be."""

    events: int

    @property
    def reps(self) -> int:
        """Reps with contacts; few enough that limits per rep matter, many enough to obey them."""
        return 60

    @property
    def talkers(self) -> int:
        """Reps who write to the app, once each: the platform takes equal replies once."""
        return 5 + self.events // 60

    @property
    def contacts(self) -> int:
        """Physicians of reps; the first `hot` of them are always busy."""
        return min(400, 60 + self.events // 5)

    hot = 6

    @property
    def followers(self) -> int:
        """Followers of the Official Account who stay."""
        return min(200, 30 + self.events // 10)

    leavers = 20  # followers who come and go

    @property
    def cards(self) -> int:
        """Suggestions that reps answer, and as many cards that wait to be sent."""
        return 10 + min(1000, self.events // 25)

    @property
    def patients(self) -> int:
        """Physicians whom these suggestions are about."""
        return min(100, self.cards)

    @property
    def newcomers(self) -> int:
        """Who follows the account once, and stays."""
        return 10 + min(1000, self.events // 40)

    readers = 12  # followers whom the campaign reaches


def rep_id(number: int) -> str:
    """A rep's userid."""
    return f"faultrep{number:04d}"


def contact_id(number: int) -> str:
    """A physician's external userid."""
    return f"wmfault{number:06d}"


def secrets_to_look_for() -> list[str]:
    """What must never stand in a log or, unencrypted, in a file."""
    phones = [f"1990000{number:04d}" for number in range(Size.hot)]
    return [MARK, *phones, WECOM_SECRET, OA_SECRET, WECOM.token, AES_KEY, KEYS.partition(":")[2]]


def environment(folder: Path, platform_port: int, database: str, redis: str) -> dict[str, str]:
    """The environment of every process of the product."""
    outside = {n: v for n, v in os.environ.items() if not n.startswith(OURS)}
    base = f"http://127.0.0.1:{platform_port}"
    return outside | {
        "DATABASE_URL": database, "REDIS_URL": redis,
        "YISHU_SECRET_KEY": "a secret key of the fault runs",
        "YISHU_ENCRYPTION_KEYS": KEYS, "YISHU_BASE_URL": "http://faults.invalid",
        "YISHU_SPILL_DIR": str(folder / "spill"), "YISHU_LOG_LEVEL": "INFO",
        "WECOM_CORP_ID": CORP, "WECOM_AGENT_ID": AGENT, "WECOM_SECRET": WECOM_SECRET,
        "WECOM_TOKEN": WECOM.token, "WECOM_AES_KEY": AES_KEY, "WECOM_API_BASE": f"{base}/wecom",
        "OA_APP_ID": APP, "OA_SECRET": OA_SECRET, "OA_TOKEN": ACCOUNT.token,
        "OA_AES_KEY": AES_KEY, "OA_API_BASE": f"{base}/oa", "OA_TEMPLATE_ID": TEMPLATE,
        "WEB_HOST": "127.0.0.1", "WEB_CONCURRENCY": "1", "WEB_THREADS": "8",
        "PYTHONUNBUFFERED": "1",
    }  # fmt: skip


def world(size: Size, started: float) -> dict[str, Any]:
    """Everybody, for the simulated platforms."""
    members = [rep_id(n) for n in range(size.reps + size.talkers)]
    persons = [_contact(n) for n in range(size.contacts + size.patients)]
    known = size.followers + size.leavers + size.readers
    persons += [_follower(n, started, n < known) for n in range(known + size.newcomers)]
    tags = [{"id": f"et{n}", "name": name} for n, name in enumerate(TAG_NAMES)]
    return {
        "members": [{"userid": userid, "name": f"代表{userid}"} for userid in members],
        "persons": persons,
        "relations": [
            {"userid": rep_id(n % size.reps), "external_userid": contact_id(n),
             "createtime": int(started) - 86_400, "remark": f"{MARK}{n}"}
            for n in range(size.contacts + size.patients)
        ],
        "corp_tags": [{"group_id": "etg", "group_name": "专科", "tags": tags}],
        "cards": {
            task_id(n + 1): {"card": {"card_type": "button_interaction"}, "replaced": "",
                             "answered": "", "userid": rep_id(_patient(size, n) % size.reps)}
            for n in range(size.cards)
        },
    }  # fmt: skip


def settle_in(session: Session, size: Size, cron: str, now: datetime) -> None:
    """The product's side: reps, a policy without caps, suggestions, cards, a campaign."""
    tagging.seed(session, now)
    session.merge(ContactPolicy(
        id=1, cap_contacts=10**6, cap_days=7, quiet_from_minute=0, quiet_until_minute=0,
        refuse_days=30, updated_at=now,
    ))  # fmt: skip
    team = []
    for number in range(size.reps + size.talkers):
        rep = reps.ensure_rep(session, CORP, rep_id(number), now=now, name=f"代表{number}")
        rep.daily_limit = 0  # no plan of the day: the hour of a run must not matter
        team.append(rep)
    version = _publish(session, now)
    for number in range(size.cards):
        _suggest(session, team[_patient(size, number) % size.reps], size, number, version, now)
    for number in range(size.readers):
        _reader(session, size.followers + size.leavers + number, now)
    made = campaigns.create(
        session, name="定时推送", content_id=version.content_id, expression=CAMPAIGN_AUDIENCE,
        way="oa_message", at=None, cron=cron, author="user:1", now=now,
    )  # fmt: skip
    schedule = campaigns.schedule_of(session, made.id)
    schedule.catch_up = "all"
    campaigns.activate(session, made.id, now)


def follower_id(number: int) -> str:
    """A follower's openid."""
    return f"oAfault{number:06d}"


def _contact(number: int) -> dict[str, Any]:
    return {
        "key": f"c{number}", "name": f"{MARK}{number:05d}", "title": "主任医师",
        "unionid": f"oUfault{number:06d}", "phone": f"1990000{number:04d}"[:11],
        "external_userid": contact_id(number),
    }  # fmt: skip


def _patient(size: Size, number: int) -> int:
    return size.contacts + number % size.patients


def _follower(number: int, started: float, follows: bool) -> dict[str, Any]:
    return {
        "key": f"f{number}", "name": f"{MARK}{number:05d}", "unionid": f"oUfault{number:06d}",
        "openid": follower_id(number), "follows_oa": follows, "subscribed_at": started - 86_400,
    }  # fmt: skip


def _publish(session: Session, now: datetime) -> ContentVersion:
    tag = tagging.by_key(session, "af")
    assert tag is not None
    fields = {"title": "示例资料", "summary": "示例资料的摘要", "body": "正文" * 60}
    version = content.draft(session, author="user:1", fields=fields, tags={tag.id: 1.0}, now=now)
    content.submit(session, version.id, now=now)
    content.approve(
        session, version.id, approver="user:2", approval_no="示例批准 2026-001",
        valid_from=now - timedelta(days=9), valid_until=now + timedelta(days=90), now=now,
    )  # fmt: skip
    return version


def _suggest(
    session: Session, rep: Rep, size: Size, number: int, version: ContentVersion, now: datetime
) -> None:
    """Suggestion 2n+1 is answered by an event of the rep; 2n+2 is a card that waits to be sent."""
    row = _known(session, Kind.WECOM_EXTERNAL_USERID, CORP, contact_id(_patient(size, number)), now)
    reps.connect(session, rep, row, since=now - timedelta(days=1), now=now)
    consent.record(
        session, row.id, action=Action.GRANT, source="added_rep", channel="wecom", at=now
    )
    suggestion = Suggestion(
        id=number + 1, plan_key=f"faults:{number}", rep_id=rep.id, identifier_id=row.id,
        content_id=version.content_id, content_version_id=version.id, day=local(now).date(),
        reasons=[f"理由 {number}"], state=State.DELIVERED, created_at=now, delivered_at=now,
    )  # fmt: skip
    waiting = Suggestion(
        id=10**6 + number, plan_key=f"faults:{number}:card", rep_id=rep.id,
        identifier_id=row.id, content_id=version.content_id, content_version_id=version.id,
        day=local(now).date(), reasons=[f"理由 {number}"], state=State.PLANNED, created_at=now,
    )  # fmt: skip
    session.add_all([suggestion, waiting])
    session.flush()
    body = card(
        waiting, identity.get_physician(session, row.one_id), version, total=0,
        list_url="http://faults.invalid/rep/",
    )  # fmt: skip
    # Spread over the run at about a hundred events a second: some wait whenever something dies.
    start = now + timedelta(seconds=5 + number * 25 / 60)
    delivery.queue(
        session, way=Way.REP_CARD, dedupe_key=f"suggestion:{waiting.id}",
        payload={"corp_id": CORP, "userid": rep.userid, "card": body}, rep_id=rep.id,
        identifier_id=row.id, suggestion_id=waiting.id, content_version_id=version.id,
        task_id=task_id(waiting.id), not_before=start, now=now,
    )  # fmt: skip


def _reader(session: Session, number: int, now: datetime) -> None:
    row = _known(session, Kind.OPENID, APP, follower_id(number), now)
    consent.record(session, row.id, action=Action.GRANT, source="followed", channel="oa", at=now)
    tag = tagging.by_key(session, "af")
    assert tag is not None
    tagging.assert_tag(
        session, row.id, tag.id, source=Source.CRM, ref="crm:faults", evidence="CRM 标签", at=now
    )


def _known(session: Session, kind: Kind, owner: str, value: str, now: datetime) -> Identifier:
    (row,) = identity.observe(
        session, [Id(kind, owner, value)], event_key=f"faults:{value}", source="faults",
        at=now, now=now,
    )  # fmt: skip
    return row


Environment = Mapping[str, str]
