"""Four weeks of one rep through the platforms: what is answered shows in the next lists."""

from __future__ import annotations

import re
from copy import deepcopy
from datetime import UTC, datetime, timedelta

import pytest
from sqlalchemy import select

from app import accounts, feedback, recommend, reps, tagging
from app.accounts.models import Role
from app.feedback import ClaimState, RelationClaim, StopRule
from app.flows.planning.plan_day import plan_day
from app.identity import Id, Identifier, Kind
from app.identity import find as find_identifier
from app.infra.clock import SHANGHAI, local
from app.recommend import DailyPlan, State, Suggestion
from tests.company import give_tag
from tests.scenarios.conftest import PEOPLE, Line, publish
from tests.scenarios.test_console import PASSWORD, Browser
from tests.scenarios.test_content_page import CHROME
from tests.scenarios.test_rep_page import enter, send

MONDAY = datetime(2026, 11, 2, 9, 30, tzinfo=SHANGHAI).astimezone(UTC)
TASTES = {  # five physicians of different taste
    "wang": ("af", "anticoagulation"),
    "li": ("heart-failure",),
    "zhao": ("anticoagulation",),
    "qian": ("af",),
    "sun": ("heart-failure", "anticoagulation"),
}
CONTENTS = {
    "抗凝一": ["anticoagulation"], "抗凝二": ["anticoagulation"], "抗凝三": ["anticoagulation"],
    "房颤一": ["af"], "房颤二": ["af"], "房颤三": ["af"],
    "心衰一": ["heart-failure"], "心衰二": ["heart-failure"], "心衰三": ["heart-failure"],
    "两者": ["af", "anticoagulation"],
}  # fmt: skip


class Weeks:
    """One rep's days."""

    def __init__(self, line: Line) -> None:
        self.line, self.ids, self.days = line, dict[str, int](), 0
        line.clock.now = MONDAY
        people = [{"key": k, "name": f"{k}某", "unionid": f"u{k}"} for k in TASTES]
        line.world.seed(deepcopy(PEOPLE) | {"persons": people})
        for title, tags in CONTENTS.items():
            publish(line, title, tags)
        for key, tags in TASTES.items():
            line.do("add_contact", userid="rep01", person=key)
            self._tag(key, tags)
        with line.parts.db.transaction() as session:
            rep = reps.find_rep(session, "wwtestcorp", "rep01")
            assert rep is not None
            self.rep_id = rep.id
            accounts.create_user(
                session, "marketer", name="市场示例", password=PASSWORD, role=Role.MARKETER,
                now=line.clock(),
            )  # fmt: skip
        self.page = enter(line, "rep01")
        self.staff = Browser(line)
        self.staff.login("marketer")

    def _tag(self, key: str, tags: tuple[str, ...]) -> None:
        external = self.line.person(key).external_userid
        with self.line.parts.db.transaction() as session:
            row = find_identifier(session, Id(Kind.WECOM_EXTERNAL_USERID, "wwtestcorp", external))
            assert row is not None
            self.ids[key] = row.id
            for tag in tags:
                give_tag(session, session.get_one(Identifier, row.id), tag, self.line.clock())

    def morning(self, days: int) -> dict[str, Suggestion]:
        """That many days later: planned at half past nine, shown after two; by physician."""
        line = self.line
        self.days += days
        line.clock.now = MONDAY + timedelta(days=self.days)
        day = local(line.clock()).date()
        with line.parts.db.transaction() as session:
            rep = reps.get_rep(session, self.rep_id)
            plan_day(session, rep, day, base_url="http://yishu.test", now=line.clock())
        for minutes in (8, 300):  # the cards of the morning, and those of the afternoon
            line.clock.tick(minutes=minutes)
            line.work()
        who = {number: key for key, number in self.ids.items()}
        with line.parts.db.reading() as session:
            rows = recommend.of_rep(session, self.rep_id, day)
        return {who[row.identifier_id]: row for row in rows if row.plan_key.startswith("day:")}

    def title(self, row: Suggestion) -> str:
        with self.line.parts.db.reading() as session:
            return recommend_title(session, row)

    def answer(self, row: Suggestion, key: str, **fields: str) -> str:
        told = send(self.page, f"/rep/suggestions/{row.id}/{key}", **fields)
        assert told.status_code == 200
        self.line.work()
        return str(told.text)

    def left_out(self) -> dict[str, int]:
        with self.line.parts.db.reading() as session:
            newest = select(DailyPlan).order_by(DailyPlan.id.desc()).limit(1)
            return session.scalars(newest).one().left_out

    def says(self, text: str) -> bool:
        return any(text in str(message.get("text", "")) for message in self.line.inbox("rep01"))


def recommend_title(session, row: Suggestion) -> str:  # type: ignore[no-untyped-def]
    from app import content

    return content.get_version(session, row.content_version_id).title


@pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)  # rules are tested on both
def test_four_weeks_of_answers(line: Line) -> None:
    weeks = Weeks(line)

    # Week one: everybody gets something of their own taste, and every answer means another thing.
    first = weeks.morning(0)
    assert set(first) == set(TASTES)
    titles = {key: weeks.title(row) for key, row in first.items()}
    assert titles["li"].startswith("心衰")
    assert titles["qian"].startswith("房颤")
    weeks.answer(first["wang"], "adopt")
    assert "类似的也会少一些" in weeks.answer(first["qian"], "refuse_reason", reason="content")
    told = weeks.answer(first["li"], "refuse_reason", reason="timing", better="afternoon")
    assert "换个时间" in told
    assert "市场部确认" in weeks.answer(first["sun"], "refuse_reason", reason="not_mine")
    note = "这个月别再发抗凝"
    weeks.answer(first["zhao"], "refuse_reason", reason="other", note=note)
    home = weeks.staff.get("/console/").text
    for waits in ("代表说“不是我的客户”", "代表写的意见，待采纳"):
        assert re.search(rf'{waits}</a></dt>\s*<dd><span class="badge wait">1<', home)
    _opens(weeks)

    # Within the week: nobody who said no is asked again, and the queue has the claim.
    second = weeks.morning(1)
    assert not {"li", "sun"} & set(second)
    if "qian" in second:
        assert weeks.title(second["qian"]) != titles["qian"]
    assert weeks.left_out().get("not_mine") == 1
    queue = weeks.staff.get("/console/governance/claims").text
    assert "sun某" in queue
    assert "等待处理 1" in queue
    for row in second.values():
        weeks.answer(row, "later", when="next_week")

    # Week two: the proposal is approved for everybody; no anticoagulation for anyone this month.
    with line.parts.db.reading() as session:
        (rule,) = session.scalars(select(StopRule))
        (claim,) = session.scalars(select(RelationClaim))
    path = f"/console/governance/rules/{rule.id}"
    page = weeks.staff.get(path).text
    assert note in page
    assert "条建议" in page, "what it would have stopped"
    assert note in weeks.staff.get("/console/governance/rules").text
    tags = [str(tag) for tag in rule.tag_ids]
    weeks.staff.send(path, path, action="approve", scope="all", tags=tags, until="2026-11-30")
    line.work()
    assert weeks.says("已采纳，12月1日前不再推荐「抗凝」")
    third = weeks.morning(6)
    assert third
    assert not [row for row in third.values() if "抗凝" in weeks.title(row)]
    assert weeks.left_out().get(f"rule:{rule.id}", 0) >= 1, "zhao has nothing else"
    assert "sun" not in third

    # The refused content stays away, and what was postponed comes first and says so.
    if "qian" in third:
        assert weeks.title(third["qian"]) != titles["qian"]
    postponed = [row for row in third.values() if row.reasons[0] == "您上次选择了“稍后”"]
    assert len(postponed) >= 1

    # 已经沟通过 counts as a contact: with one adopted it fills the cap of two, and the page says
    # when it ends.
    discussed = next(row for row in third.values() if row.identifier_id != weeks.ids["li"])
    who = next(key for key, number in weeks.ids.items() if number == discussed.identifier_id)
    weeks.answer(discussed, "refuse_reason", reason="discussed")
    external = line.person(who).external_userid
    assert "7 天内还可 1 次" in weeks.page.get(f"/rep/sidebar?external_userid={external}").text

    # Staff say the physician is the rep's after all: suggestions go on, and the rep hears why.
    decide = f"/console/governance/claims/{claim.id}"
    weeks.staff.send(
        "/console/governance/claims", decide, decision="wrong", reason="本季度仍由您负责"
    )
    line.work()
    assert weeks.says("仍由您负责，会继续向您推荐。原因：本季度仍由您负责")

    # Week three: sun is back, li's card leaves in the afternoon, still no anticoagulation.
    fourth = weeks.morning(7)
    assert "sun" in fourth
    assert weeks.title(fourth["sun"]).startswith("心衰")
    assert "li" in fourth
    assert _hour_of(weeks, fourth["li"]) == 13
    assert not [row for row in fourth.values() if "抗凝" in weeks.title(row)]

    # Withdrawn, it stops nothing any more; the claim decided the other way takes sun off for good.
    weeks.staff.send(path, path, action="withdraw", reason="指南已更新")
    weeks.staff.send("/console/governance/claims", decide, decision="undo")
    weeks.staff.send("/console/governance/claims", decide, decision="removed")
    fifth = weeks.morning(7)
    assert "sun" not in fifth
    assert weeks.title(fifth["zhao"]).startswith(("抗凝", "两者"))
    with line.parts.db.reading() as session:
        assert session.get_one(RelationClaim, claim.id).state == ClaimState.REMOVED
        assert len(feedback.rules.versions_of(session, rule.id)) == 2


def _opens(weeks: Weeks) -> None:
    """Wang opens and reads what was sent: the tag weighs more afterwards."""
    line = weeks.line
    before = _weight(weeks, "wang", "anticoagulation")
    text = next(m["text"] for m in line.inbox("rep01")[::-1] if "/t/" in m.get("text", ""))
    found = re.search(r"/t/([\w-]+)", text)
    assert found
    page = line.web.get(f"/t/{found.group(1)}", headers=CHROME).text
    visit = re.search(r'data-visit="([\w-]+)"', page)
    assert visit
    line.clock.tick(seconds=40)
    body = {"visit": visit.group(1), "visible_s": 40, "depth_pct": 90}
    assert line.web.post(f"/t/{found.group(1)}/progress", json=body).status_code == 204
    line.work()
    after = _weight(weeks, "wang", "anticoagulation")
    assert after > before


def _weight(weeks: Weeks, key: str, tag_key: str) -> float:
    with weeks.line.parts.db.reading() as session:
        row = session.get_one(Identifier, weeks.ids[key])
        tag = tagging.by_key(session, tag_key)
        assert tag is not None
        held = tagging.weights(session, [row.one_id], weeks.line.clock())[row.one_id]
        return held[tag.id].value


def _hour_of(weeks: Weeks, row: Suggestion) -> int:
    with weeks.line.parts.db.reading() as session:
        found = session.get_one(Suggestion, row.id)
        assert found.state == State.DELIVERED
        assert found.delivered_at is not None
        return int(found.verdict["time"]["hour"])
