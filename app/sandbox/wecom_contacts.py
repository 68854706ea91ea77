"""WeCom's customer contact: customers, remarks, groups, welcome messages, contact ways."""

from __future__ import annotations

from flask import request

from app.sandbox.answers import Code, Route, need, ok, size
from app.sandbox.world import Json, Person, Relation, World

REMARK, DESCRIPTION, STATE = 20, 150, 30
MESSAGE_BYTES, ATTACHMENTS = 4000, 9
PAGE = 100
PERSONAL = 2  # type of a tag
WAY_USERS = 100
REMARK_FIELDS = ("remark", "description", "remark_company")


def add(route: Route, world: World) -> None:
    """Mount the endpoints."""
    _customers(route, world)
    _groups(route, world)
    _welcome(route, world)
    _ways(route, world)


def _customers(route: Route, world: World) -> None:
    @route("/externalcontact/get_follow_user_list")
    def follow_users(_body: Json) -> Json:
        return ok(follow_user=[m.userid for m in world.members.values()])

    @route("/externalcontact/list")
    def list_contacts(_body: Json) -> Json:
        userid = request.args.get("userid", "").lower()
        need(userid in world.members, 40003)
        mine = [r.external_userid for r in _living(world) if r.userid.lower() == userid]
        need(mine, 84061)
        return ok(external_userid=mine)

    @route("/externalcontact/get")
    def get(_body: Json) -> Json:
        external = request.args.get("external_userid", "")
        person = world.person(external=external)
        if person is None:
            raise Code(40096)
        sides = [r for r in world.sides(external) if not r.one_sided]
        need(sides, 84061)
        followers = [_side(world, r) for r in sides]
        return ok(external_contact=_contact(person), follow_user=followers)

    @route("/externalcontact/batch/get_by_user")
    def batch(body: Json) -> Json:
        wanted = [str(u).lower() for u in body.get("userid_list") or ()]
        need(0 < len(wanted) <= PAGE, 40032)
        limit = int(body.get("limit") or 50)
        need(0 < limit <= PAGE, 40058)
        rows = [r for r in _living(world) if r.userid.lower() in wanted]
        cursor = str(body.get("cursor") or "0")
        need(cursor.isdigit(), 40058, "invalid cursor")
        start = int(cursor)
        people = {p.external_userid: p for p in world.persons.values()}
        found = ((people.get(r.external_userid), r) for r in rows[start : start + limit])
        more = start + limit < len(rows)
        return ok(
            external_contact_list=[
                {"external_contact": _contact(p), "follow_info": _batch_side(world, r)}
                for p, r in found
                if p
            ],
            next_cursor=str(start + limit) if more else "",
        )

    @route("/externalcontact/remark")
    def remark(body: Json) -> Json:
        side = own_side(world, body)
        need(any(name in body for name in (*REMARK_FIELDS, "remark_mobiles")), 40058)
        need(len(str(body.get("remark", ""))) <= REMARK, 40058, "remark too long")
        need(len(str(body.get("description", ""))) <= DESCRIPTION, 40058, "description too long")
        for name in ("remark", "description"):
            setattr(side, name, str(body.get(name, getattr(side, name))))
        if "remark_mobiles" in body:
            side.remark_mobiles = [p for p in body["remark_mobiles"] if p]
        world.changed()
        return ok()


def _groups(route: Route, world: World) -> None:
    @route("/externalcontact/groupchat/list")
    def groups(body: Json) -> Json:
        need(1 <= int(body.get("limit") or 0) <= 1000, 40058, "limit")
        owners = {u.lower() for u in body.get("owner_filter", {}).get("userid_list", ())}
        found = [g for g in world.groups.values() if not owners or g["owner"].lower() in owners]
        return ok(
            group_chat_list=[{"chat_id": g["chat_id"], "status": 0} for g in found], next_cursor=""
        )

    @route("/externalcontact/groupchat/get")
    def group(body: Json) -> Json:
        found = world.groups.get(str(body.get("chat_id")))
        if found is None:
            raise Code(40050, "invalid chatid")
        return ok(group_chat=found)


def _welcome(route: Route, world: World) -> None:
    @route("/externalcontact/send_welcome_msg")
    def welcome(body: Json) -> Json:
        code = world.codes.get(str(body.get("welcome_code", "")))
        if code is None or "external_userid" not in code or world.now() > code["until"]:
            raise Code(41050)
        side = world.relation(code["userid"], code["external_userid"])
        talked = side is not None and side.last_chat_at >= side.createtime
        need(side is not None and not code.get("used") and not talked, 41051)
        assert side is not None
        text, link = message_parts(body)
        code["used"] = True
        side.chat.append({"at": world.now(), "from": "rep", "text": text, "link": link})
        world.changed()
        return ok()


def message_parts(body: Json) -> tuple[str, Json | None]:
    """Text and first link of a welcome or mass message. Raises the platform's codes."""
    text = str((body.get("text") or {}).get("content", ""))
    attachments = body.get("attachments") or []
    need(text or attachments, 40063)
    need(size(text) <= MESSAGE_BYTES, 45002)
    need(len(attachments) <= ATTACHMENTS, 40058, "attachments")
    links: list[Json] = [a["link"] for a in attachments if a.get("msgtype") == "link"]
    need(all(link.get("title") and link.get("url") for link in links), 40063)
    return text, links[0] if links else None


def _ways(route: Route, world: World) -> None:
    @route("/externalcontact/add_contact_way")
    def add_way(body: Json) -> Json:
        users = body.get("user") or []
        need(len(str(body.get("state", ""))) <= STATE, 40058, "state too long")
        need(body.get("type") in (1, 2) and body.get("scene") in (1, 2), 40058)
        need(users and (len(users) == 1 or body["type"] == 2), 40058, "user")
        need(len(users) <= WAY_USERS, 41041)
        need(all(str(u).lower() in world.members for u in users), 40003)
        config_id = world.next_id("way")
        address = f"https://wework.qpic.cn/sandbox/{config_id}"
        world.contact_ways[config_id] = {**body, "config_id": config_id, "qr_code": address}
        world.changed()
        return ok(config_id=config_id, qr_code=address)

    @route("/externalcontact/get_contact_way")
    def get_way(body: Json) -> Json:
        return ok(contact_way=_way(world, body))

    @route("/externalcontact/update_contact_way")
    def update_way(body: Json) -> Json:
        way = _way(world, body)
        need(len(str(body.get("state", ""))) <= STATE, 40058, "state too long")
        way.update(body)
        world.changed()
        return ok()

    @route("/externalcontact/list_contact_way")
    def list_ways(_body: Json) -> Json:
        return ok(contact_way=[{"config_id": key} for key in world.contact_ways], next_cursor="")

    @route("/externalcontact/del_contact_way")
    def delete_way(body: Json) -> Json:
        del world.contact_ways[_way(world, body)["config_id"]]
        world.changed()
        return ok()


def _way(world: World, body: Json) -> Json:
    way = world.contact_ways.get(str(body.get("config_id")))
    if way is None:
        raise Code(40058, "invalid config_id")
    return way


def own_side(world: World, body: Json) -> Relation:
    """The member's own living side that a request names. Raises the platform's codes."""
    userid, external = str(body.get("userid", "")), str(body.get("external_userid", ""))
    need(userid.lower() in world.members, 40003)
    need(world.person(external=external), 40096)
    side = world.relation(userid, external)
    if side is None or side.removed_by == "rep" or side.one_sided:
        raise Code(84061)
    return side


def _living(world: World) -> list[Relation]:
    return [r for r in world.relations if r.removed_by != "rep" and not r.one_sided]


def _contact(person: Person) -> Json:
    return {
        "external_userid": person.external_userid, "name": person.name, "type": 1,
        "unionid": person.unionid, "gender": 0, "avatar": "", "position": "", "corp_name": "",
    }  # fmt: skip


def _side(world: World, side: Relation) -> Json:
    tags = [
        {"group_name": group.group_name, "tag_name": tag["name"], "tag_id": tag["id"], "type": 1}
        for group, tag in filter(None, map(world.tag, side.tag_ids))
    ]
    tags += [{"group_name": "", "tag_name": name, "type": PERSONAL} for name in side.personal_tags]
    return {
        "userid": side.userid, "remark": side.remark, "description": side.description,
        "createtime": side.createtime, "tags": tags, "remark_mobiles": side.remark_mobiles,
        "state": side.state, "add_way": side.add_way, "oper_userid": side.userid,
    }  # fmt: skip


def _batch_side(world: World, side: Relation) -> Json:
    """As `_side`, but with the ids of corp tags only: that is all the batch call gives."""
    shown = _side(world, side)
    tags = shown.pop("tags")
    return shown | {"tag_id": [tag["tag_id"] for tag in tags if tag["type"] != PERSONAL]}
