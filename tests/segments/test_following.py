"""What is easily overlooked when changes are followed; each case alone, with no other change near."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from sqlalchemy.orm import Session

from app import identity, links, segments, tagging
from app.flows.identity import import_hospitals
from app.identity import Id, Identifier, Kind
from app.infra.db import Database
from app.segments import sql
from app.segments.asking import members_of
from app.segments.meaning import meaning
from app.segments.parse import parse
from app.tagging import Source
from tests.company import CORP, hire, meet, publish
from tests.conftest import SetClock
from tests.segments.test_equal import follow
from tests.segments.test_index import Index

ONE_DATABASE = pytest.mark.parametrize("database_url", ["sqlite"], indirect=True)


def same(index: Index, text: str) -> set[str]:
    """Whom sets and tables both find now."""
    with index.db.reading() as session:
        tree, now = parse(text), index.clock()
        wanted = sql.members(session, tree, meaning(session, tree, now), now)
        assert members_of(session, tree, now) == wanted, text
    return wanted


def follow_all(index: Index) -> None:
    while follow(index, 1000):  # type: ignore[arg-type]
        pass


@pytest.fixture
def index(database: Database, clock: SetClock) -> Index:
    made = Index(database, clock)
    follow_all(made)
    return made


@ONE_DATABASE
def test_who_is_taken_apart_is_counted_twice_at_once_and_later(index: Index) -> None:
    ids = [Id(Kind.WECOM_EXTERNAL_USERID, CORP, "wmwang"), Id(Kind.UNIONID, "open", "oUwang")]
    with index.db.transaction() as session:
        rows = identity.observe(
            session, ids, event_key="one", source="t", kind="api_assert", trust=90,
            at=index.clock(), now=index.clock(),
        )  # fmt: skip
    follow_all(index)
    assert len(same(index, "全部")) == 2
    with index.db.transaction() as session:
        both = [session.get_one(Identifier, row.id) for row in rows]
        identity.keep_apart(session, *both, actor="user:1", reason="t", now=index.clock())
    assert len(same(index, "全部")) == 3
    follow_all(index)
    assert len(same(index, "全部")) == 3
    assert len(same(index, "企微好友")) == 2
    assert list(segments.verify(index.db, index.clock)) == []


@ONE_DATABASE
def test_a_tag_that_gives_way_to_another_does_so_when_its_time_has_come(index: Index) -> None:
    """Both lie inside a band when the weaker one becomes the stronger: no step is crossed."""
    with index.db.transaction() as session:
        fast, slow = _rivals(session, index.clock())
        for tag, confidence in ((fast, 0.66), (slow, 0.64)):
            tagging.assert_tag(
                session, index.li.id, tag, source=Source.PERSON, ref=f"t{tag}", evidence="",
                at=index.clock(), confidence=confidence,
            )  # fmt: skip
    follow_all(index)
    assert (len(same(index, "标签:示例快")), len(same(index, "标签:示例慢"))) == (1, 0)
    for _ in range(6):
        index.clock.tick(days=1)
        same(index, "标签:示例快"), same(index, "标签:示例慢")
        follow_all(index)
        same(index, "标签:示例快"), same(index, "标签:示例慢")
    assert (len(same(index, "标签:示例快")), len(same(index, "标签:示例慢"))) == (0, 1)
    assert list(segments.verify(index.db, index.clock)) == []


@ONE_DATABASE
def test_a_window_is_right_on_both_sides_of_midnight(index: Index) -> None:
    """The same process is asked before and after, and hears late of the day that is over."""
    index.clock.now = index.clock().replace(hour=15, minute=30)  # 23:30 in China
    texts = [f"近{days}天打开 {times}" for days in (1, 2) for times in ("≥ 1", "≥ 2", "≤ 1")]
    with index.db.transaction() as session:
        version = publish(session, "房颤抗凝", ("af",), index.clock())
        link = links.create_link(
            session, version.id, identifier_id=index.li.id, channel="oa", now=index.clock()
        )
    found = []
    for minutes, ago in ((0, 0), (10, 0), (40, 25), (5, 0), (5, 40), (24 * 60, 24 * 60)):
        index.clock.tick(minutes=minutes)
        _all_same(index, texts)
        with index.db.transaction() as session:
            at = index.clock() - timedelta(minutes=ago)
            links.open_page(session, link.id, f"visit-{minutes}-{ago}", agent="wechat", now=at)
        found.append(_all_same(index, texts))
        follow_all(index)
        assert found[-1] == _all_same(index, texts)
    assert len(set(found)) > 3  # the answers were different ones


def _all_same(index: Index, texts: list[str]) -> tuple[int, ...]:
    return tuple(len(same(index, text)) for text in texts)


def _rivals(session: Session, now: datetime) -> tuple[int, int]:
    """Two tags that exclude each other; the first fades sooner."""
    category = next(c.key for c in tagging.categories(session) if c.exclusive)
    made = [
        tagging.add_tag(
            session, key=key, name=name, category_key=category, owner="sales", parent_key="",
            half_life_days=days, now=now,
        )
        for key, name, days in (("quick", "示例快", 60), ("slow", "示例慢", 3650))
    ]  # fmt: skip
    return made[0].id, made[1].id


def test_a_reader_who_turns_a_page_later_is_followed(index: Index) -> None:
    """Reading to the end comes after the opening, and nothing else tells of it."""
    with index.db.transaction() as session:
        version = publish(session, "房颤抗凝", ("af",), index.clock())
        rep = hire(session, "rep01", index.clock())
        row = meet(session, rep, "zhao", index.clock())
        link = links.create_link(
            session, version.id, identifier_id=row.id, channel="oa", now=index.clock()
        )
        view = links.open_page(session, link.id, "visit-0001", agent="wechat", now=index.clock())
        assert view is not None
        number = view.id
    follow_all(index)
    assert not same(index, "近1天读完")
    index.clock.tick(minutes=20)
    with index.db.transaction() as session:
        view = session.get_one(links.PageView, number)
        links.progress(
            session, view, visible_s=900, depth_pct=100, reading_seconds=60, now=index.clock()
        )
    assert len(same(index, "近1天读完")) == 1
    follow_all(index)
    assert len(same(index, "近1天读完 = 1")) == 1


@ONE_DATABASE
def test_a_hospital_gets_another_level_and_who_works_there_follows(index: Index) -> None:
    for level in ("三级甲等", "三级乙等"):
        index.clock.tick(minutes=5)
        sheet = import_hospitals.read("a.csv", _hospital(level))
        with index.db.transaction() as session:
            if level == "三级甲等":
                row = session.get_one(Identifier, index.li.id)
                identity.describe(
                    session, row, {"hospital": "云岭市第一医院", "city": "云岭市"}, source="crm", trust=90,
                    at=index.clock(), now=index.clock(),
                )  # fmt: skip
            upload = import_hospitals.keep(session, "a.csv", sheet, actor="u", now=index.clock())
        import_hospitals.apply(index.db, upload.id, actor="u", now=index.clock())
        assert len(same(index, f"医院等级 = {level}")) == 1
        follow_all(index)
        assert len(same(index, f"医院等级 = {level}")) == 1
    assert not same(index, "医院等级 = 三甲")
    assert list(segments.verify(index.db, index.clock)) == []


def _hospital(level: str) -> bytes:
    return f"医院名称,等级,省份,城市\n云岭市第一医院,{level},广东,云岭市\n".encode()
