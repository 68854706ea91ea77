"""The ledger's state is its fold: stricter wins, and only a person's own word lifts a refusal."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import consent, identity
from app.consent import Action
from app.consent.fold import Said, fold
from app.identity import Id, Kind
from app.infra.db import Database
from tests.company import hire, meet
from tests.conftest import SetClock

YES, NO = True, False


@pytest.mark.parametrize(
    ("said", "answer"),
    [
        ([], (None, False)),
        ([(1, "wecom", YES)], (True, False)),
        ([(1, "oa", YES)], (None, False)),
        ([(1, "any", YES)], (True, False)),
        ([(1, "wecom", YES), (1, "wecom", NO)], (False, True)),
        ([(1, "wecom", NO), (1, "wecom", YES)], (True, False)),
        ([(1, "any", NO), (1, "wecom", YES)], (False, True)),  # adding a rep lifts no refusal
        ([(1, "any", NO), (1, "any", YES)], (True, False)),
        ([(1, "wecom", NO), (1, "any", YES)], (True, False)),  # 恢复 covers every channel
        ([(1, "wecom", YES), (2, "any", NO)], (False, True)),  # one person, the stricter wins
        ([(1, "wecom", YES), (2, "oa", NO)], (True, False)),  # another channel
    ],
)
def test_the_fold(said: list[tuple[int, str, bool]], answer: tuple[bool | None, bool]) -> None:
    assert fold([Said(*line) for line in said], "wecom") == answer


lines = st.lists(
    st.builds(Said, st.integers(1, 3), st.sampled_from(["any", "wecom", "oa"]), st.booleans()),
    max_size=8,
)


@given(lines, lines)
def test_a_merge_of_two_persons_never_turns_a_refusal_into_a_permission(
    one: list[Said], other: list[Said]
) -> None:
    other = [Said(line.identifier_id + 10, line.channel, line.granted) for line in other]
    merged, _ = fold(one + other, "wecom")
    if fold(one, "wecom")[0] is False or fold(other, "wecom")[0] is False:
        assert merged is False


def test_a_refusal_by_one_identity_holds_for_the_whole_person(
    database: Database, clock: SetClock
) -> None:
    now = clock()
    with database.transaction() as session:
        row = meet(session, hire(session, "rep01", now), "wang", now)
        rows = identity.observe(
            session, [Id(Kind.WECOM_EXTERNAL_USERID, "wwtestcorp", "wmwang"),
                      Id(Kind.UNIONID, "open", "oUwang")],
            event_key="e1", source="test", kind="api_assert", trust=90, at=now, now=now,
        )  # fmt: skip
        follower = identity.observe(
            session, [Id(Kind.OPENID, "wxtest", "oWang"), Id(Kind.UNIONID, "open", "oUwang")],
            event_key="e2", source="test", kind="api_assert", trust=90, at=now, now=now,
        )[0]  # fmt: skip
        assert follower.one_id == rows[0].one_id
        consent.record(
            session, follower.id, action=Action.WITHDRAW, source="keyword",
            at=now + timedelta(seconds=1),
        )  # fmt: skip
        assert consent.standing(session, [row.one_id], "wecom")[row.one_id] == (False, True)
        assert [entry.source for entry in consent.ledger(session, row.one_id)] == [
            "keyword", "added_rep",
        ]  # fmt: skip
