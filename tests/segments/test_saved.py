"""Segments with versions, lists from files, whom nobody writes to, and regions."""

from __future__ import annotations

import io
from datetime import timedelta

import pytest
from openpyxl import Workbook
from sqlalchemy import event, insert, inspect, select
from sqlalchemy.orm import Session

from app import campaigns, identity, segments
from app.campaigns import CampaignWay
from app.delivery import Dispatch, Way
from app.flows.allowed import permission
from app.flows.allowed.permission import verdict_for
from app.flows.campaigns.audience import reach
from app.flows.segments import audiences, list_file
from app.flows.tagging import vocabulary
from app.identity import Id, Identifier, Kind, changed
from app.identity.marked import marked
from app.identity.models import PersonChanged
from app.infra.db import Database
from app.infra.errors import Refused
from app.segments import lists, saved, suppression
from app.segments.models import Segment, SegmentList, SegmentListMember
from app.tagging import editing
from tests.company import CORP, give_tag, hire, meet, publish
from tests.conftest import SetClock
from tests.segments.test_index import ONE_DATABASE, Index


@pytest.fixture
def index(database: Database, clock: SetClock) -> Index:
    return Index(database, clock)


def make_list(index: Index, name: str, *members: Identifier, expires: float = 0) -> int:
    with index.db.transaction() as session:
        row = lists.draft(
            session, name=name, purpose="示例", filename="a.csv", members=[m.id for m in members],
            figures={}, report=[], author="user:1", now=index.clock(),
            expires_at=index.clock() + timedelta(days=expires) if expires else None,
        )  # fmt: skip
        lists.confirm(session, row.id)
        return row.id


def named(index: Index, text: str) -> set[str]:
    with index.db.reading() as session:
        return segments.members(session, text, index.clock())


@ONE_DATABASE
def test_every_change_is_a_version_and_going_back_is_one_too(index: Index) -> None:
    now = index.clock()
    with index.db.transaction() as session:
        one = saved.save(session, name="房颤", expression="标签:房颤", author="user:1", now=now)
        saved.change(session, one.id, expression="全部", author="user:2", now=now)
        saved.change(
            session, one.id, expression="全部 ", author="user:2", now=now, description="所有"
        )
        with pytest.raises(Refused, match="已有第 2 版：全部"):  # two windows
            saved.change(session, one.id, expression="企微好友", author="user:3", now=now, base=1)
        saved.back(session, one.id, 1, author="user:3", now=now)
        copy = saved.duplicate(session, one.id, author="user:3", now=now)
        told = [(v.number, v.expression, v.size, v.author, v.back_to)
                for v in saved.history(session, one.id)]  # fmt: skip
    assert told == [
        (3, "标签:房颤", 1, "user:3", 1), (2, "全部", 2, "user:2", None),
        (1, "标签:房颤", 1, "user:1", None),
    ]  # fmt: skip
    assert (one.description, copy.name, copy.version) == ("所有", "房颤 副本", 1)


@ONE_DATABASE
def test_a_new_name_is_followed_and_what_is_used_is_not_deleted(index: Index) -> None:
    now = index.clock()
    with index.db.transaction() as session:
        content = publish(session, "房颤抗凝", ("af",), now).content_id
        inner = saved.save(session, name="高潜", expression="标签:房颤", author="u", now=now)
        outer = saved.save(
            session, name="外", expression="人群:高潜 且 企微好友", author="u", now=now
        )
        campaign = campaigns.create(
            session, name="春季", content_id=content, expression="非 人群:高潜", way="suggestion",
            at=None, cron="", author="u", now=now,
        )  # fmt: skip
        audiences.rename_segment(session, inner.id, "很高 潜")
        assert (outer.expression, campaign.expression) == (
            '人群:"很高 潜" 且 企微好友',
            '非 人群:"很高 潜"',
        )
        with pytest.raises(Refused, match="人群“外”、推送“春季”"):
            audiences.delete_segment(session, inner.id)
        with pytest.raises(Refused, match="会包含它自己"):
            saved.change(session, inner.id, expression="人群:外", author="u", now=now)
        campaigns.activate(session, campaign.id, now)
        campaigns.halt(session, campaign.id, campaigns.Stage.FINISHED)
        saved.change(session, outer.id, expression="企微好友", author="u", now=now)
        audiences.delete_segment(session, inner.id)
        assert [row.name for row in saved.listing(session)] == ["外"]


def sheet_of(rows: list[list[str]], *, book: bool) -> list_file.Sheet:
    if book:
        made = Workbook()
        for row in rows:
            made.active.append(row)
        file = io.BytesIO()
        made.save(file)
        return list_file.read("名单.xlsx", file.getvalue())
    return list_file.read("名单.csv", "\n".join(",".join(row) for row in rows).encode("gb18030"))


@pytest.mark.parametrize("book", [False, True])
def test_a_file_means_physicians_and_says_which_lines_do_not(index: Index, book: bool) -> None:
    with index.db.transaction() as session:
        identity.observe(
            session, [Id(Kind.WECOM_EXTERNAL_USERID, CORP, "wmwang"), Id(Kind.CRM_ID, "", "C1")],
            event_key="e", source="t", kind="crm_master", trust=90, at=index.clock(),
            now=index.clock(),
        )  # fmt: skip
    sheet = sheet_of(
        [["姓名", "CRM编号", "外部联系人", "ONE_ID"], ["王", "C1", "", ""], ["李", "", "wmli", ""],
         ["某", "C9", "", ""], ["两位", "C1", "wmli", ""], ["王", "", "wmwang", ""],
         ["", "", "", index.li.one_id.lower()], ["空", "", "", ""]],
        book=book,
    )  # fmt: skip
    with index.db.transaction() as session:
        found = list_file.resolve(session, sheet, sheet.guessed, corp_id=CORP)
        row = lists.draft(
            session, name="会议签到", purpose="示例", filename="a.csv", members=found.members,
            figures=found.figures, report=found.report, author="u", now=index.clock(),
            expires_at=None,
        )  # fmt: skip
    assert found.figures == {"found": 2, "not_found": 2, "ambiguous": 1, "duplicates": 2}
    assert [(r["line"], r["code"]) for r in found.report] == [
        (4, "not_found"), (5, "ambiguous"), (6, "duplicates"), (7, "duplicates"), (8, "not_found"),
    ]  # fmt: skip
    with index.db.reading() as session, pytest.raises(Refused, match="没有名单"):
        segments.members(session, "名单:会议签到", index.clock())  # nobody has confirmed it
    with index.db.transaction() as session:
        lists.confirm(session, row.id)
        assert session.get_one(SegmentList, row.id).report is None
    assert named(index, "名单:会议签到") == named(index, "全部")


@ONE_DATABASE
def test_who_is_spared_by_phone_stays_spared_when_the_phone_is_shared(index: Index) -> None:
    phone = identity.make_id(Kind.PHONE, "13800000001")
    assert phone is not None

    def told(userid: str, name: str) -> str:
        with index.db.transaction() as session:
            one = Id(Kind.WECOM_EXTERNAL_USERID, CORP, userid)
            rows = identity.observe(session, [one, phone], event_key=userid, source="wecom",
                                    trust=90, name=name, at=index.clock(), now=index.clock())  # fmt: skip
            return rows[0].one_id

    min_ = told("wmmin", "王敏")
    with index.db.transaction() as session:
        sheet = sheet_of([["手机"], ["13800000001"]], book=False)
        found = list_file.resolve(session, sheet, sheet.guessed, corp_id=CORP)
        members = [session.get_one(Identifier, one) for one in found.members]
    number = make_list(index, "不打扰", *members)
    with index.db.transaction() as session:
        suppression.add(session, list_id=number, author="u", now=index.clock())
    index.clock.tick(hours=1)
    qiang = told("wmqiang", "李强")
    with index.db.reading() as session:
        assert set(suppression.held_back(session, [min_, qiang], index.clock())) == {min_}


def test_values_of_a_file_are_kept_sealed(index: Index) -> None:
    report = [
        {"line": 2, "code": "not_found", "column": "phone", "value": "13911112222", "why": ""}
    ]
    with index.db.transaction() as session:
        lists.draft(session, name="a", purpose="b", filename="c", members=[], figures={},
                    report=report, author="u", now=index.clock(), expires_at=None)  # fmt: skip
    with index.db.engine.connect() as connection:
        raw = connection.exec_driver_sql("select report from segment_list").scalar()
    assert b"1391111" not in bytes(raw)


@ONE_DATABASE
def test_a_list_follows_who_is_who_and_expires(index: Index) -> None:
    make_list(index, "签到", index.wang, expires=30)
    assert named(index, "名单:签到") == {index.wang.one_id}
    with index.db.transaction() as session:
        merged = identity.merge(
            session, index.wang.one_id, index.li.one_id, actor="u", reason="t", now=index.clock()
        )
    with index.db.reading() as session:
        both = session.get_one(Identifier, index.li.id).one_id
    assert named(index, "名单:签到") == {both}
    with index.db.transaction() as session:
        identity.retract(session, merged.id, actor="u", now=index.clock())
    assert named(index, "名单:签到") == {index.wang.one_id}
    index.clock.tick(days=31)
    with pytest.raises(Refused, match="名单“签到”已过期"):
        named(index, "非 名单:签到")


def test_who_is_spared_is_left_out_and_refused_again_at_sending(index: Index) -> None:
    now = index.clock()
    spared = make_list(index, "不打扰", index.wang)
    with index.db.transaction() as session:
        give_tag(session, index.li, "af", now)
        version = publish(session, "房颤抗凝", ("af",), now)
        rep = session.get_one(Identifier, index.wang.id) and hire(session, "rep01", now)
        message = Dispatch(
            way=Way.REP_TEXT, rep_id=rep.id, identifier_id=index.wang.id, not_before=now,
            content_version_id=version.id, payload={}, created_at=now, campaign_id=7,
        )  # fmt: skip

        def reached(campaign_id: int | None = None) -> tuple[int, dict[str, int]]:
            found = reach(session, "标签:房颤", CampaignWay.SUGGESTION, version, now,
                          app_id="", campaign_id=campaign_id)  # fmt: skip
            return found.planned, dict(found.left_out)

        assert reached() == (2, {})
        assert verdict_for(session, message, now).allowed
        rule = suppression.add(session, list_id=spared, campaign_id=7, author="u", now=now)
        assert reached() == (2, {})
        assert reached(7) == (1, {"suppressed": 1})
        assert verdict_for(session, message, now).code == "suppressed"
        message.campaign_id = 8
        assert verdict_for(session, message, now).allowed
        suppression.remove(session, rule.id)
        segment = saved.save(session, name="全体", expression="名单:不打扰", author="u", now=now)
        suppression.add(session, segment_id=segment.id, author="u", now=now)
        assert reached() == (1, {"suppressed": 1})
        told = verdict_for(session, message, now)
        assert told.text == "医生在排除名单里", "the name is not for reps"
        assert told.whole == told.as_json(now)["reasons"][0]["text"] == "医生在排除名单里：全体"
        segment.expression = "标签:早就没有了"  # nobody can say any more whom it means
        session.flush()
        assert reached() == (0, {"suppression_unknown": 2})
        assert verdict_for(session, message, now).code == "suppression_unknown"


@ONE_DATABASE
def test_a_tag_that_is_out_of_use_opens_no_suppression(index: Index) -> None:
    now = index.clock()

    def retire(session: Session) -> None:
        vocabulary.edit(session, lambda d: editing.retired(d, "af"), actor="u", now=now)

    with index.db.transaction() as session:
        inner = saved.save(session, name="房颤", expression="标签:房颤", author="u", now=now)
        outer = saved.save(session, name="外", expression="人群:房颤", author="u", now=now)
        suppression.add(session, segment_id=outer.id, author="u", now=now)
        everybody = [index.wang.one_id, index.li.one_id]
        assert set(suppression.held_back(session, everybody, now)) == {index.wang.one_id}
    with pytest.raises(Refused, match="人群“外”用到"), index.db.transaction() as session:
        retire(session)
    with index.db.transaction() as session:
        saved.change(session, inner.id, expression="全部", author="u", now=now)
        retire(session)
        session.get_one(Segment, inner.id).expression = "标签:房颤"  # of an older release
        session.flush()
        assert permission.held_back(session, everybody, now, None) is None
    with pytest.raises(Refused, match="“房颤”已停用"):
        named(index, "非 标签:房颤")


@ONE_DATABASE
def test_many_rules_and_many_who_wait_cost_a_message_little(
    index: Index, monkeypatch: pytest.MonkeyPatch
) -> None:
    now, asked = index.clock(), list[str]()
    with index.db.transaction() as session:
        for n in range(9):
            row = saved.save(session, name=f"s{n}", expression="标签:房颤", author="u", now=now)
            suppression.add(session, segment_id=row.id, author="u", now=now)
        session.connection().execute(
            insert(PersonChanged), [{"identifier_id": None, "one_id": f"YS{n}"} for n in range(99)]
        )
        people = [meet(session, hire(session, "rep09", now), f"p{n}", now).one_id for n in range(4)]
    monkeypatch.setattr(changed, "waiting", None)  # reads the marks of everybody
    event.listen(index.db.engine, "before_cursor_execute", lambda *a: asked.append(a[2]))
    with index.db.reading() as session:
        assert len(suppression.held_back(session, [index.wang.one_id], now)) == 1
        assert len([one for one in asked if "tag_assertion" in one]) <= 1
        held = suppression.held_back(session, [*people, index.wang.one_id], now)
    assert {one: len(names) for one, names in held.items()} == {index.wang.one_id: 9}


@ONE_DATABASE
def test_a_mark_of_who_has_become_somebody_else_is_seen(index: Index) -> None:
    with index.db.transaction() as session:
        identity.merge(session, index.wang.one_id, index.li.one_id, actor="u", reason="t",
                       now=index.clock())  # fmt: skip
    with index.db.transaction() as session:
        both = session.get_one(Identifier, index.li.id).one_id
        assert marked(session, [both]) == {both}
        changed.all_followed(session)
        assert marked(session, [both]) == set()
        changed.note_people(session, [index.wang.one_id, index.li.one_id])
        assert marked(session, [both]) == {both}  # not written yet
    with index.db.reading() as session:
        assert marked(session, [both]) == {both}
    with index.db.transaction() as session:
        changed.all_followed(session)
        gone = index.wang.one_id if both == index.li.one_id else index.li.one_id
        session.add(PersonChanged(one_id=gone))
        session.flush()
        assert marked(session, [both]) == {both}


@ONE_DATABASE
def test_a_run_remembers_as_what_it_used_a_segment(index: Index) -> None:
    now = index.clock()
    with index.db.transaction() as session:
        content = publish(session, "房颤抗凝", ("af",), now).content_id
        inner = saved.save(session, name="内", expression="标签:房颤", author="u", now=now)
        saved.change(session, inner.id, expression="标签:房颤 ≥ 0.3", author="u", now=now)
        saved.save(session, name="外", expression="人群:内", author="u", now=now)
        campaign = campaigns.create(
            session, name="春季", content_id=content, expression="人群:外", way="suggestion",
            at=None, cron="", author="u", now=now,
        )  # fmt: skip
        run = campaigns.run_now(session, campaign.id, now)
        campaigns.note_segments(session, session.get_one(campaigns.ScheduleRun, run), "人群:外")
        used = campaigns.segments_of(session, [run])[run]
        assert [(u.name, u.version, u.expression) for u in used] == [
            ("内", 2, "标签:房颤 ≥ 0.3"), ("外", 1, "人群:内"),
        ]  # fmt: skip
        assert [c for _, _, c in campaigns.runs_with(session, inner.id)] == [campaign.id]


@pytest.mark.parametrize("followed", [True, False])
def test_regions_add_up_and_each_is_an_expression(index: Index, followed: bool) -> None:
    if not followed:
        with index.db.transaction() as session:
            rep = hire(session, "rep02", index.clock())
            meet(session, rep, "zhao", index.clock(), tags=("af",))
    texts = ["标签:房颤", "代表 = rep01", "全部"]
    with index.db.reading() as session:
        found = segments.overlap(session, texts, index.clock())
        for region in found.regions:
            who = segments.members(session, region.expression, index.clock())
            assert len(who) == region.size
            assert {person.one_id for person in region.sample} <= who
        assert found.sizes == tuple(
            len(segments.members(session, text, index.clock())) for text in texts
        )
        assert found.either == sum(region.size for region in found.regions) == found.sizes[2]
        with pytest.raises(Refused, match="2 到 5"):
            segments.overlap(session, ["全部"], index.clock())


@ONE_DATABASE
def test_a_list_that_is_discarded_leaves_nothing(index: Index) -> None:
    number = make_list(index, "签到", index.wang)
    with index.db.transaction() as session:
        audiences.delete_list(session, number)
        assert session.scalars(select(SegmentListMember)).all() == []
    assert list(segments.verify(index.db, index.clock)) == []


def test_lists_are_looked_through_without_what_their_files_said(index: Index) -> None:
    columns, sheet = {"phone": 1}, {"header": ["姓名", "手机"], "rows": [[2, ["某", "1"]]]}
    with index.db.transaction() as session:
        lists.draft(
            session, name="甲", purpose="示例", filename="a.csv", members=[], figures={},
            report=[{"line": 2}], author="u", now=index.clock(), expires_at=None, sheet=sheet,
            header_mark="m", columns=columns,
        )  # fmt: skip
    with index.db.reading() as session:
        assert lists.columns_of(session, "m") == columns
        assert not list(session.identity_map)
        ((row, number),) = lists.listing(session)
        assert (row.name, number) == ("甲", 0)
        assert {"sheet", "report"} <= inspect(row).unloaded


def test_a_list_that_somebody_confirms_meanwhile_is_not_read_otherwise(index: Index) -> None:
    if index.db.engine.dialect.name != "postgresql":
        pytest.skip("one writer at a time")
    with index.db.transaction() as session:
        row = lists.draft(
            session, name="甲", purpose="示例", filename="a.csv", members=[], figures={}, report=[],
            author="u", now=index.clock(), expires_at=None, columns={"phone": 1},
            sheet={"header": ["手机"], "rows": []},
        )  # fmt: skip
    again = {"members": [], "figures": {}, "report": [], "columns": {"phone": 0}}
    with index.db.transaction() as session:
        seen = lists.get(session, row.id)  # as a page reads it before it does anything
        with index.db.transaction() as meanwhile:
            lists.confirm(meanwhile, row.id)
        with pytest.raises(Refused, match="重新上传"):
            lists.read_as(session, row.id, **again)
        with pytest.raises(Refused, match="已经确认过了"):
            lists.confirm(session, row.id)
        assert seen.columns == {"phone": 1}
