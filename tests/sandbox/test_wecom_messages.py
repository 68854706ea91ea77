"""What WeCom says of messages to members and of mass messages to customers."""

from __future__ import annotations

from typing import Any

import pytest

from tests.conftest import SetClock
from tests.sandbox.fixtures import Sandbox
from tests.sandbox.test_callbacks import card
from tests.sandbox.test_wecom_rules import code, text

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
