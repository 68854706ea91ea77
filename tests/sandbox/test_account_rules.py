"""The Official Account's rules, asked over HTTP as any client would."""

from __future__ import annotations

import httpx
import pytest

from tests.conftest import SetClock
from tests.sandbox.fixtures import CONFIG, Receiver, Sandbox
from tests.sandbox.test_wecom_rules import code, oauth


def say(sandbox: Sandbox, openid: str) -> int:
    body = {"touser": openid, "msgtype": "text", "text": {"content": "您好"}}
    return code(sandbox.oa("message/custom/send", body))


def test_after_a_message_five_answers_are_allowed_for_48_hours(
    sandbox: Sandbox, clock: SetClock
) -> None:
    openid = sandbox.follow(person="wang")["openid"]
    clock.tick(minutes=5)
    assert say(sandbox, openid) == 45015, "following opens one minute only"
    sandbox.oa_says(person="wang", text="您好")
    assert [say(sandbox, openid) for _at in range(6)] == [0] * 5 + [45047]
    sandbox.oa_says(person="wang", text="再问")
    clock.tick(hours=49)
    assert say(sandbox, openid) == 45015


def test_following_scanning_and_the_menu_open_a_minute_for_three(
    sandbox: Sandbox, clock: SetClock
) -> None:
    openid = sandbox.follow(person="wang")["openid"]
    assert [say(sandbox, openid) for _at in range(4)] == [0, 0, 0, 45047]
    sandbox.menu(person="wang", key="recommended")
    assert say(sandbox, openid) == 0
    clock.tick(seconds=61)
    assert say(sandbox, openid) == 45015


def test_who_does_not_follow_gets_nothing(sandbox: Sandbox) -> None:
    openid = sandbox.follow(person="wang")["openid"]
    sandbox.unfollow(person="wang")
    assert say(sandbox, openid) == 43004
    assert say(sandbox, "oNobody") == 40003
    template = {"touser": openid, "template_id": "t", "data": {}}
    assert code(sandbox.oa("message/template/send", template)) == 43004


def test_a_template_is_sent_once_per_client_id_and_reports_its_end(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    openid = sandbox.follow(person="wang")["openid"]
    body = {"touser": openid, "template_id": "t", "data": {}, "client_msg_id": "d-1"}
    first = sandbox.oa("message/template/send", body)["msgid"]
    assert sandbox.oa("message/template/send", body)["msgid"] == first
    sandbox.settle()
    ends = [e for e in receiver.events() if e.get("Event") == "TEMPLATESENDJOBFINISH"]
    assert [(e["MsgID"], e["Status"]) for e in ends] == [(str(first), "success")]
    assert code(sandbox.oa("message/template/send", {**body, "template_id": ""})) == 40037


def test_a_follower_comes_with_union_id_and_the_scene_of_the_code(sandbox: Sandbox) -> None:
    scene = {"action_name": "QR_LIMIT_STR_SCENE", "action_info": {"scene": {"scene_str": "booth"}}}
    assert sandbox.oa("qrcode/create", scene)["ticket"]
    openid = sandbox.follow(person="wang", scene="booth")["openid"]
    info = sandbox.oa("user/info", openid=openid)
    assert (info["subscribe"], info["unionid"], info["qr_scene_str"]) == (1, "oUwang", "booth")
    assert info["subscribe_time"] == int(sandbox.world.now())
    many = sandbox.oa("user/info/batchget", {"user_list": [{"openid": openid}]})
    assert many["user_info_list"] == [info]
    assert sandbox.oa("user/get")["data"]["openid"] == [openid]
    assert "data" not in sandbox.oa("user/get", next_openid=openid)
    sandbox.unfollow(person="wang")
    assert "unionid" not in sandbox.oa("user/info", openid=openid)


def test_an_expired_temporary_code_brings_no_scene(
    sandbox: Sandbox, clock: SetClock, receiver: Receiver
) -> None:
    body = {"action_name": "QR_STR_SCENE", "expire_seconds": 60,
            "action_info": {"scene": {"scene_str": "today"}}}  # fmt: skip
    assert sandbox.oa("qrcode/create", body)["expire_seconds"] == 60
    clock.tick(seconds=61)
    sandbox.follow(person="wang", scene="today")
    assert receiver.events()[-1]["EventKey"] == ""
    for wrong in ("", "s" * 65):
        bad = {**body, "action_info": {"scene": {"scene_str": wrong}}}
        assert code(sandbox.oa("qrcode/create", bad)) == 40053


@pytest.mark.parametrize(
    ("buttons", "errcode"),
    [
        ([], 40016),
        ([{"name": "a", "type": "click", "key": "a"}] * 4, 40016),
        ([{"name": "a", "type": "click"}], 40019),
        ([{"name": "a", "type": "view"}], 40020),
        ([{"name": "a", "type": "dance"}], 40017),
        ([{"name": "a", "sub_button": [{"name": "b", "type": "click", "key": "b"}] * 6}], 40023),
        ([{"name": "a", "sub_button": [{"name": "b", "type": "click", "key": "b"}]}], 0),
    ],
)
def test_a_menu_has_at_most_three_times_five_good_buttons(
    sandbox: Sandbox, buttons: list[object], errcode: int
) -> None:
    assert code(sandbox.oa("menu/get")) == 46003
    assert code(sandbox.oa("menu/create", {"button": buttons})) == errcode
    assert bool(sandbox.world.menu) == (errcode == 0)


def test_a_page_code_tells_openid_and_unionid_once(sandbox: Sandbox) -> None:
    params = {"appid": CONFIG.oa_app_id, "secret": CONFIG.oa_secret,
              "code": oauth(sandbox, CONFIG.oa_app_id, "wang")}  # fmt: skip
    url = f"{sandbox.oa_base}/sns/oauth2/access_token"
    assert httpx.get(url, params=params).json()["unionid"] == "oUwang"
    assert httpx.get(url, params=params).json()["errcode"] == 40163
    assert httpx.get(url, params={**params, "secret": "wrong"}).json()["errcode"] == 40125


def test_refusing_a_subscription_and_withdrawing_are_reported(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    openid = sandbox.follow(person="wang")["openid"]
    sandbox.answer_subscription(person="wang", template_id="t-1", accept=False)
    sandbox.revoke(person="wang")
    popup, revoked = receiver.events()[1:]
    assert popup["Event"] == "subscribe_msg_popup_event"
    assert b"<SubscribeStatusString><![CDATA[reject]]>" in receiver.bodies[1]
    assert (revoked["Event"], revoked["OpenID"]) == ("user_authorization_revoke", openid)
