"""The Official Account server's endpoints, with the rules that matter to a client."""

from __future__ import annotations

from typing import Any

from flask import Blueprint, request

from app.sandbox.answers import Code, Route, mount, need, new_token, ok, size
from app.sandbox.callbacks import Callbacks
from app.sandbox.wecom_api import spend_code
from app.sandbox.world import Json, Person, World

WINDOW_S, QUICK_S = 48 * 3600, 60
TEXT_BYTES = 2048
SCENE_TEXT, SCENE_NUMBER, TEMPORARY_S = 64, 100_000, 2_592_000
PAGE_OF_FOLLOWERS, BATCH = 10_000, 100
ACCOUNT = "gh_sandbox"


def build(world: World, callbacks: Callbacks, app_id: str, secret: str) -> Blueprint:
    """All endpoints under /oa."""
    bp = Blueprint("oa_api", __name__, url_prefix="/oa")
    route = mount(bp, world, "oa")

    def check(asked: Any) -> None:
        need(asked.get("appid") == app_id, 40013, "invalid appid")
        need(asked.get("secret") == secret, 40125, "invalid appsecret")

    @route("/cgi-bin/stable_token", token=False)
    def stable_token(body: Json) -> Json:
        check(body)
        return {"access_token": new_token(world, "oa"), "expires_in": 7200}

    @route("/cgi-bin/token", token=False)
    def plain_token(_body: Json) -> Json:
        check(request.args)
        return {"access_token": new_token(world, "oa"), "expires_in": 7200}

    @route("/sns/oauth2/access_token", token=False)
    def login(_body: Json) -> Json:
        check(request.args)
        found = spend_code(world, request.args.get("code", ""), used=40163)
        need("openid" in found, 40029)
        return {
            "access_token": f"page-{world.birth}", "expires_in": 7200, "openid": found["openid"],
            "scope": "snsapi_base", "unionid": found["unionid"],
        }  # fmt: skip

    @route("/cgi-bin/get_api_domain_ip")
    def api_addresses(_body: Json) -> Json:
        return {"ip_list": ["127.0.0.1"]}

    _users(route, world)
    _custom(route, world)
    _templates(route, world, callbacks)
    _codes(route, world)
    _menu(route, world)

    @route("/<path:name>", token=False)
    def unknown(_body: Json, name: str) -> Json:
        raise Code(40066, f"invalid url: {name}")

    return bp


def _users(route: Route, world: World) -> None:
    def info(openid: str) -> Json:
        person = world.person(openid=openid)
        if person is None:
            raise Code(40003, "invalid openid")
        if not person.follows_oa:
            return {"subscribe": 0, "openid": openid, "tagid_list": []}
        number = int(person.scene) if person.scene.isdigit() else 0
        return {
            "subscribe": 1, "openid": openid, "unionid": person.unionid, "language": "zh_CN",
            "subscribe_time": int(person.subscribed_at), "remark": "", "groupid": 0,
            "tagid_list": [], "qr_scene": number, "qr_scene_str": "" if number else person.scene,
            "subscribe_scene": "ADD_SCENE_QR_CODE" if person.scene else "ADD_SCENE_SEARCH",
        }  # fmt: skip

    @route("/cgi-bin/user/info")
    def user_info(_body: Json) -> Json:
        return info(request.args.get("openid", ""))

    @route("/cgi-bin/user/info/batchget")
    def batch(body: Json) -> Json:
        wanted = body.get("user_list") or []
        need(0 < len(wanted) <= BATCH, 40032)
        return {"user_info_list": [info(str(user.get("openid"))) for user in wanted]}

    @route("/cgi-bin/user/get")
    def followers(_body: Json) -> Json:
        ids = [p.openid for p in world.persons.values() if p.follows_oa and p.openid]
        start = request.args.get("next_openid", "")
        rest = (ids[ids.index(start) + 1 :] if start in ids else ids)[:PAGE_OF_FOLLOWERS]
        more = {"data": {"openid": rest}} if rest else {}
        last = rest[-1] if rest else ""
        return {"total": len(ids), "count": len(rest), "next_openid": last, **more}


def _custom(route: Route, world: World) -> None:
    @route("/cgi-bin/message/custom/send")
    def custom(body: Json) -> Json:
        person = follower(world, body)
        shown = _custom_parts(body)
        _spend_window(world, person)
        person.oa_chat.append({"at": world.now(), "from": "oa", **shown})
        world.changed()
        return ok()


def _custom_parts(body: Json) -> Json:
    kind = body.get("msgtype")
    if kind == "text":
        text = str((body.get("text") or {}).get("content", ""))
        need(text, 44004)
        need(size(text) <= TEXT_BYTES, 45002)
        return {"text": text}
    need(kind == "news", 40008)
    articles = (body.get("news") or {}).get("articles") or []
    need(len(articles) == 1, 45008)
    return {"article": articles[0]}


def _spend_window(world: World, person: Person) -> None:
    """One message of the shortest open window. Raises 45015 (none open), 45047 (used up)."""
    quick = world.now() - person.touched_at <= QUICK_S
    long = world.now() - person.last_message_at <= WINDOW_S
    need(quick or long, 45015)
    if quick and person.quick_left > 0:
        person.quick_left -= 1
    elif long and person.custom_left > 0:
        person.custom_left -= 1
    else:
        raise Code(45047)


def _templates(route: Route, world: World, callbacks: Callbacks) -> None:
    @route("/cgi-bin/message/template/send")
    def template(body: Json) -> Json:
        person = follower(world, body)
        need(body.get("template_id"), 40037)
        client = f"client:{body.get('client_msg_id')}"
        if body.get("client_msg_id") and client in world.codes:
            return ok(msgid=world.codes[client]["msgid"])
        world.counter += 1
        message_id = world.counter
        world.codes[client] = {"msgid": message_id, "until": world.now() + WINDOW_S}
        person.oa_chat.append({"at": world.now(), "from": "oa", "template": body.get("data", {}),
                               "url": body.get("url", "")})  # fmt: skip
        world.changed()
        status = str(world.trouble.get("template_status") or "success")
        callbacks.send("oa", "TEMPLATESENDJOBFINISH", {
            "ToUserName": ACCOUNT, "FromUserName": person.openid,
            "CreateTime": int(world.now()), "MsgType": "event", "Event": "TEMPLATESENDJOBFINISH",
            "MsgID": message_id, "Status": status,
        })  # fmt: skip
        return ok(msgid=message_id)


def _codes(route: Route, world: World) -> None:
    @route("/cgi-bin/qrcode/create")
    def code(body: Json) -> Json:
        action = str(body.get("action_name", ""))
        need(action in ("QR_SCENE", "QR_STR_SCENE", "QR_LIMIT_SCENE", "QR_LIMIT_STR_SCENE"), 40053,
             "invalid action info")  # fmt: skip
        scene = (body.get("action_info") or {}).get("scene") or {}
        text = str(scene.get("scene_str" if "STR" in action else "scene_id") or "")
        need(1 <= len(text) <= SCENE_TEXT, 40053, "invalid action info")
        need("STR" in action or (text.isdigit() and 1 <= int(text) <= SCENE_NUMBER), 40053)
        life: Json = {}
        if "LIMIT" not in action:
            life["expire_seconds"] = min(int(body.get("expire_seconds") or 60), TEMPORARY_S)
        until = world.now() + life["expire_seconds"] if life else 0
        world.scenes[text] = {"scene": text, "until": until}
        world.changed()
        return {"ticket": f"ticket-{text}", "url": f"http://weixin.qq.com/q/sandbox-{text}", **life}


def _menu(route: Route, world: World) -> None:
    @route("/cgi-bin/menu/create")
    def create(body: Json) -> Json:
        buttons = body.get("button") or []
        need(1 <= len(buttons) <= 3, 40016, "invalid button size")
        for button in buttons:
            _check_button(button)
        world.menu = buttons
        world.changed()
        return ok()

    @route("/cgi-bin/menu/get")
    def get(_body: Json) -> Json:
        need(world.menu, 46003)
        return {"menu": {"button": world.menu}}

    @route("/cgi-bin/menu/delete")
    def delete(_body: Json) -> Json:
        world.menu = []
        world.changed()
        return ok()


def _check_button(button: Json) -> None:
    below = button.get("sub_button") or []
    need(button.get("name"), 40018, "invalid button name size")
    need(len(below) <= 5, 40023, "invalid sub button size")
    if below:
        for one in below:
            need(not one.get("sub_button"), 40022, "invalid sub button level")
            _check_button(one)
        return
    kind = button.get("type")
    need(kind in ("click", "view", "miniprogram", "scancode_push", "scancode_waitmsg"), 40017,
         "invalid button type")  # fmt: skip
    need(kind != "click" or button.get("key"), 40019, "invalid button key size")
    need(kind != "view" or button.get("url"), 40020, "invalid button url size")


def follower(world: World, body: Json) -> Person:
    """The follower that a request names. Raises 40003, 43004."""
    person = world.person(openid=str(body.get("touser", "")))
    if person is None:
        raise Code(40003, "invalid openid")
    need(person.follows_oa, 43004)
    return person
