"""A platform that shows somebody not to us says nothing about them: nothing is ended or erased."""

from __future__ import annotations

import pytest

from app import identity
from app.identity import Id, Kind
from app.inbox import State, listing
from app.reps import RelationState
from tests.completeness.pulling import begin
from tests.flows.seen import ACCOUNT, contact, follower, relations, tag_keys
from tests.scenarios.conftest import Line
from workers.reconciling import pull_due

WECOM_CODES = [(48011, "活跃度"), (701008, "许可"), (60011, "可见范围"), (40096, "客户编号")]
FOREIGN_OPENID = 40003


def refuses(line: Line, api: str, code: int) -> None:
    line.world.trouble = {"errcodes": {api: {"errcode": code, "times": 99}}}


def dead(line: Line) -> list[str]:
    with line.parts.db.reading() as session:
        return [event.error for event in listing(session) if event.state == State.DEAD]


@pytest.mark.parametrize(("code", "words"), WECOM_CODES)
def test_a_contact_that_may_not_be_read_keeps_its_relations(
    line: Line, code: int, words: str
) -> None:
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])
    refuses(line, "externalcontact/get", code)
    line.clock.tick(seconds=5)
    line.do("edit_contact", userid="rep01", person="wang", remark="王主任")
    (error,) = dead(line)
    assert error.startswith("OutOfReach")
    assert words in error
    assert str(code) in error
    with line.parts.db.reading() as session:
        row = contact(line, session)
        assert relations(session, row.one_id) == {"rep01": RelationState.CONNECTED}
        assert "af" in tag_keys(line, session, row.one_id)


def test_a_relation_that_is_over_is_still_closed(line: Line) -> None:
    line.do("add_contact", userid="rep01", person="wang")
    refuses(line, "externalcontact/get", 84061)
    line.clock.tick(seconds=5)
    line.do("edit_contact", userid="rep01", person="wang", remark="王主任")
    assert dead(line) == []
    with line.parts.db.reading() as session:
        ended = relations(session, contact(line, session).one_id)
    assert ended["rep01"] != RelationState.CONNECTED


def test_a_member_whose_list_is_refused_loses_no_contact(line: Line) -> None:
    line.do("add_contact", userid="rep01", person="wang")
    refuses(line, "externalcontact/list", 84084)
    begin(line)
    while pull_due(line.parts, 100):
        pass
    line.work()
    with line.parts.db.reading() as session:
        row = contact(line, session)
        assert relations(session, row.one_id) == {"rep01": RelationState.CONNECTED}


def test_a_follower_whom_the_platform_does_not_know_is_not_erased(line: Line) -> None:
    line.do("follow", person="wang")
    refuses(line, "user/info", FOREIGN_OPENID)
    line.clock.tick(seconds=5)
    line.do("oa_says", person="wang", text="房颤")
    (error,) = dead(line)
    assert "openid" in error
    with line.parts.db.reading() as session:
        assert follower(line, session) is not None


def test_comparing_erases_nobody_whom_the_platform_does_not_know(line: Line) -> None:
    line.do("follow", person="wang")
    line.world.trouble = {
        "errcodes": {
            "user/info": {"errcode": FOREIGN_OPENID, "times": 99},
            "user/info/batchget": {"errcode": FOREIGN_OPENID, "times": 99},
        }
    }
    line.person("wang").follows_oa = False  # so the list does not show them
    begin(line)
    while pull_due(line.parts, 100):
        pass
    line.work()
    with line.parts.db.reading() as session:
        row = follower(line, session)
        assert row is not None
        assert row.value


def test_who_says_goodbye_is_erased_also_when_the_openid_is_not_known(line: Line) -> None:
    line.do("follow", person="wang")
    refuses(line, "user/info", FOREIGN_OPENID)
    line.clock.tick(seconds=5)
    line.do("unfollow", person="wang")
    assert dead(line) == []
    with line.parts.db.reading() as session:
        row = identity.find(session, Id(Kind.OPENID, ACCOUNT, line.person("wang").openid))
        assert row is None or not row.value
