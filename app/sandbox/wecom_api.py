"""The WeCom server's endpoints: token, members, pages. The others have modules of their own."""

from __future__ import annotations

from flask import Blueprint, request

from app.sandbox import wecom_contacts, wecom_messages, wecom_moments, wecom_tags, wecom_tasks
from app.sandbox.answers import Code, Route, mount, need, new_token, ok
from app.sandbox.world import Json, World

USER_TICKET_LIFE_S = 1800


def build(world: World, corp_id: str, agent_id: str, secret: str) -> Blueprint:
    """All endpoints under /wecom/cgi-bin."""
    bp = Blueprint("wecom_api", __name__, url_prefix="/wecom/cgi-bin")
    route = mount(bp, world, "wecom")

    @route("/gettoken", token=False)
    def gettoken(_body: Json) -> Json:
        need(request.args.get("corpid") == corp_id, 40013, "invalid corpid")
        need(request.args.get("corpsecret") == secret, 40001)
        return ok(access_token=new_token(world, "wecom"), expires_in=7200)

    @route("/user/get")
    def user_get(_body: Json) -> Json:
        member = world.members.get(request.args.get("userid", "").lower())
        if member is None:
            raise Code(60111)
        return ok(
            userid=member.userid, name=member.name, position=member.title, status=1,
            department=[1], main_department=1,
        )  # fmt: skip

    wecom_contacts.add(route, world)
    wecom_tags.add(route, world)
    wecom_messages.add(route, world, agent_id)
    wecom_tasks.add(route, world)
    wecom_moments.add(route, world)
    _pages(route, world)

    @route("/<path:name>", token=False)
    def unknown(_body: Json, name: str) -> Json:
        raise Code(40066, f"invalid url: {name}")

    return bp


def _pages(route: Route, world: World) -> None:
    @route("/get_jsapi_ticket")
    def corp_ticket(_body: Json) -> Json:
        return ok(ticket=f"corp-ticket-{world.birth}", expires_in=7200)

    @route("/ticket/get")
    def app_ticket(_body: Json) -> Json:
        need(request.args.get("type") == "agent_config", 40058)
        return ok(ticket=f"agent-ticket-{world.birth}", expires_in=7200)

    @route("/auth/getuserinfo")
    def who(_body: Json) -> Json:
        found = spend_code(world, request.args.get("code", ""), used=42022)
        if "userid" in found:
            ticket = world.next_id("ut")
            until = world.now() + USER_TICKET_LIFE_S
            world.codes[ticket] = {"ticket_of": found["userid"], "until": until}
            return ok(userid=found["userid"], user_ticket=ticket)
        return ok(openid=found["openid"], external_userid=found.get("external_userid", ""))

    @route("/auth/getuserdetail")
    def detail(body: Json) -> Json:
        ticket = world.codes.get(str(body.get("user_ticket")), {})
        need(ticket.get("ticket_of") and ticket["until"] > world.now(), 84014, "ticket expired")
        member = world.members[ticket["ticket_of"].lower()]
        return ok(userid=member.userid, gender="0", mobile="", email="", biz_mail="")

    @route("/getcallbackip")
    def callback_addresses(_body: Json) -> Json:
        return ok(ip_list=["127.0.0.1"])

    @route("/get_api_domain_ip")
    def api_addresses(_body: Json) -> Json:
        return ok(ip_list=["127.0.0.1"])


def spend_code(world: World, code: str, *, used: int) -> Json:
    """Who stands behind an OAuth code; it works once, for five minutes."""
    found = world.codes.get(code)
    if found is None or found["until"] < world.now() or not {"userid", "openid"} & set(found):
        raise Code(40029)
    need(not found.get("used"), used)
    found["used"] = True
    return found
