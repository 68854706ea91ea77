"""The Official Account server's endpoints, with the rules that matter to a client."""

from __future__ import annotations

from collections.abc import Callable

from flask import Blueprint, request

from app.sandbox.answers import Code, Route, View, endpoint, new_token, ok
from app.sandbox.callbacks import Callbacks
from app.sandbox.world import Json, Person, World

WINDOW_S = 48 * 3600


def build(world: World, callbacks: Callbacks, app_id: str, secret: str) -> Blueprint:
    """All endpoints under /oa."""
    bp = Blueprint("oa_api", __name__, url_prefix="/oa")

    def route(path: str, *, token: bool = True) -> Callable[[View], View]:
        def decorate(view: View) -> View:
            wrapped = endpoint(world, "oa", token=token)(view)
            bp.add_url_rule(path, path.replace("/", "_"), wrapped, methods=["GET", "POST"])
            return view

        return decorate

    @route("/cgi-bin/stable_token", token=False)
    def stable_token(body: Json) -> Json:
        if body.get("appid") != app_id:
            raise Code(40013, "invalid appid")
        if body.get("secret") != secret:
            raise Code(40125, "invalid appsecret")
        return {"access_token": new_token(world, "oa"), "expires_in": 7200}

    @route("/sns/oauth2/access_token", token=False)
    def login(_body: Json) -> Json:
        code = world.codes.pop(request.args.get("code", ""), None)
        if code is None or world.now() > code["until"] or "openid" not in code:
            raise Code(40029)
        return {"access_token": "page", "openid": code["openid"], "unionid": code["unionid"]}

    _users(route, world)
    _messages(route, world, callbacks)

    @route("/cgi-bin/qrcode/create")
    def code(body: Json) -> Json:
        scene = body.get("action_info", {}).get("scene", {})
        text = str(scene.get("scene_str") or scene.get("scene_id") or "")
        if not 1 <= len(text) <= 64:
            raise Code(40053, "invalid action info")
        world.scenes[text] = {"scene": text}
        world.changed()
        return {"ticket": f"ticket-{text}", "url": f"http://weixin.qq.com/q/sandbox-{text}"}

    @route("/cgi-bin/menu/create")
    def menu(body: Json) -> Json:
        buttons = body.get("button") or []
        if not 1 <= len(buttons) <= 3:
            raise Code(40016, "invalid button size")
        world.menu = buttons
        world.changed()
        return ok()

    @route("/cgi-bin/menu/get")
    def get_menu(_body: Json) -> Json:
        return {"menu": {"button": world.menu}}

    return bp


def _users(route: Route, world: World) -> None:
    def info(openid: str) -> Json:
        person = world.person(openid=openid)
        if person is None:
            raise Code(40003, "invalid openid")
        if not person.follows_oa:
            return {"subscribe": 0, "openid": openid, "unionid": person.unionid}
        return {
            "subscribe": 1, "openid": openid, "unionid": person.unionid, "language": "zh_CN",
            "subscribe_time": int(world.now()), "remark": "", "tagid_list": [],
            "subscribe_scene": "ADD_SCENE_QR_CODE", "qr_scene": 0, "qr_scene_str": "",
        }  # fmt: skip

    @route("/cgi-bin/user/info")
    def user_info(_body: Json) -> Json:
        return info(request.args.get("openid", ""))

    @route("/cgi-bin/user/info/batchget")
    def batch(body: Json) -> Json:
        return {"user_info_list": [info(u["openid"]) for u in body.get("user_list", ())]}

    @route("/cgi-bin/user/get")
    def followers(_body: Json) -> Json:
        ids = [p.openid for p in world.persons.values() if p.follows_oa and p.openid]
        start = request.args.get("next_openid", "")
        rest = ids[ids.index(start) + 1 :] if start in ids else ids
        return {
            "total": len(ids), "count": len(rest), "data": {"openid": rest},
            "next_openid": rest[-1] if rest else "",
        }  # fmt: skip


def _messages(route: Route, world: World, callbacks: Callbacks) -> None:
    @route("/cgi-bin/message/custom/send")
    def custom(body: Json) -> Json:
        person = _follower(world, body)
        if world.now() - person.last_message_at > WINDOW_S:
            raise Code(45015)
        if person.custom_left <= 0:
            raise Code(45047)
        person.custom_left -= 1
        kind = body.get("msgtype")
        if kind == "text":
            shown = {"text": body["text"]["content"]}
        elif kind == "news":
            shown = {"article": body["news"]["articles"][0]}
        else:
            raise Code(40008, "invalid message type")
        person.oa_chat.append({"at": world.now(), "from": "oa", **shown})
        world.changed()
        return ok()

    @route("/cgi-bin/message/template/send")
    def template(body: Json) -> Json:
        person = _follower(world, body)
        message_id = world.counter + 1
        known = world.codes.get(f"client:{body.get('client_msg_id')}")
        if body.get("client_msg_id") and known:
            return ok(msgid=known["msgid"])
        world.codes[f"client:{body.get('client_msg_id')}"] = {"msgid": message_id, "until": 0}
        person.oa_chat.append({"at": world.now(), "from": "oa", "template": body.get("data", {}),
                               "url": body.get("url", "")})  # fmt: skip
        world.changed()
        callbacks.send("oa", "TEMPLATESENDJOBFINISH", {
            "ToUserName": "gh_sandbox", "FromUserName": person.openid,
            "CreateTime": int(world.now()), "MsgType": "event", "Event": "TEMPLATESENDJOBFINISH",
            "MsgID": message_id, "Status": "success",
        })  # fmt: skip
        return ok(msgid=message_id)


def _follower(world: World, body: Json) -> Person:
    person = world.person(openid=str(body.get("touser", "")))
    if person is None:
        raise Code(40003, "invalid openid")
    if not person.follows_oa:
        raise Code(43004)
    return person
