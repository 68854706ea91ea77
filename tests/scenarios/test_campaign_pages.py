"""What marketing sees of a push: before it runs, and how far each physician came."""

from __future__ import annotations

import re
from datetime import timedelta

from sqlalchemy import update

from app import campaigns
from app.delivery import Dispatch
from app.infra.clock import local
from tests.scenarios.conftest import Line, publish
from tests.scenarios.test_console import Browser, people  # noqa: F401
from workers.sweeping import tick


def test_a_marketer_sees_whom_a_push_reaches_runs_it_and_finds_the_names(
    line: Line,
    people: dict[str, Browser],  # noqa: F811
) -> None:
    version = publish(line, "房颤抗凝新进展", ["af"])
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    line.do("delete_contact", userid="rep02", person="li", by="physician")
    with line.parts.db.transaction() as session:
        campaign = campaigns.create(
            session, name="房颤月", content_id=version.content_id, expression="全部",
            way="suggestion", at=None, cron="", author="user:1", now=line.clock(),
        )  # fmt: skip
    marketer = people["marketer"]
    path = f"/console/campaigns/{campaign.id}"
    page = marketer.get(path).text
    assert "立即执行一次（1 位）" in page
    assert "没有可联系的代表 <b>1</b>" in page
    new = "/console/campaigns/new"
    by_hand = marketer.send(
        new, new, name="一次", expression="全部", content_id=str(version.content_id), at="", cron=""
    )
    assert "确认人群后点“立即执行一次”" in by_hand.text
    asked = (
        f"/console/campaigns/reach?expression=全部&way=suggestion&content_id={version.content_id}"
    )
    for text in ("现在可触达的医生", "王某某", "代表会看到的卡片", "没有可联系的代表 <b>1</b>"):
        assert text in marketer.get(asked).text
    assert "没有标签" in marketer.get(asked.replace("全部", "标签:没有这个")).text
    assert "位医生" in marketer.get("/console/campaigns/reach?expression=全部").text
    told = marketer.send(path, f"{path}/run").text
    assert "已执行" in told
    assert re.search(r"还有 1 张卡片没有送达代表：\d+月\d+日 周.<", told)
    for state, waits in (("cancelled", False), ("queued", True)):  # the rep wants none today
        with line.parts.db.transaction() as session:
            session.execute(update(Dispatch).values(state=state))
        assert ("没有送达代表" in marketer.get(path).text) is waits
    line.clock.tick(hours=1)
    line.work()
    assert "没有送达代表" not in marketer.get(path).text
    names = marketer.get(f"{path}/people/planned").text
    assert "王某某" in names
    assert "李某某" not in names
    assert "还没有人走到这一步" in marketer.get(f"{path}/people/read").text
    assert marketer.get(f"{path}/people/elsewhere").status_code == 404
    assert people["rep"].get(f"{path}/people/planned").status_code == 403


def test_the_page_of_a_push_says_when_it_runs_and_what_was_missed(
    line: Line,
    people: dict[str, Browser],  # noqa: F811
) -> None:
    version = publish(line, "房颤抗凝新进展", ["af"])
    marketer = people["marketer"]
    made = marketer.send(
        "/console/campaigns/new", "/console/campaigns/new", name="每日", expression="全部",
        content_id=str(version.content_id), way="suggestion", cron="0 13 * * *",
        catch_up="all", max_catch_up="2",
    )  # fmt: skip
    path = made.request.path
    assert "最多 2 次" in made.text
    assert "确认人群后点“开始”" in made.text
    marketer.send(path, f"{path}/start")
    line.clock.tick(days=3, hours=2)  # nobody looked for three days
    tick(line.parts)
    page = marketer.get(path).text
    for words in (
        "接下来：",
        "11月28日 周六 13:00",
        "11月30日 周一 13:00",
        "补执行，晚 60 分钟",
        "补执行，晚 25 小时",
        "错过",
    ):
        assert words in page
    assert page.count("补执行，晚") == 2
    assert "11月28日 周六 13:00" in marketer.get("/console/campaigns/").text
    new = "/console/campaigns/new"
    refused = marketer.send(
        new, new, name="每日", expression="全部",
        content_id=str(version.content_id), way="suggestion", cron="0 13 * * *",
        catch_up="all", max_catch_up="5000",
    )  # fmt: skip
    assert refused.status_code == 400
    assert "1 到 50" in refused.text
    once = {"name": "一次", "expression": "全部", "content_id": str(version.content_id),
            "way": "suggestion"}  # fmt: skip
    past = marketer.send(new, new, **once, at="2020-01-01T10:00")
    assert "这个时间已经过去" in past.text
    at = f"{local(line.clock()) + timedelta(hours=1):%Y-%m-%dT%H:%M}"
    path = marketer.send(new, new, **once, at=at).request.path
    assert ">开始<" in marketer.get(path).text
    line.clock.tick(hours=2)
    late = marketer.get(path).text
    assert "开始：时间已过，立即执行（" in late
    assert "立即执行一次" not in late, "one button for it"
