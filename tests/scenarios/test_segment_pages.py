"""What marketing does with saved segments and lists in the console."""

from __future__ import annotations

import io
import re

import pytest
from sqlalchemy import select

from app.segments import Segment, SegmentList
from tests.scenarios.conftest import Line, publish
from tests.scenarios.test_console import Browser, people  # noqa: F401

ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


@ONE_DATABASE
def test_a_segment_is_saved_changed_set_back_and_deleted(
    line: Line,
    people: dict[str, Browser],  # noqa: F811
) -> None:
    marketer, start = people["marketer"], "/console/segments/"
    saved = marketer.send(start, start, name="好友", expression="企微好友")
    path = saved.request.path
    assert "已保存人群“好友”" in saved.text
    again = marketer.send(start, start, name="好友", expression="全部", description="别丢")
    assert (again.status_code, "已经存在" in again.text, "别丢" in again.text) == (409, True, True)
    assert "会包含它自己" in marketer.get(f"{start}count?expression=人群:好友&id={path[18:]}").text
    changed = marketer.send(path, path, name="朋友", expression="全部", description="所有医生")
    assert "第 2 版" in changed.text
    assert "所有医生" in changed.text
    assert "标签要写成" in marketer.send(path, path, name="朋友", expression="房颤").text
    assert "恢复自第 1 版" in marketer.send(path, f"{path}/back", number="1").text
    assert "朋友 副本" in marketer.send(path, f"{path}/duplicate").text
    assert "近 0 天里一天也没有" in marketer.get(f"{start}count?expression=近0天打开").text
    with line.parts.db.transaction() as session:  # as an older release saved it
        session.get_one(Segment, int(path[18:])).expression = "全部 或 近0天打开"
    described = marketer.send(
        path, path, name="朋友", expression="全部 或 近0天打开", description="旧"
    )
    assert ("旧" in described.text, "一天也没有" in described.text) == (True, False)
    assert "全部 或 近0天打开" in marketer.get(start).text
    assert "一天也没有" in marketer.send(path, path, name="朋友", expression="近0天打开").text
    overlap = marketer.get("/console/segments/overlap?s=朋友&e=标签:肺癌").text
    assert "只在 “朋友”" in overlap
    assert "排除" in marketer.send(path, f"{path}/spare").text
    assert "还在使用：排除规则" in marketer.send(path, f"{path}/delete").text
    rules = marketer.get("/console/segments/lists").text
    number = re.search(r"/spared/(\d+)/remove", rules)
    assert number
    marketer.send("/console/segments/lists", f"/console/segments/spared/{number[1]}/remove")
    assert "已删除人群“朋友”" in marketer.send(path, f"{path}/delete").text
    assert people["rep"].get(start).status_code == 403
    assert people["reviewer"].client.post(start).status_code in (400, 403)


@ONE_DATABASE
def test_a_list_is_looked_at_confirmed_and_left_out_of_one_push(
    line: Line,
    people: dict[str, Browser],  # noqa: F811
) -> None:
    marketer, lists = people["marketer"], "/console/segments/lists"
    version = publish(line, "房颤抗凝新进展", ["af"])
    made = marketer.send(
        "/console/campaigns/new", "/console/campaigns/new", name="每日", expression="全部",
        content_id=str(version.content_id), way="suggestion",
    )  # fmt: skip
    push = made.request.path
    who = re.search(r"physicians/(YS\w{16})", marketer.get("/console/physicians/").text)
    assert who
    lines = f"编号\n{who[1]}\n=HYPERLINK(1)\n"
    upload = marketer.send(
        lists, lists, name="签到", purpose="会议", columns="one_id=编号",
        file=(io.BytesIO(lines.encode()), "a.csv"),
    )  # fmt: skip
    path = upload.request.path
    assert "待确认" in upload.text
    assert "'=HYPERLINK(1)" in marketer.get(f"{path}/report.csv").text
    assert "名单可以使用了" in marketer.send(path, f"{path}/confirm").text
    assert marketer.get(f"{path}/report.csv").status_code == 404
    number = path.rpartition("/")[2]
    page = marketer.send(push, push + "/spare", who=f"list:{number}").text
    assert "这次推送不会发给他们" in page
    assert "在排除名单里 <b>1</b>" in page
    assert "还在使用" in marketer.send(path, f"{path}/delete").text


@ONE_DATABASE
def test_columns_of_a_file_are_chosen_on_the_page_and_known_again(
    line: Line,
    people: dict[str, Browser],  # noqa: F811
) -> None:
    marketer, lists = people["marketer"], "/console/segments/lists"
    who = re.search(r"physicians/(YS\w{16})", marketer.get("/console/physicians/").text)
    assert who
    text = f"姓名,会议编码,备注\n甲,{who[1]},\n,,\n乙,YS0000000000000000,x\n".encode()

    def upload(name: str) -> str:
        file = (io.BytesIO(text), "a.csv")
        page = marketer.send(lists, lists, name=name, purpose="会议", file=file)
        assert "这些列是什么？" in page.text
        assert who
        assert who[1] not in page.text  # cells that may name somebody are not shown whole
        return str(page.request.path)

    path = upload("签到一")
    page = marketer.get(path).text
    assert "还不知道哪一列是哪位医生" in page
    assert "确认使用" not in page
    assert "请先选择哪一列" in marketer.send(path, f"{path}/confirm").text
    assert "只能选一列" in marketer.send(path, f"{path}/columns", c0="one_id", c1="one_id").text
    assert "请选择至少一列" in marketer.send(path, f"{path}/columns").text
    assert "找到 1 位医生" in marketer.send(path, f"{path}/columns", c1="one_id").text
    told = marketer.get(f"{path}/report.csv").text
    assert "4,ONE ID,YS0000000000000000,没有这位医生" in told  # by its line of the file
    assert "名单可以使用了" in marketer.send(path, f"{path}/confirm").text
    assert "重新上传" in marketer.send(path, f"{path}/columns", c1="one_id").text
    with line.parts.db.reading() as session:
        assert session.scalars(select(SegmentList.sheet)).all() == [None]
    again = upload("签到二")
    assert "确认使用" in marketer.get(again).text
    assert "没有这位医生" in marketer.get(f"{again}/report.csv").text
    token = {"Authorization": "Bearer setup-token-of-the-tests"}
    sent = {"data": text, "headers": token}
    by_call = line.web.post("/api/v1/segments/lists?name=c&purpose=p&columns=one_id=2", **sent)
    assert (by_call.status_code, by_call.json["figures"]["found"]) == (201, 1)
    assert by_call.json["report"][0]["line"] == 4
    wrong = line.web.post("/api/v1/segments/lists?name=d&purpose=p&columns=phone=电话", **sent)
    assert (wrong.status_code, "会议编码" in wrong.text) == (409, True)
