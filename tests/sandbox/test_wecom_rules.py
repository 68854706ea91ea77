"""WeCom's rules, asked over HTTP as any client would."""

from __future__ import annotations

from typing import Any

import httpx
import pytest

from tests.conftest import SetClock
from tests.sandbox.fixtures import CONFIG, Sandbox


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
