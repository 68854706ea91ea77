"""Why two identifiers are one person: the shortest chain of evidence, in words."""

from __future__ import annotations

from collections import deque
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.identity.called import WEAK
from app.identity.models import Conflict, Evidence, Identifier, IdentifierStatus, Kind, Override

KIND_NAMES = {
    Kind.LICENCE_NO: "执业证号",
    Kind.CRM_ID: "CRM 编号",
    Kind.UNIONID: "微信开放平台账号",
    Kind.WECOM_EXTERNAL_USERID: "企业微信联系人",
    Kind.OPENID: "公众号粉丝",
    Kind.PHONE: "手机号",
    Kind.DEVICE: "设备",
}
SOURCE_NAMES = {
    "wecom.contact": "企业微信联系人详情",
    "oa.user_info": "公众号用户信息",
    "crm.import": "CRM 导入",
    "oa.binding": "公众号绑定",
}
WECHAT = (Kind.UNIONID, Kind.WECOM_EXTERNAL_USERID, Kind.OPENID)
REASON_NAMES = {"cannot_link": "有人判断这是两个人", "shared": "这个值由多人共用"}


@dataclass(frozen=True, slots=True)
class Step:
    """One link of the chain (or what keeps two apart), as a sentence."""

    a_id: int
    b_id: int
    text: str
    at: datetime
    event_key: str
    source: str = ""
    kinds: tuple[str, ...] = ()  # of `a` and `b`, when they occurred together
    note: str = ""  # what a person said


def explain(session: Session, a: Identifier, b: Identifier) -> list[Step]:
    """The chain from `a` to `b`; for two persons, the conflict that keeps them apart."""
    if a.one_id != b.one_id:
        return _apart(session, a, b)
    rows = session.scalars(select(Identifier).where(Identifier.one_id == a.one_id)).all()
    nodes = {row.id: row for row in rows if row.status == IdentifierStatus.ACTIVE}
    links = _links(session, list(nodes))
    before: dict[int, Step | None] = {a.id: None}
    queue = deque([a.id])
    while queue:
        here = queue.popleft()
        for step in links.get(here, ()):
            there = step.b_id if step.a_id == here else step.a_id
            if there in nodes and there not in before:
                before[there] = step
                queue.append(there)
    return _walk_back(before, a.id, b.id)


def is_sure(session: Session, one: Identifier) -> bool:
    """Whether all WeChat identities of this person hang together with `one` by what platforms or
    colleagues have said, and not by a phone or a device: a rep may have mistyped that."""
    rows = session.scalars(select(Identifier).where(Identifier.one_id == one.one_id)).all()
    links = _links(session, [row.id for row in rows if row.status == IdentifierStatus.ACTIVE])
    sure, waiting = {one.id}, [one.id]
    while waiting:
        strong = (s for s in links.get(waiting.pop(), ()) if not {*s.kinds} & {*WEAK})
        fresh = {end for step in strong for end in (step.a_id, step.b_id)} - sure
        sure |= fresh
        waiting += fresh
    return all(row.id in sure for row in rows if row.kind in WECHAT and row.value)


def _walk_back(before: dict[int, Step | None], start: int, end: int) -> list[Step]:
    chain: list[Step] = []
    here = end
    while here != start:
        step = before.get(here)
        if step is None:
            return []
        chain.append(step)
        here = step.a_id if step.b_id == here else step.b_id
    return chain[::-1]


def _links(session: Session, ids: list[int]) -> dict[int, list[Step]]:
    kinds = dict(
        session.execute(select(Identifier.id, Identifier.kind).where(Identifier.id.in_(ids))).all()
    )
    found: dict[int, list[Step]] = {}
    evidence = session.scalars(
        select(Evidence)
        .where(Evidence.a_id.in_(ids), Evidence.b_id.in_(ids), Evidence.active.is_(True))
        .order_by(Evidence.trust.desc(), Evidence.at)
    )
    for row in evidence:
        both = (kinds[row.a_id], kinds[row.b_id])
        text = _sentence(*both, row.source)
        _add(found, Step(row.a_id, row.b_id, text, row.at, row.event_key, row.source, both))
    judged = session.scalars(
        select(Override).where(
            Override.kind == "must", Override.retracted_at.is_(None), Override.a_id.in_(ids)
        )
    )
    for judgement in judged:
        if judgement.b_id in kinds:
            text = f"人工判断为同一人：{judgement.reason}"
            key = f"override:{judgement.id}"
            step = Step(
                judgement.a_id, judgement.b_id, text, judgement.at, key, note=judgement.reason
            )
            _add(found, step)
    return found


def _add(found: dict[int, list[Step]], step: Step) -> None:
    found.setdefault(step.a_id, []).append(step)
    found.setdefault(step.b_id, []).append(step)


def _sentence(a: str, b: str, source: str) -> str:
    one, other = KIND_NAMES[Kind(a)], KIND_NAMES[Kind(b)]
    return f"{SOURCE_NAMES.get(source, source)}里，{one}与{other}同时出现"


def _apart(session: Session, a: Identifier, b: Identifier) -> list[Step]:
    mine = select(Identifier.id).where(Identifier.one_id.in_((a.one_id, b.one_id)))
    rows = session.scalars(
        select(Conflict).where(or_(Conflict.a_id.in_(mine), Conflict.b_id.in_(mine)))
    )
    return [
        Step(row.a_id, row.b_id, f"没有合并：{_reason(row.reason)}", row.at, f"conflict:{row.id}")
        for row in rows
    ]


def _reason(code: str) -> str:
    if code.startswith("limit:"):
        return f"合并后一个人会有过多的{KIND_NAMES[Kind(code.removeprefix('limit:'))]}"
    return REASON_NAMES.get(code, code)
