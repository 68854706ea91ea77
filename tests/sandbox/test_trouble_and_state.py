"""How the platforms break, and what a restart keeps."""

from __future__ import annotations

from pathlib import Path

import httpx
import pytest

from app.sandbox.world import World
from tests.conftest import SetClock
from tests.sandbox.fixtures import PEOPLE, Receiver, Sandbox, running
from tests.sandbox.test_wecom_rules import code, text

FOLLOWERS = "/cgi-bin/externalcontact/get_follow_user_list"


def test_an_outage_answers_503_or_tears_the_line_down(sandbox: Sandbox) -> None:
    sandbox.trouble(outage="5xx")
    assert httpx.get(sandbox.wecom_base + FOLLOWERS).status_code == 503
    sandbox.trouble(outage="reset")
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.get(sandbox.wecom_base + FOLLOWERS)
    assert [line["status"] for line in sandbox.world.journal] == ["503", "reset"]
    sandbox.trouble()
    assert code(sandbox.wecom("externalcontact/get_follow_user_list")) == 0


def test_a_hanging_platform_says_nothing_until_the_caller_gives_up(sandbox: Sandbox) -> None:
    sandbox.trouble(outage="hang")
    with pytest.raises(httpx.ReadTimeout):
        httpx.get(sandbox.wecom_base + FOLLOWERS, timeout=0.3)
    sandbox.trouble()


def test_an_answer_can_be_lost_after_the_effect(sandbox: Sandbox) -> None:
    sandbox.wecom("externalcontact/get_follow_user_list")
    token = next(iter(sandbox.world.tokens))
    sandbox.trouble(cut_after_effect=True)
    with pytest.raises(httpx.RemoteProtocolError):
        httpx.post(
            f"{sandbox.wecom_base}/cgi-bin/message/send",
            json=text("到了"), params={"access_token": token},
        )  # fmt: skip
    assert sandbox.world.members["rep01"].inbox[-1]["text"] == "到了"
    assert code(sandbox.wecom("message/send", text("又一条"))) == 0


def test_planned_errors_come_as_often_as_asked_and_before_any_effect(sandbox: Sandbox) -> None:
    sandbox.trouble(errcodes={"message/send": {"errcode": -1, "times": 2}})
    assert [code(sandbox.wecom("message/send", text())) for _at in range(3)] == [-1, -1, 0]
    assert len(sandbox.world.members["rep01"].inbox) == 1


def test_all_tokens_can_expire_at_once(sandbox: Sandbox) -> None:
    sandbox.wecom("externalcontact/get_follow_user_list")
    token = next(iter(sandbox.world.tokens))
    sandbox.trouble(expire_tokens=True)
    ask = {"access_token": token}
    assert code(httpx.get(sandbox.wecom_base + FOLLOWERS, params=ask).json()) == 42001
    assert code(sandbox.wecom("externalcontact/get_follow_user_list")) == 0


def test_secrets_and_tokens_stay_out_of_the_journal(sandbox: Sandbox) -> None:
    sandbox.wecom("externalcontact/get_follow_user_list")
    sandbox.oa("user/get")
    told = httpx.get(f"{sandbox.base}/sandbox/journal").text
    for secret in ("wecom-secret", "oa-secret", *sandbox.world.tokens):
        assert secret not in told


def test_seeding_is_silent_and_reset_forgets_everything(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    httpx.put(f"{sandbox.base}/sandbox/world", json=PEOPLE).raise_for_status()
    sandbox.settle()
    assert receiver.bodies == []
    assert len(httpx.get(f"{sandbox.base}/sandbox/world").json()["persons"]) == 2
    httpx.post(f"{sandbox.base}/sandbox/reset").raise_for_status()
    assert httpx.get(f"{sandbox.base}/sandbox/world").json()["persons"] == []


def test_wrong_wishes_are_refused_with_words(sandbox: Sandbox) -> None:
    def ask(verb: str, **arguments: object) -> httpx.Response:
        return httpx.post(f"{sandbox.base}/sandbox/do/{verb}", json=arguments)

    assert ask("dance").status_code == 404
    assert ask("_send").status_code == 404
    assert ask("follow").status_code == 400
    assert ask("follow", person="nobody").json()["errcode"] == 40003
    assert ask("unfollow", person="wang").json()["errcode"] == 43004


def test_a_restart_keeps_chats_contacts_and_cards(
    clock: SetClock, receiver: Receiver, tmp_path: Path
) -> None:
    path = tmp_path / "var" / "sandbox.json"
    with running(clock=clock, post=receiver, people=PEOPLE, path=path) as first:
        first.add_contact(userid="rep01", person="wang")
        first.chat(userid="rep01", person="wang", text="您好")
        sent = first.wecom("message/send", text("留着"))
        first.world.save()
    with running(clock=clock, post=receiver, path=path) as second:
        assert [m["text"] for m in second.world.relations[0].chat] == ["您好"]
        assert second.world.members["rep01"].inbox[-1]["msgid"] == sent["msgid"]
        assert code(second.wecom("message/recall", {"msgid": sent["msgid"]})) == 0


def test_an_unreadable_state_is_put_aside(tmp_path: Path) -> None:
    path = tmp_path / "sandbox.json"
    path.write_text('{"members": [')
    assert World(path=path).members == {}
    assert path.with_suffix(".unreadable").read_text() == '{"members": ['


def test_a_share_of_the_callbacks_can_be_lost_and_come_late(
    sandbox: Sandbox, receiver: Receiver
) -> None:
    sandbox.trouble(drop=0.3, drop_seed=1)
    sandbox.add_contact(userid="rep01", person="wang")
    for number in range(59):
        sandbox.edit_contact(userid="rep01", person="wang", remark=f"第{number}次")
    arrived = len(receiver.bodies)
    assert 30 <= arrived <= 54
    sandbox.trouble()
    assert httpx.post(f"{sandbox.base}/sandbox/release").json() == {"released": 60 - arrived}
    sandbox.settle()
    assert len(receiver.bodies) == 60
    assert httpx.post(f"{sandbox.base}/sandbox/release").json() == {"released": 0}


def test_a_wrong_cursor_of_the_batch_call_is_refused(sandbox: Sandbox) -> None:
    sandbox.add_contact(userid="rep01", person="wang")
    body = {"userid_list": ["rep01"], "limit": 1}
    first = sandbox.wecom("externalcontact/batch/get_by_user", body)
    assert len(first["external_contact_list"]) == 1
    assert code(sandbox.wecom("externalcontact/batch/get_by_user", body | {"cursor": "?"})) == 40058
