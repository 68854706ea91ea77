"""Answers as the platforms really write them, read by the clients."""

from __future__ import annotations

import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import pytest

from app.connectors.http import Answer, Http
from app.connectors.official_account.client import FollowerInfo
from app.connectors.tokens import Token, TokenProvider
from app.connectors.wecom.client import WeCom, js_signature
from app.connectors.wecom.types import Follower, GroupResult, TaskMember, Visitor

Asked = list[tuple[str, dict[str, Any]]]


class OneToken(TokenProvider):
    """The same token for ever."""

    def __init__(self) -> None: ...

    def get(self, key: str, fetch: object, *, not_generation: int | None = None) -> Token:
        return Token("token", 1)


@pytest.fixture
def asked() -> Asked:
    return []


@pytest.fixture
def wecom(shared: Path, asked: Asked) -> WeCom:
    """A client whose every call is answered by the sample of that call, on one page."""

    def answer(path: str, question: dict[str, Any]) -> dict[str, Any]:
        api = path.removeprefix("/cgi-bin/")
        asked.append((api, question))
        file = shared / f"fixtures/go-wecom/api/{api}.response.json"
        sample: dict[str, Any] = json.loads(file.read_text())
        if len(asked) > 1:
            sample["next_cursor"] = ""
        return sample

    return client_of(answer)


class Samples(Http):
    """Answers (path, what was asked) without any network."""

    def __init__(self, answer: Callable[[str, dict[str, Any]], dict[str, Any]]) -> None:
        super().__init__("https://wecom.test")
        self._answer = answer

    def send(
        self, method: str, path: str, params: Mapping[str, Any] | None = None, body: Any = None
    ) -> Answer:
        """See Http."""
        return Answer(200, json.dumps(self._answer(path, body or dict(params or {}))).encode())


def client_of(answer: Callable[[str, dict[str, Any]], dict[str, Any]]) -> WeCom:
    return WeCom(
        Samples(answer), OneToken(), corp_id="ww1", agent_id="2", secret="s",
        open_base="https://open.test",
    )  # fmt: skip


def test_a_contact_with_a_personal_tag_and_no_wechat(wecom: WeCom) -> None:
    customer = wecom.get_customer("woAJ2GCAAAXtWyujaWJHDDGi0mACHAAA")
    assert (customer.name, customer.corp_name, customer.is_wechat) == ("李四", "腾讯", False)
    side = customer.followers[0]
    assert (side.userid, side.remark, side.phones) == (
        "rocky", "李部长", ("13800000001", "13000000002"),
    )  # fmt: skip
    assert (side.tags[0].tag_id, side.tags[0].kind) == ("etAJ2GCAAAXtWyujaWJHDDGi0mACHAAA", 1)
    assert (side.tags[1].tag_id, side.tags[1].kind) == ("", 2), "personal tags have no id"


def test_a_batch_names_tags_by_id_only_and_follows_the_cursor(wecom: WeCom, asked: Asked) -> None:
    found = list(wecom.batch_customers(["rocky"]))
    assert [side.tags[0].tag_id for _c, side in found if side.tags]
    cursors = [body["cursor"] for _api, body in asked]
    assert len(cursors) == 2
    assert not cursors[0]
    assert cursors[1]


@pytest.mark.parametrize(
    ("ask", "expected"),
    [
        (lambda w: list(w.group_results("m", "u")),
         [GroupResult.of({"external_userid": "wmqfasd1e19278asdasAAAA", "status": 1,
                          "send_time": 1552536375})] * 2),
        (lambda w: list(w.group_task_members("m")),
         [TaskMember.of({"userid": "zhangsan", "status": 1, "send_time": 1552536375})] * 2),
        (lambda w: [t.name for t in w.list_corp_tags()], ["NAME1"]),
        (lambda w: w.send_app_message("u", {}).invalid_users,
         ("userid1", "userid2", "userid3", "userid4")),
        (lambda w: w.send_app_message("u", {}).response_code, "xyzxyz"),
        (lambda w: w.add_group_task("u", ["a"], "t", []).failed, ("wmqfasd1e1927831123109rBAAAA",)),
        (lambda w: w.get_contact_way("c").userids, ("zhangsan", "lisi", "wangwu")),
        (lambda w: len(w.list_group_chats(["u"])), 4),
        (lambda w: [m.is_contact for m in w.get_group_chat("c").members], [False, True]),
        (lambda w: w.get_group_chat("c").owner, "zhushengben"),
        (lambda w: w.get_member("zhangsan").name, "张三"),
    ],
)  # fmt: skip
def test_each_answer_is_read(wecom: WeCom, ask: Callable[[WeCom], Any], expected: Any) -> None:
    assert ask(wecom) == expected


def test_both_spellings_of_a_visitor_are_read() -> None:
    def wecom(answer: dict[str, str]) -> WeCom:
        return client_of(lambda _path, _question: answer)

    assert wecom({"UserId": "ZhangSan"}).login("c") == Visitor(userid="zhangsan")
    assert wecom({"userid": "ZhangSan"}).login("c") == Visitor(userid="zhangsan")
    assert wecom({"openid": "o1", "external_userid": "wm1"}).login("c") == Visitor(
        external_userid="wm1", openid="o1"
    )


def test_the_page_signature_is_the_published_one(shared: Path) -> None:
    vector = json.loads((shared / "fixtures/crypto_vectors.json").read_text())["jssdk"][0]
    for fragment in ("", "#part"):
        made = js_signature(
            vector["jsapi_ticket"], vector["noncestr"], int(vector["timestamp"]),
            vector["url"] + fragment,
        )  # fmt: skip
        assert made == vector["signature"]


def test_a_follower_is_read_and_stray_blanks_are_dropped(shared: Path) -> None:
    sample = json.loads((shared / "fixtures/wechatpy/api/user_info.json").read_text())
    info = FollowerInfo.of(sample)
    assert info.subscribed
    assert info.unionid == "o6_bmasdasdsad6_2sgVt7hMZOPfL"


def test_missing_and_null_fields_are_empty() -> None:
    side = Follower.of({"userid": "A", "tags": None, "remark_mobiles": None, "remark": None})
    assert (side.userid, side.tags, side.phones, side.remark) == ("a", (), (), "")
