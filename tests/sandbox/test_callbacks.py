"""What the platforms send: true shapes, sealed for the product's own crypto, with their vices."""

from __future__ import annotations

import httpx
import pytest

from tests.sandbox.fixtures import Receiver, Sandbox


def test_adding_a_contact_sends_the_documented_event(sandbox: Sandbox, receiver: Receiver) -> None:
    done = sandbox.add_contact(userid="Rep01", person="wang", state="hall-3")
    (event,) = receiver.events()
    assert receiver.paths == ["/callbacks/wecom/main"]
    assert event == {
        "ToUserName": "wwtestcorp", "FromUserName": "sys", "CreateTime": "1795492800",
        "MsgType": "event", "Event": "change_external_contact",
        "ChangeType": "add_external_contact", "UserID": "Rep01",
        "ExternalUserID": done["external_userid"], "State": "hall-3",
        "WelcomeCode": done["welcome_code"],
    }  # fmt: skip


def test_two_who_are_contacts_already_cause_nothing(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.add_contact(userid="rep01", person="wang")
    assert sandbox.add_contact(userid="rep01", person="wang")["welcome_code"] == ""
    assert len(receiver.bodies) == 1


@pytest.mark.parametrize(
    ("verb", "arguments", "change"),
    [
        ("edit_contact", {"remark": "王主任"}, "edit_external_contact"),
        ("delete_contact", {"by": "physician"}, "del_follow_user"),
        ("delete_contact", {"by": "rep"}, "del_external_contact"),
        ("agree_archive", {}, "msg_audit_approved"),
    ],
)
def test_each_change_of_a_contact_has_its_event(
    sandbox: Sandbox, receiver: Receiver, verb: str, arguments: dict[str, str], change: str
) -> None:
    sandbox.add_contact(userid="rep01", person="wang")
    sandbox.do(verb, userid="rep01", person="wang", **arguments)
    assert [event["ChangeType"] for event in receiver.events()] == ["add_external_contact", change]


def test_the_account_sends_its_events_to_its_own_address(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    sandbox.oa("qrcode/create", {"action_name": "QR_LIMIT_STR_SCENE",
                                 "action_info": {"scene": {"scene_str": "booth"}}})  # fmt: skip
    sandbox.follow(person="wang", scene="booth")
    sandbox.follow(person="wang", scene="booth")
    sandbox.oa_says(person="wang", text="房颤 ]]> <b>&amp;")
    sandbox.oa_shows(person="wang")
    sandbox.menu(person="wang", key="recommended")
    sandbox.unfollow(person="wang")
    followed, scanned, text, picture, menu, left = receiver.events()
    assert set(receiver.paths) == {"/callbacks/oa/main"}
    assert (followed["Event"], followed["EventKey"]) == ("subscribe", "qrscene_booth")
    assert (scanned["Event"], scanned["EventKey"]) == ("SCAN", "booth")
    assert (text["MsgType"], text["Content"]) == ("text", "房颤 ]]> <b>&amp;")
    assert (picture["MsgType"], bool(picture["MediaId"])) == ("image", True)
    assert (menu["Event"], menu["EventKey"]) == ("CLICK", "recommended")
    assert left["Event"] == "unsubscribe"


def test_a_tapped_card_brings_key_choice_and_a_response_code(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    sandbox.wecom("message/send", card("c-1"))
    done = sandbox.tap_card(task_id="c-1", key="adopt", selected={"reason": ["a", "b"]})
    (event,) = receiver.events()
    assert (event["Event"], event["EventKey"]) == ("template_card_event", "adopt")
    assert (event["TaskId"], event["ResponseCode"]) == ("c-1", done["response_code"])
    assert b"<OptionId><![CDATA[a]]></OptionId><OptionId><![CDATA[b]]>" in receiver.bodies[0]


def test_what_is_done_through_the_api_or_in_a_chat_raises_no_callback(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    external = sandbox.add_contact(userid="rep01", person="wang")["external_userid"]
    both = {"userid": "rep01", "external_userid": external}
    assert sandbox.wecom("externalcontact/mark_tag", {**both, "add_tag": ["et1"]})["errcode"] == 0
    assert sandbox.wecom("externalcontact/remark", {**both, "remark": "王"})["errcode"] == 0
    sandbox.chat(userid="rep01", person="wang", text="您好")
    sandbox.settle()
    assert len(receiver.bodies) == 1


def test_groups_tags_and_members_report_their_changes(sandbox: Sandbox, receiver: Receiver) -> None:
    tag = sandbox.new_tag(group="专科", name="高血压")["id"]
    sandbox.rename_tag(tag_id=tag, name="顽固性高血压")
    sandbox.delete_tag(tag_id=tag)
    chat = sandbox.create_group(userid="rep01", name="房颤学组", persons=["wang"])["chat_id"]
    sandbox.join_group(chat_id=chat, person="li")
    sandbox.member_leaves(userid="rep02")
    names = [f"{e['Event']}/{e['ChangeType']}" for e in receiver.events()]
    assert names == [
        "change_external_tag/create", "change_external_tag/update", "change_external_tag/delete",
        "change_external_chat/create", "change_external_chat/update", "change_contact/delete_user",
    ]  # fmt: skip
    group = sandbox.wecom("externalcontact/groupchat/get", {"chat_id": chat})["group_chat"]
    assert [m["type"] for m in group["member_list"]] == [1, 2, 2]


def test_a_failing_receiver_is_tried_four_times_and_then_given_up(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    receiver.status = 500
    sandbox.follow(person="wang")
    assert len(receiver.bodies) == 4
    (line,) = sandbox.world.journal
    assert (line["status"], line["tries"], line["attempts"]) == ("500", 4, ["500"] * 4)


def test_events_of_one_contact_arrive_in_order(sandbox: Sandbox, receiver: Receiver) -> None:
    for at in range(8):
        httpx.post(f"{sandbox.base}/sandbox/do/rep_says", json={"userid": "rep01", "text": str(at)})
    sandbox.settle()
    assert [event["Content"] for event in receiver.events()] == [str(at) for at in range(8)]


def test_platforms_repeat_mix_and_lose_when_told_so(sandbox: Sandbox, receiver: Receiver) -> None:
    sandbox.trouble(duplicates=2)
    sandbox.rep_says(userid="rep01", text="三次")
    assert [e["Content"] for e in receiver.events()] == ["三次"] * 3
    receiver.bodies.clear()
    sandbox.trouble(reorder=True)
    for text in "abc":
        httpx.post(f"{sandbox.base}/sandbox/do/rep_says", json={"userid": "rep01", "text": text})
    sandbox.settle()
    came = [e["Content"] for e in receiver.events()]
    assert sorted(came) == ["a", "b", "c"]
    assert came != ["a", "b", "c"]
    sandbox.trouble(drop=True)
    sandbox.rep_says(userid="rep01", text="丢了")
    assert len(receiver.bodies) == 3
    assert sandbox.world.journal[-1]["status"] == "dropped"


def card(task_id: str = "c-1", **change: object) -> dict[str, object]:
    """A request that sends a good card, or one with a wrong field."""
    face = {
        "card_type": "button_interaction", "main_title": {"title": "今日建议"},
        "task_id": task_id, "button_list": [{"text": "采用", "key": "adopt", "style": 1}],
    }  # fmt: skip
    return {
        "touser": "rep01",
        "agentid": 1000002,
        "msgtype": "template_card",
        "template_card": {**face, **change},
    }
