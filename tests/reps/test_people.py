"""Reps as employees, and what their remarks give away."""

from __future__ import annotations

from datetime import timedelta

import pytest

from app import reps
from app.infra.db import Database
from app.infra.errors import NotFound, Refused
from tests.conftest import NOON


def test_a_userid_is_one_rep_however_it_is_written(database: Database) -> None:
    with database.transaction() as session:
        rep = reps.ensure_rep(session, "ww1", "ChenXiaotong", now=NOON)
        same = reps.ensure_rep(session, "ww1", "chenxiaotong", name="陈晓彤", now=NOON)
        other = reps.ensure_rep(session, "ww2", "chenxiaotong", now=NOON)
        assert (rep.id, rep.name, rep.daily_limit) == (same.id, "陈晓彤", 5)
        assert other.id != rep.id
        assert reps.find_rep(session, "ww1", "CHENXIAOTONG") is rep
        with pytest.raises(NotFound):
            reps.get_rep(session, 999)


def test_who_left_is_not_active_until_back(database: Database) -> None:
    with database.transaction() as session:
        rep = reps.ensure_rep(session, "ww1", "rep01", now=NOON)
        assert reps.leave(session, rep, NOON)
        assert reps.active_reps(session) == []
        assert reps.come_back(session, rep, NOON + timedelta(days=1))
        assert reps.active_reps(session) == [rep]
        assert not reps.leave(session, rep, NOON), "that is over"
        assert reps.active_reps(session) == [rep]


def test_daily_settings_stay_within_what_does_not_disturb(database: Database) -> None:
    with database.transaction() as session:
        rep = reps.ensure_rep(session, "ww1", "rep01", now=NOON)
        reps.set_day(session, rep, at_minute=8 * 60 + 30, limit=3, prefers_group_task=True)
        assert (rep.daily_at_minute, rep.daily_limit, rep.prefers_group_task) == (510, 3, True)
        reps.set_day(session, rep)
        assert rep.daily_limit == 3
        with pytest.raises(Refused, match="07:00"):
            reps.set_day(session, rep, at_minute=3 * 60)
        with pytest.raises(Refused, match="数量"):
            reps.set_day(session, rep, limit=31)


@pytest.mark.parametrize(
    ("remark", "found"),
    [
        ("王某-示例市人民医院心内科 副主任医师",
         {"hospital": "示例市人民医院", "department": "心内科", "title": "副主任医师"}),
        ("示例大学医学院附属第一医院|肿瘤内科",
         {"hospital": "示例大学医学院附属第一医院", "department": "肿瘤内科"}),
        ("李主任 展会认识", {}),
        ("", {}),
    ],
)  # fmt: skip
def test_a_remark_gives_away_hospital_department_and_title(
    remark: str, found: dict[str, str]
) -> None:
    assert reps.attributes_in(remark) == found


@pytest.mark.parametrize(
    ("remark", "name"),
    [
        ("王某-示例市人民医院心内科 副主任医师", "王某"),
        ("李某某主任 心内科", "李某某"),
        ("王某", ""),  # as the platform fills it in, from what they call themselves
        ("春暖花开-示例市人民医院", ""),
        ("示例市人民医院王某", ""),
        ("", ""),
    ],
)
def test_a_remark_tells_a_name_only_where_a_rep_typed_one(remark: str, name: str) -> None:
    assert reps.name_in(remark) == name
