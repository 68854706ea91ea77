"""What the two phones show, as JSON. Reads the world; the caller holds its lock."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from app.sandbox.wecom_moments import seen_by
from app.sandbox.world import Json, Member, Person, Relation, World

SHOWN_MESSAGES, SHOWN_LINES, SHOWN_PEOPLE = 80, 120, 40
HIDDEN = ("body", "request", "answer", "attempts", "envelope")


def view(world: World, userid: str, key: str) -> Json:
    """Everything that the page draws for one rep and one physician."""
    member = world.members.get(userid.lower())
    person = world.persons.get(key)
    return {
        "revision": world.revision,
        "now": world.now(),
        "rep": _rep(world, member) if member else None,
        "person": _person(world, person) if person else None,
        "codes": _codes(world),
        "corp_tags": [
            {"id": tag["id"], "name": tag["name"], "group": group.group_name}
            for group in world.tag_groups
            for tag in group.tags
        ],
        "menu": world.menu,
        "journal": [brief(world, line) for line in world.journal[-SHOWN_LINES:]],
        "trouble": world.trouble,
        "counts": {"members": len(world.members), "persons": len(world.persons)},
    }


def default_pair(world: World) -> tuple[str, str]:
    """The first rep and one of their physicians, or anybody there is."""
    userid = next((m.userid for m in world.members.values()), "")
    mine = [r for r in world.relations if r.userid.lower() == userid.lower() and not r.removed_by]
    mine.sort(key=lambda r: -r.last_chat_at)
    for side in mine:
        person = world.person(external=side.external_userid)
        if person:
            return userid, person.key
    return userid, next(iter(world.persons), "")


def people(world: World, kind: str, text: str, userid: str) -> list[Json]:
    """Reps or physicians whose name, title, hospital or id holds `text`; own contacts first."""
    wanted = text.strip().lower()
    if kind == "rep":
        found = [m for m in world.members.values() if wanted in f"{m.name} {m.userid}".lower()]
        return [_who(m.userid, m.name, m.title, "") for m in found[:SHOWN_PEOPLE]]
    mine = {
        r.external_userid
        for r in world.relations
        if r.userid.lower() == userid.lower() and not r.removed_by
    }
    rows = [
        (p.external_userid not in mine or not p.external_userid, p)
        for p in world.persons.values()
        if wanted in f"{p.name} {p.title} {p.hospital} {p.key}".lower()
    ]
    known = [p for stranger, p in rows if not stranger]
    strangers = [p for stranger, p in rows if stranger]
    shown = known[: SHOWN_PEOPLE - min(len(strangers), 12)] + strangers
    return [
        _who(p.key, p.name, p.title, p.hospital)
        | {"is_contact": bool(p.external_userid) and p.external_userid in mine,
           "follows_oa": p.follows_oa}
        for p in shown[:SHOWN_PEOPLE]
    ]  # fmt: skip


def brief(world: World, line: Json) -> Json:
    """A journal line without what only the click shows, with the name of whom it is about."""
    shown = {name: value for name, value in line.items() if name not in HIDDEN}
    return shown | {"who": _name(world, line.get("about", ""))}


def _name(world: World, about: str) -> str:
    member = world.members.get(about.lower())
    person = world.person(external=about, openid=about) if about and not member else None
    return member.name if member else person.name if person else ""


def _who(key: str, name: str, title: str, hospital: str) -> Json:
    return {"key": key, "name": name, "title": title, "hospital": hospital}


def _rep(world: World, member: Member) -> Json:
    mine = [r for r in world.relations if r.userid.lower() == member.userid.lower()]
    contacts = [_contact(world, r) for r in mine if r.removed_by != "rep"]
    return {
        "userid": member.userid, "name": member.name, "title": member.title,
        "app": [_app_message(world, m) for m in member.inbox[-SHOWN_MESSAGES:]],
        "tasks": [
            task | {"names": _names(world, task["to"])}
            for task in world.tasks.values()
            if task["sender"] == member.userid.lower()
        ][-20:],
        "moments": [
            _moment(m, member.userid.lower())
            for m in world.moments.values()
            if member.userid.lower() in m["senders"]
        ][-20:],
        "contacts": sorted(contacts, key=lambda c: -c["last_at"]),
    }  # fmt: skip


def _moment(moment: Json, userid: str) -> Json:
    """A moment as the member who is to publish it sees it."""
    state = "cancelled" if moment["cancelled"] else "waiting"
    return {
        "id": moment["id"], "at": moment["at"], "text": moment["text"], "link": moment["link"],
        "state": "sent" if userid in moment["published"] else state,
        "seen": len(moment["seen"].get(userid, ())),
    }  # fmt: skip


def _names(world: World, externals: Iterable[str]) -> list[str]:
    persons = (world.person(external=e) for e in list(externals)[:5])
    return [p.name for p in persons if p]


def _app_message(world: World, message: Json) -> Json:
    if message.get("kind") != "card":
        return message
    state = world.cards.get(message["task_id"], {})
    return message | {
        "card": state.get("card", {}),
        "replaced": state.get("replaced", ""),
        "answered": state.get("answered", ""),
    }


def _contact(world: World, side: Relation) -> Json:
    person = world.person(external=side.external_userid)
    return _chat(side) | {
        "external_userid": side.external_userid,
        "key": person.key if person else "",
        "name": person.name if person else side.external_userid,
        "title": person.title if person else "",
        "hospital": person.hospital if person else "",
        "remark": side.remark,
        "description": side.description,
        "phones": side.remark_mobiles,
        "tag_ids": side.tag_ids,
        "state": side.state,
    }


def _chat(side: Relation) -> Json:
    last = side.chat[-1] if side.chat else None
    return {
        "removed_by": side.removed_by,
        "one_sided": side.one_sided,
        "createtime": side.createtime,
        "chat": side.chat[-SHOWN_MESSAGES:],
        "last_at": float(last["at"]) if last else float(side.createtime),
    }


def _person(world: World, person: Person) -> Json:
    sides = [r for r in world.relations if r.external_userid == person.external_userid]
    reps = []
    for side in sides if person.external_userid else ():
        member = world.members.get(side.userid.lower())
        reps.append(
            _chat(side)
            | {"userid": side.userid, "name": member.name if member else side.userid,
               "title": member.title if member else ""}
        )  # fmt: skip
    return {
        **_who(person.key, person.name, person.title, person.hospital),
        "phone": person.phone,
        "follows_oa": person.follows_oa,
        "oa_chat": person.oa_chat[-SHOWN_MESSAGES:],
        "window": {"since": person.last_message_at, "left": person.custom_left},
        "reps": sorted(reps, key=lambda r: -r["last_at"]),
        "moments": [
            {"id": m["id"], "from": world.members[m["from"]].name if m["from"] in world.members
             else m["from"], "at": m["published"][m["from"]], "text": m["text"], "link": m["link"]}
            for m in seen_by(world, person.external_userid)
        ],
    }  # fmt: skip


def _codes(world: World) -> Json:
    return {
        "ways": [
            {
                "config_id": way["config_id"],
                "state": way.get("state", ""),
                "remark": way.get("remark", ""),
                "users": [_member_name(world, u) for u in way.get("user", ())],
            }
            for way in list(world.contact_ways.values())[-30:]
        ],
        "scenes": list(world.scenes)[-30:],
        "reps": [{"userid": m.userid, "name": m.name} for m in list(world.members.values())[:30]],
    }


def _member_name(world: World, userid: Any) -> Json:
    member = world.members.get(str(userid).lower())
    return {"userid": str(userid), "name": member.name if member else str(userid)}
