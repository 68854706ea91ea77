"""A report of harm is heard by somebody: the rep, another rep, or staff."""

from __future__ import annotations

from functools import partial

import pytest

from app import delivery
from app.delivery import State
from app.flows.sending.settle_message import settle_message
from app.infra.errors import Refused
from tests.flows.seen import said_by_account
from tests.flows.test_followers import notices
from tests.scenarios.conftest import Line, publish
from tests.segments.test_index import ONE_DATABASE
from workers.sweeping import mend

HARM = "患者服药一周后牙龈出血"


def test_a_report_of_harm_reaches_the_rep_though_contents_were_found(line: Line) -> None:
    publish(line, "出血了怎么办", ["bleeding"])
    line.do("add_contact", userid="rep01", person="wang")
    line.do("follow", person="wang")
    line.do("oa_says", person="wang", text="患者服药一周后牙龈出血，出血处理有资料吗")
    assert "《出血了怎么办》" in said_by_account(line)
    assert "已转告" in said_by_account(line)
    assert notices(line)[-1].startswith("【可能的不良反应】")


def test_a_report_of_harm_that_no_rep_can_hear_is_left_to_staff(line: Line) -> None:
    line.do("follow", person="wang")
    line.do("oa_says", person="wang", text=HARM)
    assert "会有同事处理" in said_by_account(line)
    with line.parts.db.transaction() as session:
        (left,) = delivery.listing(session, state=State.UNKNOWN)
        number, what = left.id, left.payload["text"]
        assert HARM in what
    again = partial(settle_message, decision="resend", actor="user:1", now=line.clock())
    with pytest.raises(Refused, match="没有代表"), line.parts.db.transaction() as session:
        again(session, number)
    line.do("add_contact", userid="rep01", person="wang")
    with line.parts.db.transaction() as session:
        again(session, number)
    line.work()
    assert HARM in notices(line)[-1]


@ONE_DATABASE
def test_what_is_left_to_staff_is_erased_when_they_have_read_it(line: Line) -> None:
    line.do("follow", person="wang")
    line.do("oa_says", person="wang", text=HARM)
    line.do("unfollow", person="wang")
    mend(line.parts)
    with line.parts.db.transaction() as session:
        (left,) = delivery.listing(session, state=State.UNKNOWN)
        assert HARM in left.payload["text"]
        settle_message(session, left.id, "sent", actor="user:1", now=line.clock())
    mend(line.parts)
    with line.parts.db.reading() as session:
        assert HARM not in str([row.payload for row in delivery.listing(session)])


@ONE_DATABASE
@pytest.mark.parametrize("others", [1, 0])
def test_what_a_rep_who_has_left_was_to_hear_another_hears_or_staff(
    line: Line, others: int
) -> None:
    line.do("add_contact", userid="rep01", person="wang")
    if others:
        line.clock.tick(days=-1)
        line.do("add_contact", userid="rep02", person="wang")
        line.clock.tick(days=1)
    line.do("follow", person="wang")
    line.world.trouble = {"errcodes": {"message/send": {"errcode": -1, "times": 1}}}
    line.do("oa_says", person="wang", text=HARM)
    line.do("member_leaves", userid="rep01")
    line.clock.tick(minutes=2)
    line.work()
    assert (HARM in str(notices(line, "rep02"))) is bool(others)
    with line.parts.db.reading() as session:
        assert len(delivery.listing(session, state=State.UNKNOWN)) == 1 - others


@ONE_DATABASE
def test_a_notice_that_has_not_arrived_is_left_to_staff_before_it_is_over(line: Line) -> None:
    line.do("add_contact", userid="rep01", person="wang")
    line.do("follow", person="wang")
    line.do("oa_says", person="wang", text=HARM)
    with line.parts.db.transaction() as session:
        row = next(one for one in delivery.listing(session) if HARM in str(one.payload))
        row.state, row.error = State.UNKNOWN, "message/send: HTTP 502"
    for state in (State.UNKNOWN, State.FAILED):  # the first time nobody had read it whole
        with line.parts.db.transaction() as session:
            done = settle_message(session, row.id, "failed", actor="user:1", now=line.clock())
            assert done.state == state
