"""The Official Account client (wechatpy inside) against the simulated platform, over HTTP."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from urllib.parse import parse_qs, urlsplit

import httpx
import pytest

from app.connectors import errors as e
from app.connectors.official_account.client import OfficialAccount
from tests.connectors.conftest import Platforms

# Answers do not depend on our database; test_tokens.py runs on both kinds.
pytestmark = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@pytest.fixture
def account(platforms: Platforms) -> OfficialAccount:
    return platforms.account()


def test_a_follower_comes_with_unionid(account: OfficialAccount) -> None:
    info = account.user_info("oAwang")
    assert (info.openid, info.subscribed, info.unionid) == ("oAwang", True, "oUwang")
    assert [i.unionid for i in account.user_infos(["oAwang", "oAwang"])] == ["oUwang", "oUwang"]
    with pytest.raises(e.OutOfReach):
        account.user_info("oNobody")


def test_all_followers_are_listed(account: OfficialAccount, platforms: Platforms) -> None:
    assert list(account.list_followers()) == ["oAwang"]
    platforms.world.persons["wang"].follows_oa = False
    assert list(account.list_followers()) == []


def test_messages_go_out_inside_the_window_only(
    account: OfficialAccount, platforms: Platforms
) -> None:
    wang = platforms.world.persons["wang"]
    with pytest.raises(e.WindowClosed):
        account.send_text("oAwang", "您好")
    wang.last_message_at, wang.custom_left = platforms.world.now(), 5
    account.send_text("oAwang", "您好，房颤 ]]> <b>")
    account.send_article("oAwang", "标题", "摘要", "https://yishu.test/t/1")
    assert wang.oa_chat[-2]["text"] == "您好，房颤 ]]> <b>"
    assert len(wang.oa_chat) == 2
    wang.follows_oa = False
    with pytest.raises(e.PersonGone):
        account.send_text("oAwang", "您好")


def test_a_template_message_repeats_harmlessly(
    account: OfficialAccount, platforms: Platforms
) -> None:
    data = {"thing1": {"value": "标题"}}
    first = account.send_template("oAwang", "tpl", data, "https://yishu.test/t/1", "d-1")
    assert account.send_template("oAwang", "tpl", data, "https://yishu.test/t/1", "d-1") == first
    assert len(platforms.world.persons["wang"].oa_chat) == 1


def test_codes_and_menus_are_made(account: OfficialAccount, platforms: Platforms) -> None:
    assert account.create_code("hall-3").startswith("http")
    assert account.create_code("hall-4", 3600).startswith("http")
    account.create_menu([{"type": "click", "name": "为我推荐", "key": "recommended"}])
    assert platforms.world.menu[0]["name"] == "为我推荐"
    with pytest.raises(e.BadRequest):
        account.create_menu([])


def test_a_follower_logs_in_once_per_code(account: OfficialAccount) -> None:
    url = account.login_url("https://yishu.test/back", "state1")
    back = httpx.get(f"{url.removesuffix('#wechat_redirect')}&as=wang")
    code = parse_qs(urlsplit(back.headers["location"]).query)["code"][0]
    assert account.login(code) == ("oAwang", "oUwang")
    with pytest.raises(e.LoginCodeSpent):
        account.login(code)


def test_a_refused_token_is_replaced_once_for_all_threads(
    account: OfficialAccount, platforms: Platforms
) -> None:
    account.user_info("oAwang")
    platforms.expire_tokens()
    with ThreadPoolExecutor(8) as pool:
        found = list(pool.map(account.user_info, ["oAwang"] * 8))
    assert {info.openid for info in found} == {"oAwang"}
    assert platforms.calls()["stable_token"] == 2


def test_a_token_that_stays_refused_is_tried_twice_and_not_for_ever(
    account: OfficialAccount, platforms: Platforms
) -> None:
    platforms.fails("user/info", 40001, times=100)
    with pytest.raises(e.TokenExpired):
        account.user_info("oAwang")
    assert platforms.calls()["user/info"] == 2


def test_40001_about_the_secret_is_a_bad_credential(
    account: OfficialAccount, platforms: Platforms
) -> None:
    platforms.fails("stable_token", 40001)
    with pytest.raises(e.BadCredential):
        account.user_info("oAwang")


def test_an_answer_lost_after_the_effect_is_an_unknown_outcome(
    account: OfficialAccount, platforms: Platforms
) -> None:
    account.user_info("oAwang")
    platforms.trouble(cut_after_effect=True)
    with pytest.raises(e.OutcomeUnknown):
        account.send_template("oAwang", "tpl", {}, "", "d-1")
    assert platforms.calls()["message/template/send"] == 1
    assert len(platforms.world.persons["wang"].oa_chat) == 1
