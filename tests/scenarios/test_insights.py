"""洞察 and 试一试: for staff only, by page and by call; empty pages teach, and state is in the URL."""

from __future__ import annotations

import csv
import io
import re
from datetime import timedelta

import pytest
from sqlalchemy import func, select

from app import reps, tagging
from app.accounts.models import Role
from app.content import ContentVersion
from app.flows.planning.plan_day import plan_day
from app.identity import Identifier
from app.infra.clock import local
from app.infra.db import Base
from app.recommend import State, Suggestion
from app.recommend.policy import policies
from app.recommend.policy.policy_models import Decision, PolicyState
from tests.company import give_tag, publish
from tests.flows.test_insight_contents import sent
from tests.scenarios.conftest import Line
from tests.scenarios.test_console import Browser, people

__all__ = ["people"]
HEADERS = {"Authorization": "Bearer setup-token-of-the-tests"}
PAGES = ("/console/insights/", "/console/insights/plan", "/console/insights/contents",
         "/console/insights/contents.csv", "/console/insights/coverage",
         "/console/insights/coverage?by=rep", "/console/insights/coverage/brands")  # fmt: skip


def _told_of_wang(line: Line) -> str:
    """A physician of rep01 with a tag, and a content for it; the ONE ID."""
    with line.parts.db.transaction() as session:
        tagging.seed(session, line.clock())
        row = reps.contacts_of(session, _rep(session).id)[0][1]
        publish(session, "房颤抗凝要点", ("af",), line.clock())
        publish(session, "=1+1", ("heart-failure",), line.clock())
        give_tag(session, row, "af", line.clock())
        return row.one_id


def _rep(session) -> reps.Rep:  # type: ignore[no-untyped-def]
    rep = reps.find_rep(session, "wwtestcorp", "rep01")
    assert rep is not None
    return rep


def _pages_are_for_staff_and_teach_when_empty(line: Line, people: dict[str, Browser]) -> None:
    for page in PAGES:
        for role in Role:
            status = people[role.value].get(page).status_code
            assert status == (403 if role is Role.REP else 200), (page, role)
    text = people["marketer"].get("/console/insights/contents").text
    assert "还没有建议，也没有发出过内容" in text
    assert "还没有生成" in people["reviewer"].get("/console/insights/plan").text
    assert people["admin"].get("/console/insights/plan?day=2031-02-30&page=99999999999999999999")


def _a_day_goes_from_preview_to_plan_to_names(
    line: Line, people: dict[str, Browser], wang: str
) -> None:
    marketer = people["marketer"]
    with line.parts.db.reading() as session:
        rep = _rep(session)
    page = marketer.get(f"/console/insights/plan/{rep.id}").text
    assert f"/console/insights/plan/{rep.id}/preview" in page
    preview = marketer.get(f"/console/insights/plan/{rep.id}/preview").text
    assert "房颤抗凝要点" in preview
    assert "没有保存" in preview
    told = line.web.get("/api/v1/insights/days/rep01?preview=1", headers=HEADERS).json
    assert [one["one_id"] for one in told["would"]] == [wang]
    day = local(line.clock()).date()
    with line.parts.db.transaction() as session:
        plan_day(session, _rep(session), day, base_url="http://yishu.test", now=line.clock())
    page = marketer.get(f"/console/insights/plan/{rep.id}").text
    assert "房颤抗凝要点" in page
    assert "/left-out" in page
    assert marketer.get(f"/console/insights/plan/{rep.id}/left-out?why=cap").status_code == 200
    names = marketer.get(f"/console/insights/plan/people/planned?day={day}&rep={rep.id}").text
    assert f"/console/physicians/{wang}" in names
    assert marketer.get("/console/insights/plan/people/nothing").status_code == 404
    with line.parts.db.transaction() as session:
        for one in session.scalars(select(reps.Rep)):
            one.team = "" if one.id == rep.id else "西一"
    page = marketer.get(f"/console/insights/plan?day={day}").text
    assert "没有团队" in page
    everybody = re.findall(r'people/planned\?day=[0-9-]+"', page)
    assert len(everybody) == 1  # the sum's; a team without a name is not everybody
    items = line.web.get(f"/api/v1/insights/days?day={day}", headers=HEADERS).json["items"]
    assert [(i["rep"], i["planned"], i["suggested"]) for i in items if i["suggested"]] == [
        ("rep01", True, 1)
    ]
    told = line.web.get("/api/v1/insights/days/rep01", headers=HEADERS).json
    (item,) = told["items"]
    assert item["score"] == pytest.approx(sum(part["value"] for part in item["parts"]), abs=1e-3)
    assert line.web.get("/api/v1/insights/days/nobody", headers=HEADERS).status_code == 404


def _contents_are_listed_and_leave_as_a_harmless_file(
    line: Line, people: dict[str, Browser], wang: str
) -> None:
    with line.parts.db.transaction() as session:
        rep = _rep(session)
        row = reps.contacts_of(session, rep.id)[0][1]
        for version in session.scalars(select(ContentVersion)).all():
            sent(session, rep, row, version, line.clock(), 42.0, read=True)
    marketer = people["marketer"]
    page = marketer.get("/console/insights/contents?sort=opening&days=7").text
    assert "房颤抗凝要点" in page
    assert "还太少" in page
    file = marketer.get("/console/insights/contents.csv?days=7").text
    rows = list(csv.reader(io.StringIO(file.lstrip("\ufeff"))))
    titles = {row[0] for row in rows[1:]}
    assert "房颤抗凝要点" in titles
    assert "'=1+1" in titles
    assert all(len(row) == len(rows[0]) for row in rows)
    told = line.web.get("/api/v1/insights/contents?days=7&q=房颤抗凝要点", headers=HEADERS).json
    (item,) = told["items"]
    assert (item["sent"], item["opened"], item["read"], item["median_s"]) == (1, 1, 1, 42)
    assert item["opening"]["few"]
    version = item["version_id"]
    assert "一对一发送" in marketer.get(f"/console/insights/contents/{version}?days=7").text
    names = marketer.get(f"/console/insights/contents/{version}/people/read?days=7").text
    assert wang in names
    covered = line.web.get("/api/v1/insights/coverage?by=rep&days=7", headers=HEADERS).json
    assert covered["total"]["contacted"] == 1
    wrong = line.web.get("/api/v1/insights/coverage?by=moon", headers=HEADERS)
    assert wrong.status_code == 400


def _what_if_changes_nothing_and_says_why(
    line: Line, people: dict[str, Browser], wang: str
) -> None:
    def counts() -> list[int]:
        with line.parts.db.reading() as session:
            tables = [t for t in Base.metadata.sorted_tables if t.name not in ("process",)]
            return [session.scalar(select(func.count()).select_from(t)) or 0 for t in tables]

    marketer, address = people["marketer"], f"/console/physicians/{wang}/what-if"
    before = counts()
    assert people["rep"].get(address).status_code == 403
    page = marketer.get(address).text
    assert "房颤抗凝要点" in page
    changed = marketer.get(
        f"{address}?add=心力衰竭&strength=0.9&about=房颤&title=设想的房颤指南"
    ).text
    assert "设想的房颤指南" in changed
    assert "新出现" in changed
    assert "没有标签“月亮”" in marketer.get(f"{address}?add=月亮").text
    with line.parts.db.reading() as session:
        other = session.scalar(select(ContentVersion).where(ContentVersion.title == "=1+1"))
        assert other is not None
    assert "没有其中任何一个标签" in marketer.get(f"{address}?ask={other.content_id}").text
    assert marketer.get(f"{address}?ask=999999").status_code == 404
    call = f"/api/v1/physicians/{wang}/what-if"
    told = line.web.post(call, json={"add": {"heart-failure": 0.9}, "ask": other.content_id},
                         headers=HEADERS).json  # fmt: skip
    titles = [[one["title"] for one in told[side]["items"]] for side in ("before", "after")]
    assert titles == [["房颤抗凝要点"], ["=1+1", "房颤抗凝要点"]]
    assert told["why_not"]["code"] == "first"
    assert line.web.post(call, json={"add": {"moon": 1}}, headers=HEADERS).status_code == 404
    assert line.web.post(call, json={"add": {"af": 7}}, headers=HEADERS).status_code == 400
    assert counts() == before


def _a_cancelled_suggestion_stays_on_its_day(line: Line, people: dict[str, Browser]) -> None:
    with line.parts.db.transaction() as session:
        rep = _rep(session)
        for row in session.scalars(select(Suggestion)):
            row.state = State.CANCELLED
    page = people["admin"].get(f"/console/insights/plan/{rep.id}")
    assert page.status_code == 200
    assert "已取消" in page.text
    assert "<dt>计划的建议</dt><dd>0 " in people["admin"].get("/console/").text, "as on 总览"


def _the_lift_says_when_its_first_fortnight_is_over(
    line: Line, people: dict[str, Browser], wang: str
) -> None:
    now = line.clock()
    with line.parts.db.transaction() as session:
        person = session.scalars(select(Identifier).where(Identifier.one_id == wang)).first()
        version = session.scalars(select(ContentVersion)).first()
        assert person is not None
        assert version is not None
        session.add(
            Decision(
                key="lift:1", policy_id=policies.ensure(session, now).id, rep_id=_rep(session).id,
                identifier_id=person.id, day=local(now).date(), kind="greedy",
                content_id=version.content_id, content_version_id=version.id,
                options=[], held=False, holdout=0.5, created_at=now,
            )
        )  # fmt: skip
    over = local(now).date() + timedelta(days=14)
    page = people["marketer"].get("/console/insights/lift").text
    assert f"最早的到 {over.month}月{over.day}日" in page


def _another_policy_is_tried_with_the_holdout_that_is_live(
    line: Line, people: dict[str, Browser]
) -> None:
    with line.parts.db.transaction() as session:
        policies.hold_out(session, 0.1, 0, by="user:1", reason="多一些", now=line.clock())
    marketer, new = people["marketer"], "/console/insights/policies/new"
    assert "对照" not in marketer.get(new).text.partition("<form")[2], "another page's"
    marketer.send(new, new, name="均衡", level="balanced", top="5", worth_accept="40",
                  worth_open="40", worth_read="20")  # fmt: skip
    with line.parts.db.transaction() as session:
        draft = policies.by_version(session, 3)
        assert (draft.name, draft.holdout, draft.holdout_from) == ("均衡", 0.1, 0)
        draft.state, draft.canary_at = PolicyState.CANARY, line.clock()
        live = policies.live(session)
        assert live is not None
        live.floor = 0.1
    live_page, its = "/console/insights/policies/2", "/console/insights/policies/3"
    assert "从头" not in marketer.get(its).text
    marketer.send(live_page, live_page, what="back", reason="太杂")
    assert "当时生效的第 2 版退回后，比较的对象变了：试行从" in marketer.get(its).text
    assert "试行从头开始" in marketer.get(its).text, "in its course"


def _no_number_or_day_in_an_address_breaks_a_page(
    line: Line, people: dict[str, Browser], wang: str
) -> None:
    """What no row can have, and what no calendar has a day before or after."""
    huge, admin = "9" * 25, people["admin"]
    with line.parts.db.reading() as session:
        rep = f"/console/insights/plan/{_rep(session).id}"
    for address in (
        f"/console/physicians/{wang}/what-if?rep={huge}", f"/console/physicians/?page={huge}",
        f"/console/insights/plan/people/planned?rep={huge}", f"/console/governance/?before={huge}",
        f"/console/tags/names/history?before={huge}", f"/console/tags/truth?source=crm&of={huge}",
        f"/console/tags/court?case={huge}&besides={huge}",
        f"/console/tags/court/cases?page={huge}",
        f"/console/governance/desk?case={huge}&besides={huge}",
        *(f"{page}?day={day}" for day in ("0001-01-01", "9999-12-31")
          for page in ("/console/insights/plan", rep, f"{rep}/preview")),
    ):  # fmt: skip
        assert admin.get(address).status_code == 200, address
    for day in ("0001-01-01", "9999-12-31"):
        for call in ("days", "days/rep01"):
            told = line.web.get(f"/api/v1/insights/{call}?day={day}&preview=1", headers=HEADERS)
            assert told.status_code == 400, (call, day)


def test_what_was_and_what_would_be_is_looked_at(line: Line, people: dict[str, Browser]) -> None:
    """One story, because three logins cost more than all of it."""
    _pages_are_for_staff_and_teach_when_empty(line, people)
    wang = _told_of_wang(line)
    _what_if_changes_nothing_and_says_why(line, people, wang)
    _a_day_goes_from_preview_to_plan_to_names(line, people, wang)
    _no_number_or_day_in_an_address_breaks_a_page(line, people, wang)
    _the_lift_says_when_its_first_fortnight_is_over(line, people, wang)
    _another_policy_is_tried_with_the_holdout_that_is_live(line, people)
    _a_cancelled_suggestion_stays_on_its_day(line, people)
    _contents_are_listed_and_leave_as_a_harmless_file(line, people, wang)
