"""Who is in an audience."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app import consent, identity, links, reps, segments, tagging
from app.consent import Action
from app.identity import Id, Kind
from app.infra.db import Database
from app.infra.errors import Refused
from app.reps import RelationState
from app.segments import Segment, Unparseable
from tests.company import give_tag, hire, meet, publish
from tests.conftest import SetClock


@pytest.fixture
def company(database: Database, clock: SetClock) -> Database:
    """wang, li and zhao; li has read something; zhao is nobody's friend any more."""
    now = clock()
    with database.transaction() as session:
        tagging.seed(session, now)
        rep01, rep02 = hire(session, "rep01", now), hire(session, "rep02", now)
        meet(session, rep01, "wang", now, tags=("af",), city="云岭市", department="心内科")
        li = meet(session, rep02, "li", now, tags=("af", "heart-failure"), city="海州市")
        zhao = meet(session, rep02, "zhao", now, tags=("heart-failure",), city="海州市")
        reps.disconnect(session, rep02, zhao, RelationState.REMOVED_BY_PHYSICIAN, now)
        identity.observe(
            session, [Id(Kind.WECOM_EXTERNAL_USERID, "wwtestcorp", "wmli"),
                      Id(Kind.UNIONID, "open", "oUli"), Id(Kind.OPENID, "wxtest", "oLi")],
            event_key="e", source="test", kind="api_assert", trust=90, at=now, now=now,
        )  # fmt: skip
        version = publish(session, "房颤抗凝", ("af",), now)
        link = links.create_link(session, version.id, identifier_id=li.id, channel="wecom", now=now)
        for n in range(2):
            links.open_page(session, link.id, f"visit-{n:04}", agent="wechat", now=now)
        consent.record(session, li.id, action=Action.WITHDRAW, source="keyword", at=now)
    return database


def names(company: Database, clock: SetClock, text: str) -> set[str]:
    with company.reading() as session:
        people = identity.physicians_by_id(session, segments.members(session, text, clock()))
        return {physician.name.removeprefix("示例") for physician in people.values()}


@pytest.mark.parametrize(
    ("text", "who"),
    [
        ("全部", {"wang", "li", "zhao"}),
        ("标签:房颤", {"wang", "li"}),
        ("标签:房颤 且 标签:心力衰竭", {"li"}),
        ("标签:房颤 或 标签:心力衰竭", {"wang", "li", "zhao"}),
        ("非 标签:房颤", {"zhao"}),
        ("标签:房颤 ≥ 0.99", set()),
        ("城市 = 海州市", {"li", "zhao"}),
        ("科室 = 心内科 且 非 城市 = 海州市", {"wang"}),
        ("代表 = rep02", {"li"}),
        ("代表 = 代表rep01", {"wang"}),
        ("企微好友", {"wang", "li"}),
        ("关注公众号", {"li"}),
        ("近 30 天打开 ≥ 2", {"li"}),
        ("近 30 天打开 ≥ 3", set()),
        ("近 30 天未打开", {"wang", "zhao"}),
        ("近 30 天打开 1-2 次", {"li"}),
        ("近 30 天打开 ≤ 1", {"wang", "zhao"}),
        ("标签:已退订", {"li"}),
        ("许可:企微推送", {"wang", "zhao"}),
        ("非 (标签:房颤 或 城市 = 海州市)", set()),
    ],
)
def test_who_is_meant(company: Database, clock: SetClock, text: str, who: set[str]) -> None:
    assert names(company, clock, text) == who


def test_what_happened_long_ago_does_not_count(company: Database, clock: SetClock) -> None:
    clock.tick(days=31)
    assert names(company, clock, "近 30 天打开 ≥ 1") == set()


def test_an_unknown_tag_is_refused_by_name(company: Database, clock: SetClock) -> None:
    with company.reading() as session:
        with pytest.raises(Refused, match="没有标签“没这个”"):
            segments.check(session, "全部 或 标签:没这个", clock())
        with pytest.raises(Unparseable):
            segments.check(session, "全部 或", clock())


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("标签:房颤病", "没有标签“房颤病”，相近的有：.*房颤"),
        ("代表 = 代表rep00", "没有代表“代表rep00”，相近的有：代表rep01、代表rep02"),
        ("名单:会议", "没有名单“会议”，请检查名称"),
        ("人群:甲", "人群“甲”会包含它自己"),
        ("人群:没有", "没有人群“没有”"),
        ("活动:春季 已收到", "没有活动“春季”"),
    ],
)
def test_a_name_that_means_nothing_is_refused_with_what_looks_like_it(
    company: Database, clock: SetClock, text: str, told: str
) -> None:
    with company.transaction() as session:
        for name, expression in (("甲", "非 人群:乙"), ("乙", "全部 且 人群:甲")):
            session.add(Segment(name=name, expression=expression, created_by="t",
                                created_at=clock()))  # fmt: skip
    with company.reading() as session, pytest.raises(Refused, match=told):
        segments.check(session, text, clock())


def test_an_audience_has_a_size_reps_refusals_and_always_the_same_few_names(
    company: Database, clock: SetClock
) -> None:
    with company.transaction() as session:
        rep = reps.find_rep(session, "wwtestcorp", "rep01")
        assert rep is not None
        for n in range(9):
            row = meet(session, rep, f"more{n}", clock())
            give_tag(session, row, "af", clock())
    with company.reading() as session:
        first = segments.audience(session, "标签:房颤", clock())
        again = segments.audience(session, "标签:房颤", clock() + timedelta(hours=1))
    assert (first.size, first.reps, first.opted_out) == (11, 2, 1)
    assert len(first.sample) == 5
    assert [p.one_id for p in first.sample] == [p.one_id for p in again.sample]
