"""The WeCom client against the simulated platform, over HTTP."""

from __future__ import annotations

from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from app.connectors import errors as e
from app.connectors.wecom.cards import Button, interaction_card
from app.connectors.wecom.client import WeCom
from tests.connectors.conftest import Platforms

# Answers do not depend on our database; test_tokens.py runs on both kinds.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)

TEXT = {"msgtype": "text", "text": {"content": "您好"}}


@pytest.fixture
def wecom(platforms: Platforms) -> WeCom:
    return platforms.wecom()


def card(task_id: str) -> dict[str, object]:
    made = interaction_card(
        task_id=task_id, source="医枢", title="今日建议", buttons=[Button("采纳", "adopt")]
    )
    return {"msgtype": "template_card", "template_card": made}


def test_a_contact_comes_with_every_reps_side(wecom: WeCom) -> None:
    customer = wecom.get_customer("wmWang")
    assert (customer.name, customer.unionid, customer.is_wechat) == ("王某某", "oUwang", True)
    mine, other = customer.followers
    assert (mine.userid, mine.remark, mine.phones) == ("rep01", "王主任", ("19912345678",))
    assert [(tag.name, tag.group) for tag in mine.tags] == [("房颤", "专科")]
    assert (mine.state, mine.added_at.timestamp()) == ("hall-3", 1_790_000_000)
    assert (other.userid, other.tags) == ("rep02", ())


def test_a_contact_nobody_follows_is_not_a_friend(wecom: WeCom, platforms: Platforms) -> None:
    with pytest.raises(e.NotAFriend):
        wecom.get_customer("wmLi")
    with pytest.raises(e.OutOfReach, match="客户编号"):
        wecom.get_customer("wmNobody")


def test_a_member_without_contacts_has_an_empty_list(wecom: WeCom, platforms: Platforms) -> None:
    assert wecom.list_customers("rep01") == ["wmWang"]
    platforms.relation("rep02", "wmWang").removed_by = "rep"
    assert wecom.list_customers("rep02") == []
    with pytest.raises(e.PersonGone):
        wecom.list_customers("nobody")


def test_a_batch_gives_each_contact_once_per_member(wecom: WeCom) -> None:
    found = [(c.external_userid, side.userid) for c, side in wecom.batch_customers(["rep01"])]
    assert found == [("wmWang", "rep01")]
    both = [side.userid for _c, side in wecom.batch_customers(["rep01", "rep02"])]
    assert both == ["rep01", "rep02"]


def test_members_are_known_by_folded_userids(wecom: WeCom) -> None:
    member = wecom.get_member("REP01")
    assert (member.userid, member.name, member.status) == ("rep01", "陈晓彤", 1)
    with pytest.raises(e.PersonGone):
        wecom.get_member("nobody")


def test_tags_and_remarks_change_one_side(wecom: WeCom, platforms: Platforms) -> None:
    made = wecom.add_corp_tag("关注主题", ["抗凝"])
    wecom.mark_tag("rep01", "wmWang", [made[0].tag_id], ["et1"])
    wecom.remark("rep01", "wmWang", remark="王教授")
    side = wecom.get_customer("wmWang").followers[0]
    assert ([tag.name for tag in side.tags], side.remark) == (["抗凝"], "王教授")
    assert {tag.name for tag in wecom.list_corp_tags()} == {"房颤", "心衰", "抗凝"}
    platforms.fails("externalcontact/mark_tag", 45035)
    with pytest.raises(e.RecordBusy):
        wecom.mark_tag("rep01", "wmWang", ["et1"], [])


def test_a_message_reports_who_did_not_get_it(wecom: WeCom, platforms: Platforms) -> None:
    sent = wecom.send_app_message("rep01|Nobody", TEXT)
    assert sent.message_id
    assert sent.invalid_users == ("nobody",)
    assert platforms.world.members["rep01"].inbox[-1]["text"] == "您好"
    with pytest.raises(e.OutOfReach):
        wecom.send_app_message("nobody", TEXT)


def test_a_card_is_sent_once_and_changed_once(wecom: WeCom, platforms: Platforms) -> None:
    code = wecom.send_app_message("rep01", card("s1-1")).response_code
    with pytest.raises(e.CardDuplicate):
        wecom.send_app_message("rep01", card("s1-1"))
    wecom.update_card(code, ["rep01"], {"button": {"replace_name": "已采纳"}})
    assert platforms.world.cards["s1-1"]["replaced"] == "已采纳"
    with pytest.raises(e.BadRequest):
        wecom.update_card(code, ["rep01"], {"button": {"replace_name": "又一次"}})


def test_a_group_task_names_those_left_out_and_its_results(
    wecom: WeCom, platforms: Platforms
) -> None:
    task = wecom.add_group_task("rep02", ["wmWang", "wmLi"], "资料", [])
    assert task.failed == ("wmLi",)
    assert [r.status for r in wecom.group_results(task.message_id, "rep02")] == [0]
    assert [m.confirmed for m in wecom.group_task_members(task.message_id)] == [False]
    answer = httpx.post(
        f"{platforms.base}/sandbox/do/confirm_task", json={"task_id": task.message_id}
    )
    assert answer.status_code == 200, answer.text
    (result,) = wecom.group_results(task.message_id, "rep02")
    assert (result.external_userid, result.status) == ("wmWang", 1)
    assert result.sent_at is not None
    assert [m.confirmed for m in wecom.group_task_members(task.message_id)] == [True]
    with pytest.raises(e.BadRequest):
        wecom.cancel_group_task(task.message_id)


def test_contact_ways_are_made_found_and_removed(wecom: WeCom) -> None:
    made = wecom.add_contact_way(["rep01"], "hall-3")
    assert made.qr_code
    assert wecom.get_contact_way(made.config_id).state == "hall-3"
    assert wecom.list_contact_ways() == [made.config_id]
    wecom.delete_contact_way(made.config_id)
    assert wecom.list_contact_ways() == []


def test_a_group_is_read_until_it_is_dismissed(wecom: WeCom, platforms: Platforms) -> None:
    platforms.world.groups["wr1"] = {
        "chat_id": "wr1", "name": "心内科资料群", "owner": "Rep01",
        "member_list": [{"userid": "Rep01", "type": 1}, {"userid": "wmWang", "type": 2}],
    }  # fmt: skip
    assert wecom.list_group_chats(["rep01"]) == ["wr1"]
    chat = wecom.get_group_chat("wr1")
    assert (chat.name, chat.owner) == ("心内科资料群", "rep01")
    assert [(m.userid, m.is_contact) for m in chat.members] == [("rep01", False), ("wmWang", True)]
    del platforms.world.groups["wr1"]
    with pytest.raises(e.GroupGone):
        wecom.get_group_chat("wr1")
    platforms.fails("externalcontact/groupchat/get", 49008)
    with pytest.raises(e.GroupGone):
        wecom.get_group_chat("wr1")


def test_tickets_of_corp_and_app_are_kept_apart_and_shared(
    wecom: WeCom, platforms: Platforms
) -> None:
    corp, app = wecom.js_ticket(of_app=False), wecom.js_ticket(of_app=True)
    assert corp != app
    assert platforms.wecom().js_ticket(of_app=True) == app
    assert platforms.calls()["ticket/get"] == 1


def test_a_member_logs_in_once_per_code(wecom: WeCom) -> None:
    url = wecom.login_url("https://yishu.test/back?to=a&b=c", "state1")
    back = httpx.get(f"{url.removesuffix('#wechat_redirect')}&as=Rep01")
    query = parse_qs(urlsplit(back.headers["location"]).query)
    assert (query["state"], query["to"], query["b"]) == (["state1"], ["a"], ["c"])
    assert wecom.login(query["code"][0]).userid == "rep01"
    with pytest.raises(e.LoginCodeSpent):
        wecom.login(query["code"][0])


@pytest.mark.parametrize(
    ("errcode", "kind"),
    [(-1, e.Busy), (45009, e.RateLimited), (41050, e.WelcomeOver), (41051, e.WelcomeOver),
     (41096, e.WelcomeInProgress), (60020, e.NotAllowed), (999999, e.BadRequest)],
)  # fmt: skip
def test_each_code_has_its_error(
    wecom: WeCom, platforms: Platforms, errcode: int, kind: type[Exception]
) -> None:
    platforms.fails("externalcontact/send_welcome_msg", errcode)
    with pytest.raises(kind, match=f"errcode {errcode}"):
        wecom.send_welcome("code", "欢迎")


def test_an_answer_lost_after_the_effect_is_an_unknown_outcome(
    wecom: WeCom, platforms: Platforms
) -> None:
    wecom.list_follow_users()
    platforms.trouble(cut_after_effect=True)
    with pytest.raises(e.OutcomeUnknown):
        wecom.send_app_message("rep01", TEXT)
    assert len(platforms.world.members["rep01"].inbox) == 1
    assert platforms.calls()["message/send"] == 1, "a message is never repeated by itself"
