"""A tag that is for staff: no card, no list, no sidebar and no answer to a rep names it."""

from __future__ import annotations

from sqlalchemy import select

from app import recommend, reps
from app.delivery import Dispatch, Way
from app.flows.planning.plan_day import plan_day
from app.flows.tagging import vocabulary
from app.infra.clock import local
from app.tagging import editing
from tests.scenarios.conftest import Line, publish
from tests.scenarios.test_main_line import suggest
from tests.scenarios.test_rep_page import beside, enter
from tests.scenarios.test_suggestion_line import card_of, texts


def begin(line: Line) -> None:
    publish(line, "新进展", ["af"])
    publish(line, "另一篇", ["af"])
    line.do("add_contact", userid="rep01", person="wang")
    line.do("edit_contact", userid="rep01", person="wang", tag_ids=["et1"])


def for_staff(line: Line) -> None:
    with line.parts.db.transaction() as session:
        vocabulary.edit(
            session, lambda d: editing.revised(d, "af", {"sensitivity": "staff"}), actor="t",
            now=line.clock(),
        )  # fmt: skip


def test_what_was_planned_before_does_not_tell_it_any_more(line: Line) -> None:
    begin(line)
    with line.parts.db.transaction() as session:
        rep = reps.find_rep(session, "wwtestcorp", "rep01")
        assert rep is not None
        plan_day(session, rep, local(line.clock()).date(), base_url="http://yishu.test",
                 now=line.clock())  # fmt: skip
    with line.parts.db.reading() as session:
        (planned,) = recommend.of_rep(session, rep.id)
        assert any("房颤" in reason for reason in planned.reasons)
    for_staff(line)
    line.clock.tick(minutes=5)
    line.work()
    with line.parts.db.reading() as session:
        (card,) = session.scalars(select(Dispatch).where(Dispatch.way == Way.REP_CARD))
        assert card.payload["card"]["horizontal_content_list"][-1]["keyname"] == "方式"
        assert "房颤" not in str(card.payload)
    client = enter(line, "rep01")
    for page in ("/rep/", beside(line, "wang")):
        text = client.get(page).text
        assert "新进展" in text
        assert "房颤" not in text
    line.do("tap_card", task_id=card_of(line)["task_id"], key="why")
    assert texts(line)[-1].startswith("为什么推荐给您：")
    assert "房颤" not in texts(line)[-1]


def test_what_is_planned_afterwards_follows_it_without_telling(line: Line) -> None:
    begin(line)
    for_staff(line)
    (row,) = suggest(line)
    assert row.contributions  # it carried the score
    assert not any("房颤" in reason for reason in row.reasons)
    text = enter(line, "rep01").get(beside(line, "wang")).text
    assert "符合这位医生关注的方向" in text
    assert "房颤" not in text
