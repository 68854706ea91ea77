"""WeCom's rules, asked over HTTP as any client would."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.conftest import SetClock
from tests.sandbox.fixtures import CONFIG, Sandbox
from tests.sandbox.test_callbacks import card


def code(answer: dict[str, Any]) -> int:
    return int(answer["errcode"])


def text(content: str = "您好", **change: object) -> dict[str, object]:
    return {
        "touser": "rep01",
        "agentid": 1000002,
        "msgtype": "text",
        "text": {"content": content},
        **change,
    }


@pytest.fixture
def external(sandbox: Sandbox) -> str:
    return str(sandbox.add_contact(userid="rep01", person="wang")["external_userid"])


# tokens -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("params", "errcode"),
    [
        ({"corpid": "ww0", "corpsecret": CONFIG.secret}, 40013),
        ({"corpid": CONFIG.corp_id, "corpsecret": "wrong"}, 40001),
        ({"corpid": CONFIG.corp_id, "corpsecret": CONFIG.secret}, 0),
    ],
)
def test_a_token_needs_the_right_secret(
    sandbox: Sandbox, params: dict[str, str], errcode: int
) -> None:
    answer = httpx.get(f"{sandbox.wecom_base}/cgi-bin/gettoken", params=params).json()
    assert answer["errcode"] == errcode


def test_a_token_lives_two_hours_and_only_on_its_own_platform(
    sandbox: Sandbox, clock: SetClock
) -> None:
    get = f"{sandbox.wecom_base}/cgi-bin/gettoken"
    params = {"corpid": CONFIG.corp_id, "corpsecret": CONFIG.secret}
    token = httpx.get(get, params=params).json()["access_token"]
    assert httpx.get(get, params=params).json()["access_token"] == token
    ask = f"{sandbox.wecom_base}/cgi-bin/externalcontact/get_follow_user_list"
    assert code(httpx.get(ask, params={"access_token": token}).json()) == 0
    assert code(httpx.get(ask, params={"access_token": "made-up"}).json()) == 40014
    assert code(httpx.get(ask).json()) == 41001
    follower = f"{sandbox.oa_base}/cgi-bin/user/info"
    assert code(httpx.get(follower, params={"access_token": token}).json()) == 40001
    clock.tick(seconds=7200)
    assert code(httpx.get(ask, params={"access_token": token}).json()) == 42001


def test_broken_json_and_unknown_addresses_are_answered_like_the_platform(sandbox: Sandbox) -> None:
    answer = sandbox.wecom("message/send", [])
    assert (code(answer), "wrong json format" in answer["errmsg"]) == (47001, True)
    assert code(sandbox.wecom("externalcontact/no_such_thing")) == 40066
    assert sandbox.world.journal[-1]["name"] == "externalcontact/no_such_thing"


# contacts ---------------------------------------------------------------------------------------


def test_a_customer_is_told_with_union_id_and_every_side(sandbox: Sandbox, external: str) -> None:
    sandbox.add_contact(userid="rep02", person="wang", state="hall-3")
    sandbox.edit_contact(userid="rep01", person="wang", tag_ids=["et1"], phones=["19912345678"])
    answer = sandbox.wecom("externalcontact/get", external_userid=external)
    assert answer["external_contact"]["unionid"] == "oUwang"
    first, second = answer["follow_user"]
    assert (first["userid"], first["remark_mobiles"]) == ("rep01", ["19912345678"])
    assert [tag["tag_name"] for tag in first["tags"]] == ["房颤"]
    assert second["state"] == "hall-3"
    batch = sandbox.wecom("externalcontact/batch/get_by_user", {"userid_list": ["REP01"]})
    assert batch["external_contact_list"][0]["follow_info"]["tag_id"] == ["et1"]
    assert "tags" not in batch["external_contact_list"][0]["follow_info"]


def test_a_deleted_customer_is_84061_but_a_deleted_rep_still_sees_the_customer(
    sandbox: Sandbox, external: str
) -> None:
    sandbox.delete_contact(userid="rep01", person="wang", by="physician")
    assert code(sandbox.wecom("externalcontact/get", external_userid=external)) == 0
    sandbox.world.relations[0].removed_by = "rep"
    assert code(sandbox.wecom("externalcontact/get", external_userid=external)) == 84061
    both = {"userid": "rep01", "external_userid": external, "add_tag": ["et1"]}
    assert code(sandbox.wecom("externalcontact/mark_tag", both)) == 84061
    assert code(sandbox.wecom("externalcontact/get", external_userid="wmNobody")) == 40096


def test_a_one_sided_customer_is_84061_until_the_rep_adds_back(sandbox: Sandbox) -> None:
    external = sandbox.add_contact(userid="rep01", person="wang", half=True)["external_userid"]
    assert code(sandbox.wecom("externalcontact/get", external_userid=external)) == 84061
    sandbox.add_back(userid="rep01", person="wang")
    assert code(sandbox.wecom("externalcontact/get", external_userid=external)) == 0


def test_a_batch_is_paged(sandbox: Sandbox, external: str) -> None:
    sandbox.add_contact(userid="rep01", person="li")
    first = sandbox.wecom(
        "externalcontact/batch/get_by_user", {"userid_list": ["rep01"], "limit": 1}
    )
    rest = sandbox.wecom(
        "externalcontact/batch/get_by_user",
        {"userid_list": ["rep01"], "limit": 1, "cursor": first["next_cursor"]},
    )
    names = [a["external_contact_list"][0]["external_contact"]["name"] for a in (first, rest)]
    assert (names, rest["next_cursor"]) == (["王某某", "李某某"], "")
    too_many = {"userid_list": ["rep01"] * 101}
    assert code(sandbox.wecom("externalcontact/batch/get_by_user", too_many)) == 40032


def test_a_welcome_code_works_once_within_twenty_seconds(sandbox: Sandbox, clock: SetClock) -> None:
    def welcome(welcome_code: str) -> int:
        body = {"welcome_code": welcome_code, "text": {"content": "您好"}}
        return code(sandbox.wecom("externalcontact/send_welcome_msg", body))

    first = sandbox.add_contact(userid="rep01", person="wang")["welcome_code"]
    assert welcome("made-up") == 41050
    assert welcome(first) == 0
    assert welcome(first) == 41051
    late = sandbox.add_contact(userid="rep01", person="li")["welcome_code"]
    clock.tick(seconds=21)
    assert welcome(late) == 41050
    talked = sandbox.add_contact(userid="rep02", person="li")["welcome_code"]
    sandbox.chat(userid="rep02", person="li", text="在吗", by="physician")
    assert welcome(talked) == 41051


def test_a_contact_way_has_a_short_state_and_known_members(sandbox: Sandbox) -> None:
    way = {"type": 1, "scene": 2, "user": ["rep01"], "state": "s" * 30}
    made = sandbox.wecom("externalcontact/add_contact_way", way)
    asked = {"config_id": made["config_id"]}
    shown = sandbox.wecom("externalcontact/get_contact_way", asked)["contact_way"]
    assert shown["state"] == "s" * 30
    for wrong, errcode in (
        ({"state": "s" * 31}, 40058), ({"user": []}, 40058), ({"user": ["nobody"]}, 40003),
        ({"user": ["rep01", "rep02"]}, 40058), ({"type": 2, "user": ["rep01"] * 101}, 41041),
    ):  # fmt: skip
        assert code(sandbox.wecom("externalcontact/add_contact_way", {**way, **wrong})) == errcode
    assert code(sandbox.wecom("externalcontact/del_contact_way", asked)) == 0
    assert code(sandbox.wecom("externalcontact/get_contact_way", asked)) == 40058


def test_remarks_have_their_lengths_and_phones_can_be_cleared(
    sandbox: Sandbox, external: str
) -> None:
    both = {"userid": "rep01", "external_userid": external}
    assert code(sandbox.wecom("externalcontact/remark", {**both, "remark": "王" * 21})) == 40058
    done = {**both, "remark": "王主任", "remark_mobiles": ["19912345678"]}
    assert code(sandbox.wecom("externalcontact/remark", done)) == 0
    assert sandbox.world.relations[0].remark_mobiles == ["19912345678"]
    sandbox.wecom("externalcontact/remark", {**both, "remark_mobiles": [""]})
    side = sandbox.world.relations[0]
    assert (side.remark, side.remark_mobiles) == ("王主任", [])


def test_an_app_edits_only_the_tags_it_made(sandbox: Sandbox, external: str) -> None:
    body = {"group_name": "主题", "tag": [{"name": "抗凝"}, {"name": "抗凝"}]}
    (tag,) = sandbox.wecom("externalcontact/add_corp_tag", body)["tag_group"]["tag"]
    again = sandbox.wecom("externalcontact/add_corp_tag", body)["tag_group"]["tag"]
    assert [one["id"] for one in again] == [tag["id"]]
    rename = {"id": tag["id"], "name": "抗凝治疗"}
    assert code(sandbox.wecom("externalcontact/edit_corp_tag", rename)) == 0
    assert code(sandbox.wecom("externalcontact/edit_corp_tag", {"id": "et1", "name": "x"})) == 48002
    mark = {"userid": "rep01", "external_userid": external, "add_tag": [tag["id"]]}
    assert code(sandbox.wecom("externalcontact/mark_tag", mark)) == 0
    assert code(sandbox.wecom("externalcontact/mark_tag", {**mark, "add_tag": ["no"]})) == 40068
    assert code(sandbox.wecom("externalcontact/del_corp_tag", {"tag_id": [tag["id"]]})) == 0
    assert sandbox.world.relations[0].tag_ids == []
    groups = sandbox.wecom("externalcontact/get_corp_tag_list", {})["tag_group"]
    assert [group["group_name"] for group in groups] == ["专科"], "no empty group stays"


# messages ---------------------------------------------------------------------------------------


def test_unknown_takers_are_named_and_all_unknown_is_an_error(sandbox: Sandbox) -> None:
    answer = sandbox.wecom("message/send", text(touser="REP01|Nobody"))
    assert (code(answer), answer["invaliduser"]) == (0, "nobody")
    assert code(sandbox.wecom("message/send", text(touser="nobody"))) == 81013
    assert code(sandbox.wecom("message/send", text(touser=""))) == 82001
    assert code(sandbox.wecom("message/send", text(agentid=1))) == 301002
    assert code(sandbox.wecom("message/send", text(""))) == 44004


def test_a_long_text_is_cut_at_2048_bytes_without_a_broken_character(sandbox: Sandbox) -> None:
    sandbox.wecom("message/send", text("医" * 1000))
    assert sandbox.world.members["rep01"].inbox[-1]["text"] == "医" * 682


def test_the_thirty_first_message_of_a_minute_is_dropped_without_a_word(
    sandbox: Sandbox, clock: SetClock
) -> None:
    answers = [sandbox.wecom("message/send", text(str(at))) for at in range(31)]
    assert {code(answer) for answer in answers} == {0}
    assert len(sandbox.world.members["rep01"].inbox) == 30
    clock.tick(seconds=61)
    sandbox.wecom("message/send", text("later"))
    assert sandbox.world.members["rep01"].inbox[-1]["text"] == "later"


def test_the_same_request_is_shown_once_within_its_interval(
    sandbox: Sandbox, clock: SetClock
) -> None:
    same = text("一次", enable_duplicate_check=1, duplicate_check_interval=600)
    assert code(sandbox.wecom("message/send", same)) == 0
    assert code(sandbox.wecom("message/send", same)) == 0
    assert len(sandbox.world.members["rep01"].inbox) == 1
    sandbox.trouble(repeated_errcode=45033)
    assert code(sandbox.wecom("message/send", same)) == 45033
    clock.tick(seconds=601)
    assert code(sandbox.wecom("message/send", same)) == 0
    assert len(sandbox.world.members["rep01"].inbox) == 2


@pytest.mark.parametrize(
    ("change", "errcode"),
    [
        ({"task_id": "有汉字"}, 42014),
        ({"task_id": "x" * 129}, 42014),
        ({"card_type": "poster"}, 42027),
        ({"main_title": {}}, 42029),
        ({"horizontal_content_list": [{"keyname": "k"}] * 7}, 42033),
        ({"card_type": "text_notice"}, 42039),
        ({"action_menu": {"action_list": []}}, 42042),
        ({"button_list": []}, 42045),
        ({"button_list": [{"text": "t", "key": "k"}] * 7}, 42045),
        ({"button_list": [{"key": "k"}]}, 42046),
        ({"button_list": [{"text": "t"}]}, 42047),
        ({"button_list": [{"text": "t", "key": "k", "style": 9}]}, 42048),
        ({"button_selection": {"question_key": "q", "option_list": []}}, 42050),
    ],
)
def test_each_wrong_field_of_a_card_has_its_code(
    sandbox: Sandbox, change: dict[str, Any], errcode: int
) -> None:
    assert code(sandbox.wecom("message/send", card(**change))) == errcode
    assert sandbox.world.members["rep01"].inbox == []


def test_a_card_comes_once_and_each_response_code_works_once_for_72_hours(
    sandbox: Sandbox, clock: SetClock
) -> None:
    sent = sandbox.wecom("message/send", card("c-1"))
    assert code(sandbox.wecom("message/send", card("c-1"))) == 42014

    def update(response_code: str) -> int:
        body = {"response_code": response_code, "button": {"replace_name": "已采用"}}
        return code(sandbox.wecom("message/update_template_card", body))

    assert update(sent["response_code"]) == 0
    assert update(sent["response_code"]) == 60140
    assert sandbox.world.cards["c-1"]["replaced"] == "已采用"
    fresh = sandbox.tap_card(task_id="c-1", key="adopt")["response_code"]
    clock.tick(hours=73)
    assert update(fresh) == 60140


def test_a_message_can_be_recalled_for_a_day(sandbox: Sandbox, clock: SetClock) -> None:
    first = {"msgid": sandbox.wecom("message/send", text("一"))["msgid"]}
    assert code(sandbox.wecom("message/recall", first)) == 0
    assert sandbox.world.members["rep01"].inbox == []
    late = {"msgid": sandbox.wecom("message/send", text("二"))["msgid"]}
    clock.tick(hours=25)
    assert code(sandbox.wecom("message/recall", late)) == 42052


# mass messages ----------------------------------------------------------------------------------


def task(external: list[str], sender: str = "rep01") -> dict[str, object]:
    return {
        "chat_type": "single",
        "external_userid": external,
        "sender": sender,
        "text": {"content": "资料"},
    }


def test_a_mass_message_waits_for_the_rep_and_reaches_whom_it_can(
    sandbox: Sandbox, external: str
) -> None:
    other = sandbox.add_contact(userid="rep01", person="li")["external_userid"]
    made = sandbox.wecom("externalcontact/add_msg_template", task([external, other, "wmNobody"]))
    assert made["fail_list"] == ["wmNobody"]
    asked = {"msgid": made["msgid"], "userid": "rep01"}

    def results() -> list[int]:
        got = sandbox.wecom("externalcontact/get_groupmsg_send_result", asked)["send_list"]
        return [row["status"] for row in got]

    assert results() == [0, 0]
    sandbox.delete_contact(userid="rep01", person="li", by="physician")
    sandbox.confirm_task(task_id=made["msgid"])
    assert results() == [1, 2]
    row = sandbox.wecom("externalcontact/get_groupmsg_task", asked)["task_list"][0]
    assert (row["status"], row["send_time"] > 0) == (2, True)
    assert sandbox.world.relations[0].chat[-1]["text"] == "资料"
    assert code(sandbox.wecom("externalcontact/cancel_groupmsg_send", asked)) == 41093


def test_only_who_talked_last_may_mass_message_a_customer(sandbox: Sandbox, external: str) -> None:
    sandbox.add_contact(userid="rep02", person="wang")
    sandbox.chat(userid="rep02", person="wang", text="您好")
    refused = sandbox.wecom("externalcontact/add_msg_template", task([external]))
    assert code(refused) == 41048
    taken = sandbox.wecom("externalcontact/add_msg_template", task([external], "rep02"))
    assert code(taken) == 0


def test_a_customer_gets_as_many_mass_messages_as_the_month_has_days(
    sandbox: Sandbox, external: str, clock: SetClock
) -> None:
    waiting = sandbox.wecom("externalcontact/add_msg_template", task([external]))["msgid"]
    sandbox.world.persons["wang"].mass_sent["2026-11"] = 30
    sandbox.confirm_task(task_id=waiting)
    asked = {"msgid": waiting, "userid": "rep01"}
    got = sandbox.wecom("externalcontact/get_groupmsg_send_result", asked)["send_list"]
    assert got[0]["status"] == 3
    assert code(sandbox.wecom("externalcontact/add_msg_template", task([external]))) == 41048
    clock.tick(days=8)
    assert code(sandbox.wecom("externalcontact/add_msg_template", task([external]))) == 0


def test_a_rep_is_reminded_three_times_a_day(
    sandbox: Sandbox, external: str, clock: SetClock
) -> None:
    made = {"msgid": sandbox.wecom("externalcontact/add_msg_template", task([external]))["msgid"]}
    codes = [code(sandbox.wecom("externalcontact/remind_groupmsg_send", made)) for _at in range(4)]
    assert codes == [0, 0, 0, 41094]
    clock.tick(hours=25)
    assert code(sandbox.wecom("externalcontact/remind_groupmsg_send", made)) == 0


# pages ------------------------------------------------------------------------------------------


def oauth(sandbox: Sandbox, app_id: str, holder: str) -> str:
    answer = httpx.get(
        f"{sandbox.open_base}/connect/oauth2/authorize",
        params={
            "appid": app_id,
            "redirect_uri": "https://x.test/b?a=1",
            "state": "s",
            "as": holder,
        },
    )
    place = httpx.URL(answer.headers["location"])
    assert (place.params["a"], place.params["state"]) == ("1", "s")
    return str(place.params["code"])


def test_a_member_proves_who_it_is_once_within_five_minutes(
    sandbox: Sandbox, clock: SetClock
) -> None:
    first = oauth(sandbox, CONFIG.corp_id, "rep01")
    who = sandbox.wecom("auth/getuserinfo", code=first)
    assert who["userid"] == "Rep01"
    ticket = {"user_ticket": who["user_ticket"]}
    assert sandbox.wecom("auth/getuserdetail", ticket)["userid"] == "Rep01"
    assert code(sandbox.wecom("auth/getuserinfo", code=first)) == 42022
    late = oauth(sandbox, CONFIG.corp_id, "rep01")
    clock.tick(seconds=301)
    assert code(sandbox.wecom("auth/getuserinfo", code=late)) == 40029
    clock.tick(hours=1)
    assert code(sandbox.wecom("auth/getuserdetail", ticket)) == 84014


def test_a_customer_who_opens_a_corp_page_is_known_by_external_userid(
    sandbox: Sandbox, external: str
) -> None:
    who = sandbox.wecom("auth/getuserinfo", code=oauth(sandbox, CONFIG.corp_id, "wang"))
    assert (who["external_userid"], "userid" in who) == (external, False)


def test_nobody_and_foreign_apps_are_not_let_in(sandbox: Sandbox) -> None:
    url = f"{sandbox.open_base}/connect/oauth2/authorize"
    for app_id, holder in ((CONFIG.corp_id, "nobody"), ("wwother", "rep01")):
        params = {"appid": app_id, "redirect_uri": "https://x.test", "as": holder}
        assert httpx.get(url, params=params).status_code == 400


def test_two_changes_of_one_customers_tags_at_once_conflict(
    sandbox: Sandbox, external: str
) -> None:
    mark = {"userid": "rep01", "external_userid": external, "add_tag": ["et1"]}
    sandbox.world.in_work.add(f"rep01 {external}")  # somebody's request is under way
    assert code(sandbox.wecom("externalcontact/mark_tag", mark)) == 45035
    sandbox.world.in_work.clear()
    assert code(sandbox.wecom("externalcontact/mark_tag", mark)) == 0
    assert code(sandbox.wecom("externalcontact/mark_tag", mark)) == 0, "nothing is left behind"
    sandbox.edit_contact(userid="rep01", person="wang", personal_tags=["爱打球"])
    (side,) = sandbox.wecom("externalcontact/get", external_userid=external)["follow_user"]
    assert [(tag["type"], tag["tag_name"]) for tag in side["tags"]] == [(1, "房颤"), (2, "爱打球")]
