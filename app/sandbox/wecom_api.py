"""The WeCom server's endpoints, with the rules that matter to a client."""

from __future__ import annotations

import calendar
import json
import re
from collections.abc import Callable
from datetime import datetime
from typing import Any

from flask import Blueprint, request

from app.infra.clock import SHANGHAI
from app.sandbox.answers import Code, Route, View, endpoint, new_token, ok
from app.sandbox.world import CorpTagGroup, Json, Relation, World

TASK = re.compile(r"[0-9A-Za-z_\-@]{1,128}")
PER_MINUTE, PER_HOUR = 30, 1000
CARD_CODE_LIFE_S = 72 * 3600
TEXT_BYTES = 2048


def build(world: World, corp_id: str, secret: str) -> Blueprint:
    """All endpoints under /wecom/cgi-bin."""
    bp = Blueprint("wecom_api", __name__, url_prefix="/wecom/cgi-bin")

    def route(path: str, *, token: bool = True) -> Callable[[View], View]:
        def decorate(view: View) -> View:
            wrapped = endpoint(world, "wecom", token=token)(view)
            bp.add_url_rule(path, path.replace("/", "_"), wrapped, methods=["GET", "POST"])
            return view

        return decorate

    @route("/gettoken", token=False)
    def gettoken(_body: Json) -> Json:
        if request.args.get("corpid") != corp_id:
            raise Code(40013, "invalid corpid")
        if request.args.get("corpsecret") != secret:
            raise Code(40001)
        return ok(access_token=new_token(world, "wecom"), expires_in=7200)

    @route("/user/get")
    def user_get(_body: Json) -> Json:
        member = world.members.get(request.args.get("userid", "").lower())
        if member is None:
            raise Code(60111, "userid not found")
        return ok(userid=member.userid, name=member.name, position=member.title, status=1)

    _contacts(route, world)
    _tags(route, world)
    _messages(route, world)
    _tasks(route, world)
    _pages(route, world)
    return bp


def _contacts(route: Route, world: World) -> None:
    @route("/externalcontact/get_follow_user_list")
    def follow_users(_body: Json) -> Json:
        return ok(follow_user=[m.userid for m in world.members.values()])

    @route("/externalcontact/list")
    def list_contacts(_body: Json) -> Json:
        userid = request.args.get("userid", "").lower()
        if userid not in world.members:
            raise Code(40003)
        mine = [r.external_userid for r in _living(world) if r.userid.lower() == userid]
        if not mine:
            raise Code(84061)
        return ok(external_userid=mine)

    @route("/externalcontact/get")
    def get(_body: Json) -> Json:
        external = request.args.get("external_userid", "")
        person = world.person(external=external)
        if person is None:
            raise Code(40096)
        sides = [r for r in world.sides(external) if not r.one_sided]
        if not sides:
            raise Code(84061)
        return ok(external_contact=_contact(person), follow_user=[_side(world, r) for r in sides])

    @route("/externalcontact/batch/get_by_user")
    def batch(body: Json) -> Json:
        wanted = {u.lower() for u in body.get("userid_list", ())}
        rows = [r for r in _living(world) if r.userid.lower() in wanted]
        start, size = int(body.get("cursor") or 0), int(body.get("limit") or 50)
        page = rows[start : start + size]
        return ok(
            external_contact_list=[
                {
                    "external_contact": _contact(world.person(external=r.external_userid)),
                    "follow_info": _side(world, r),
                }
                for r in page
            ],
            next_cursor=str(start + size) if start + size < len(rows) else "",
        )

    @route("/externalcontact/remark")
    def remark(body: Json) -> Json:
        side = _relation(world, body)
        for name in ("remark", "description", "remark_mobiles"):
            if name in body:
                setattr(
                    side,
                    name,
                    [p for p in body[name] if p] if name == "remark_mobiles" else body[name],
                )
        world.changed()
        return ok()

    @route("/externalcontact/groupchat/list")
    def groups(_body: Json) -> Json:
        return ok(group_chat_list=[], next_cursor="")

    @route("/externalcontact/groupchat/get")
    def group(body: Json) -> Json:
        return ok(group_chat={"chat_id": body.get("chat_id"), "name": "", "member_list": []})

    @route("/externalcontact/send_welcome_msg")
    def welcome(body: Json) -> Json:
        code = world.codes.pop(str(body.get("welcome_code", "")), None)
        if code is None or world.now() > code["until"]:
            raise Code(41050)
        side = world.relation(code["userid"], code["external_userid"])
        if side is None:
            raise Code(41051)
        text = body.get("text", {}).get("content", "")
        side.chat.append({"at": world.now(), "from": "rep", "text": text})
        world.changed()
        return ok()

    @route("/externalcontact/add_contact_way")
    def add_way(body: Json) -> Json:
        if len(str(body.get("state", ""))) > 30 or not body.get("user"):
            raise Code(40058)
        config_id = world.next_id("way")
        world.contact_ways[config_id] = {**body, "config_id": config_id}
        world.changed()
        return ok(config_id=config_id, qr_code=f"https://wework.qpic.cn/sandbox/{config_id}")

    @route("/externalcontact/get_contact_way")
    def get_way(body: Json) -> Json:
        way = world.contact_ways.get(str(body.get("config_id")))
        if way is None:
            raise Code(40058)
        return ok(contact_way=way)

    @route("/externalcontact/list_contact_way")
    def list_ways(_body: Json) -> Json:
        return ok(contact_way=[{"config_id": key} for key in world.contact_ways])

    @route("/externalcontact/del_contact_way")
    def delete_way(body: Json) -> Json:
        world.contact_ways.pop(str(body.get("config_id")), None)
        world.changed()
        return ok()


def _tags(route: Route, world: World) -> None:
    @route("/externalcontact/get_corp_tag_list")
    def list_tags(body: Json) -> Json:
        wanted = set(body.get("tag_id") or ())
        groups = [
            {
                "group_id": g.group_id,
                "group_name": g.group_name,
                "tag": [t for t in g.tags if not wanted or t["id"] in wanted],
            }
            for g in world.tag_groups
        ]
        return ok(tag_group=[g for g in groups if g["tag"]])

    @route("/externalcontact/add_corp_tag")
    def add_tags(body: Json) -> Json:
        name = str(body.get("group_name", ""))
        group = next((g for g in world.tag_groups if g.group_name == name), None)
        if group is None:
            group = CorpTagGroup(world.next_id("etg"), name)
            world.tag_groups.append(group)
        made = []
        for item in body.get("tag", ()):
            tag = {"id": world.next_id("et"), "name": item["name"]}
            group.tags.append(tag)
            made.append(tag)
        world.changed()
        return ok(tag_group={"group_id": group.group_id, "group_name": name, "tag": made})

    @route("/externalcontact/mark_tag")
    def mark(body: Json) -> Json:
        side = _relation(world, body)
        add, remove = body.get("add_tag") or [], body.get("remove_tag") or []
        if any(world.tag(tag_id) is None for tag_id in (*add, *remove)):
            raise Code(40068)
        side.tag_ids = [t for t in dict.fromkeys([*side.tag_ids, *add]) if t not in remove]
        world.changed()
        return ok()


def _messages(route: Route, world: World) -> None:
    @route("/message/send")
    def send(body: Json) -> Json:
        known = [world.members.get(u.lower()) for u in str(body.get("touser", "")).split("|")]
        takers = [m for m in known if m is not None]
        if not takers:
            raise Code(81013)
        if body.get("enable_duplicate_check"):
            _check_duplicate(world, body)
        message = _message(world, body)
        for member in takers:
            recent = [t for t in member.outgoing if world.now() - t < 3600]
            minute = [t for t in recent if world.now() - t < 60]
            member.outgoing = [*recent, world.now()]
            if len(minute) >= PER_MINUTE or len(recent) >= PER_HOUR:
                world.note("dropped", "message/send", userid=member.userid)
                continue  # over the limit the platform drops without a word
            member.inbox.append({**message, "at": world.now()})
        world.changed()
        answer = {"msgid": world.next_id("msg")}
        if "response_code" in message:
            answer["response_code"] = message["response_code"]
        unknown = [u for u, m in zip(str(body["touser"]).split("|"), known, strict=True) if not m]
        return ok(invaliduser="|".join(u.lower() for u in unknown), **answer)

    @route("/message/update_template_card")
    def update(body: Json) -> Json:
        code = world.codes.pop(str(body.get("response_code", "")), None)
        if code is None or world.now() > code["until"]:
            raise Code(60140)
        state = world.cards[code["task_id"]]
        if "button" in body:
            state["replaced"] = body["button"]["replace_name"]
        else:
            card = body["template_card"]
            _check_card(card)
            state["card"], state["replaced"] = card, ""
        world.changed()
        return ok(invaliduser=[])

    @route("/message/recall")
    def recall(_body: Json) -> Json:
        return ok()


def _message(world: World, body: Json) -> Json:
    kind = str(body.get("msgtype", ""))
    if kind == "text":
        text = str(body.get("text", {}).get("content", ""))
        cut = text.encode()[:TEXT_BYTES].decode(errors="ignore")
        return {"kind": "text", "text": cut}
    if kind == "template_card":
        card = body.get("template_card", {})
        _check_card(card)
        task = card["task_id"]
        if task in world.cards:
            raise Code(42014)
        world.cards[task] = {"card": card, "replaced": "", "answered": "", "userid": body["touser"]}
        return {"kind": "card", "task_id": task, "response_code": card_code(world, task)}
    raise Code(40008, "invalid message type")


def card_code(world: World, task: str) -> str:
    """A fresh response code of a card: one use, 72 hours."""
    code = world.next_id("rc")
    world.codes[code] = {"task_id": task, "until": world.now() + CARD_CODE_LIFE_S}
    return code


def _check_card(card: Json) -> None:
    if not TASK.fullmatch(str(card.get("task_id", ""))):
        raise Code(42014, "taskid empty or exceed max len")
    if card.get("card_type") != "button_interaction":
        raise Code(42027, "unknown card type")
    if not card.get("main_title", {}).get("title"):
        raise Code(42029, "main title is empty")
    buttons = card.get("button_list") or []
    if not 1 <= len(buttons) <= 6 or any(not b.get("text") or not b.get("key") for b in buttons):
        raise Code(42045, "button list")
    if len(card.get("horizontal_content_list") or []) > 6:
        raise Code(42033, "horizontal content list")


def _check_duplicate(world: World, body: Json) -> None:
    text = json.dumps(body, sort_keys=True)
    last = world.sent_requests.get(text, 0.0)
    if world.now() - last < float(body.get("duplicate_check_interval", 1800)):
        raise Code(45033, "duplicate message")
    world.sent_requests[text] = world.now()


def _tasks(route: Route, world: World) -> None:
    @route("/externalcontact/add_msg_template")
    def add(body: Json) -> Json:
        sender = str(body.get("sender", "")).lower()
        taken: list[str] = []
        failed: list[str] = []
        for external in body.get("external_userid") or []:
            (taken if _may_mass_send(world, sender, external) else failed).append(external)
        if not taken:
            raise Code(41048)
        task_id = world.next_id("gm")
        world.tasks[task_id] = {
            "id": task_id, "sender": sender, "at": world.now(), "state": "waiting",
            "text": body.get("text", {}).get("content", ""),
            "attachments": body.get("attachments", []),
            "to": dict.fromkeys(taken, 0),
        }  # fmt: skip
        world.changed()
        return ok(msgid=task_id, fail_list=failed)

    @route("/externalcontact/get_groupmsg_send_result")
    def results(body: Json) -> Json:
        task = world.tasks.get(str(body.get("msgid")))
        if task is None:
            raise Code(40058)
        return ok(
            send_list=[
                {"external_userid": e, "userid": task["sender"], "status": s,
                 "send_time": int(task.get("sent_at", 0)) if s == 1 else 0}
                for e, s in task["to"].items()
            ],
            next_cursor="",
        )  # fmt: skip

    @route("/externalcontact/get_groupmsg_task")
    def state(body: Json) -> Json:
        task = world.tasks.get(str(body.get("msgid")))
        if task is None:
            raise Code(40058)
        status = 2 if task["state"] == "sent" else 0
        return ok(task_list=[{"userid": task["sender"], "status": status}], next_cursor="")

    @route("/externalcontact/remind_groupmsg_send")
    def remind(_body: Json) -> Json:
        return ok()

    @route("/externalcontact/cancel_groupmsg_send")
    def cancel(body: Json) -> Json:
        task = world.tasks.get(str(body.get("msgid")))
        if task is None or task["state"] != "waiting":
            raise Code(41093)
        task["state"] = "cancelled"
        world.changed()
        return ok()


def month(world: World) -> tuple[str, int]:
    """This month in China and the number of its days: the cap of mass messages a contact."""
    here = datetime.fromtimestamp(world.now(), SHANGHAI)
    return f"{here:%Y-%m}", calendar.monthrange(here.year, here.month)[1]


def _may_mass_send(world: World, sender: str, external: str) -> bool:
    side = world.relation(sender, external)
    if side is None or side.removed_by or side.one_sided:
        return False
    newest = max(world.sides(external), key=lambda r: (r.last_chat_at, r.createtime))
    name, cap = month(world)
    person = world.person(external=external)
    return newest is side and person is not None and person.mass_sent.get(name, 0) < cap


def _pages(route: Route, world: World) -> None:
    @route("/get_jsapi_ticket")
    def corp_ticket(_body: Json) -> Json:
        return ok(ticket="sandbox-corp-ticket", expires_in=7200)

    @route("/ticket/get")
    def app_ticket(_body: Json) -> Json:
        return ok(ticket="sandbox-agent-ticket", expires_in=7200)

    @route("/auth/getuserinfo")
    def who(_body: Json) -> Json:
        code = world.codes.pop(request.args.get("code", ""), None)
        if code is None or world.now() > code["until"] or "userid" not in code:
            raise Code(40029)
        return ok(userid=code["userid"], user_ticket=world.next_id("ut"))

    @route("/getcallbackip")
    def addresses(_body: Json) -> Json:
        return ok(ip_list=["127.0.0.1"])


def _living(world: World) -> list[Relation]:
    return [r for r in world.relations if r.removed_by != "rep" and not r.one_sided]


def _relation(world: World, body: Json) -> Relation:
    side = world.relation(str(body.get("userid", "")), str(body.get("external_userid", "")))
    if side is None or side.removed_by == "rep" or side.one_sided:
        raise Code(84061)
    return side


def _contact(person: Any) -> Json:
    return {
        "external_userid": person.external_userid, "name": person.name, "type": 1,
        "unionid": person.unionid, "gender": 0, "position": "", "corp_name": "",
    }  # fmt: skip


def _side(world: World, side: Relation) -> Json:
    tags = []
    for tag_id in side.tag_ids:
        found = world.tag(tag_id)
        if found:
            group, tag = found
            tags.append({"group_name": group.group_name, "tag_name": tag["name"],
                         "tag_id": tag_id, "type": 1})  # fmt: skip
    return {
        "userid": side.userid, "remark": side.remark, "description": side.description,
        "createtime": side.createtime, "tags": tags, "remark_mobiles": side.remark_mobiles,
        "state": side.state, "add_way": side.add_way, "oper_userid": side.userid,
    }  # fmt: skip
