"""The same people for the simulated platforms."""

from __future__ import annotations

from dataclasses import asdict
from typing import Any

import httpx

from app import completeness
from app.bootstrap import Parts
from app.connectors.wecom.types import Customer, Follower
from app.flows.followers.menu_used import MENU
from app.sample.company import CODES, Progress
from app.sample.people import SamplePhysician, SampleRep


def seed_sandbox(
    parts: Parts, team: tuple[SampleRep, ...], people: tuple[SamplePhysician, ...], say: Progress
) -> None:
    """Give the simulated platforms the same people; real platforms know their own."""
    base = parts.settings.wecom_api_base.removesuffix("/wecom")
    if not parts.settings.yishu_demo or base == parts.settings.wecom_api_base:
        return
    say("手机页面里的人物")
    try:
        there = httpx.get(f"{base}/sandbox/world", timeout=30).json()
        if there.get("persons"):
            return
        world = _world(team, people)
        httpx.put(f"{base}/sandbox/world", json=world, timeout=60).raise_for_status()
        account = parts.outside.official_accounts[parts.settings.oa_app_id]
        account.create_menu(MENU)
        for kind, scene, _, _ in CODES:
            if kind == "oa":
                account.create_code(scene)
    except httpx.HTTPError as problem:
        raise RuntimeError(f"the sandbox did not take the people: {problem}") from None


def _world(team: tuple[SampleRep, ...], people: tuple[SamplePhysician, ...]) -> dict[str, Any]:
    persons = [_in_world(p) for p in people]
    persons.append(
        {"key": "new", "name": "新医生 示例", "title": "主治医师", "hospital": "云岭市中心医院",
         "unionid": "oUnewphysician0000000000000", "phone": "19955550000"}
    )  # fmt: skip
    relations = [_side_in_world(p, userid) for p in people for userid in p.rep_userids]
    groups = {
        "专科": ("房颤", "高血压", "非小细胞肺癌", "心力衰竭"),
        "学术兴趣": ("抗凝治疗", "靶向", "指南", "病例"),
        "跟进": ("A1", "A2", "A3", "重点客户"),
    }
    return {
        "members": [{"userid": rep.userid, "name": rep.name} for rep in team],
        "persons": persons,
        "relations": relations,
        "corp_tags": [
            {
                "group_id": f"etg{g}", "group_name": group,
                "tags": [{"id": f"et{g}{n}", "name": name} for n, name in enumerate(names)],
            }
            for g, (group, names) in enumerate(groups.items())
        ],
        "contact_ways": {
            scene: {"config_id": scene, "state": scene, "user": ["rep01"]}
            for kind, scene, _, _ in CODES
            if kind == "wecom"
        },
    }  # fmt: skip


def _in_world(person: SamplePhysician) -> dict[str, Any]:
    return {
        **{k: asdict(person)[k] for k in ("key", "name", "title", "hospital", "unionid")},
        "phone": person.phone or "",
        "external_userid": person.external_userid or "",
        "openid": person.openid or "",
        "follows_oa": bool(person.openid),
    }


def _side_in_world(person: SamplePhysician, userid: str) -> dict[str, Any]:
    return {
        "userid": userid, "external_userid": person.external_userid, "remark": person.name,
        "createtime": int(person.since.timestamp()), "add_way": 1,
        "remark_mobiles": [person.phone] if person.phone else [],
    }  # fmt: skip


def mark_of(person: SamplePhysician, userid: str) -> bytes:
    """As if the contact had been read: then the first pull finds nothing to read again."""
    side = Follower.of(_side_in_world(person, userid))
    shown = {k: _in_world(person)[k] for k in ("external_userid", "name", "unionid")}
    return completeness.mark_of(Customer.of(shown, [side]), side)
