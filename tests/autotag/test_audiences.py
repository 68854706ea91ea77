"""Rules whose audience names a segment, a list or a campaign, and segments that change under them."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from sqlalchemy.orm import Session

from app import autotag, campaigns, tagging
from app.autotag import Switch
from app.autotag.live import LIVE
from app.autotag.models import TagRule
from app.flows.segments import audiences
from app.infra.db import Database
from app.infra.errors import Refused
from app.segments import lists, saved
from tests.autotag.test_following import RULES, make, try_out
from tests.company import publish
from tests.conftest import SetClock
from tests.segments.test_index import ONE_DATABASE

ACTIVE = RULES["active"]


def live(session: Session, clock: SetClock, name: str, audience: str) -> int:
    rule_id = make(session, clock, name, ACTIVE | {"audience": audience})
    try_out(session, rule_id, clock)
    autotag.switch(session, rule_id, Switch.LIVE, by="user:1", now=clock())
    return rule_id


def spoken(session: Session, rule_id: int) -> str:
    return next(one.rule.audience for one in LIVE.of(session) if one.id == rule_id)


@ONE_DATABASE
def test_names_reach_rules_and_what_they_need_is_not_deleted(
    database: Database, clock: SetClock
) -> None:
    now = clock()
    with database.transaction() as session:
        tagging.seed(session, now)
        segment = saved.save(session, name="云岭", expression="城市 = 云岭市", author="u", now=now)
        named = lists.draft(
            session, name="签到", purpose="示例", filename="a.csv", members=[], figures={},
            report=[], expires_at=None, author="u", now=now,
        )  # fmt: skip
        lists.confirm(session, named.id)
        content = publish(session, "房颤抗凝", ("af",), now).content_id
        asked = {"content_id": content, "expression": "全部", "way": "suggestion", "at": None,
                 "cron": "", "now": now}  # fmt: skip
        push = campaigns.create(session, name="春季", author="u", **asked)
        rule_id = live(session, clock, "近期", "人群:云岭 且 名单:签到 且 非 活动:春季 已打开")
        assert len(LIVE.of(session)) == 1  # is kept by now
    with database.transaction() as session:
        audiences.rename_segment(session, segment.id, "云岭 医生")
        campaigns.edit(session, push.id, name="春季二", **asked)
    told = '人群:"云岭 医生" 且 名单:签到 且 非 活动:春季二 已打开'
    with database.transaction() as session:
        assert spoken(session, rule_id) == told
        deletions: list[Callable[[], str]] = [
            lambda: audiences.delete_segment(session, segment.id),
            lambda: audiences.delete_list(session, named.id),
        ]
        for delete in deletions:
            with pytest.raises(Refused, match="自动标签规则“近期”"):
                delete()
        row = autotag.revise(session, rule_id, definition=ACTIVE, author="u", now=now)
        with pytest.raises(Refused, match="自动标签规则“近期”"):
            deletions[1]()  # the version that gives tags needs it
        autotag.switch(session, row.id, Switch.RETIRE, by="u", now=now)
        for delete in deletions:
            delete()
        with pytest.raises(Refused, match="没有"):
            autotag.switch(session, row.id, Switch.REVIVE, by="u", now=now)


@ONE_DATABASE
def test_no_rule_follows_from_itself_through_a_segment(database: Database, clock: SetClock) -> None:
    now = clock()
    with database.transaction() as session:
        tagging.seed(session, now)
        inner = saved.save(session, name="内", expression="非 标签:近期活跃", author="u", now=now)
        saved.save(session, name="外", expression="人群:内 且 全部", author="u", now=now)
        for audience in ("人群:外", "非 标签:近期活跃"):
            with pytest.raises(Refused, match="互相触发"):  # when it is written, not when it begins
                make(session, clock, "甲", ACTIVE | {"audience": audience})
        audiences.change_segment(session, inner.id, expression="全部", author="u", now=now)
        rule_id = live(session, clock, "乙", "人群:外")
        with pytest.raises(Refused, match="自动标签规则“乙”用到这个人群"):
            audiences.segment_back(session, inner.id, 1, author="u", now=now)
        autotag.switch(session, rule_id, Switch.PAUSE, by="u", now=now)
        audiences.change_segment(
            session, inner.id, expression="标签:近期活跃", author="u", now=now
        )  # fmt: skip
        with pytest.raises(Refused, match="互相触发"):
            autotag.switch(session, rule_id, Switch.RESUME, by="u", now=now)
        assert session.get_one(TagRule, rule_id).paused_at is not None
