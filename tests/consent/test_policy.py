"""One function says whether we may contact a physician, and all the reasons why not."""

from __future__ import annotations

from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.consent import ContactFacts, Rules, Through, may_contact, quiet_until
from app.infra.clock import SHANGHAI

NOON = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
FINE = ContactFacts(
    through=Through.REP, permitted=True, opted_out=False, content_usable=True, rep_active=True,
    connected=True, spared_by=(),
)  # fmt: skip
TASK = replace(FINE, through=Through.GROUP_TASK, last_chatted=True, group_tasks_this_month=0)
ACCOUNT = replace(FINE, through=Through.ACCOUNT, follows=True)


def codes(facts: ContactFacts, now: datetime = NOON, rules: Rules | None = None) -> list[str]:
    return [reason.code for reason in may_contact(facts, rules or Rules(), now).reasons]


@pytest.mark.parametrize("facts", [FINE, TASK, ACCOUNT], ids=lambda f: f.through.value)
def test_when_everything_is_known_to_be_fine_contact_is_allowed(facts: ContactFacts) -> None:
    verdict = may_contact(facts, Rules(), NOON)
    assert verdict.allowed
    assert verdict.as_json(NOON)["allowed"] is True
    assert verdict.text == "可以联系"


@pytest.mark.parametrize(
    ("facts", "code"),
    [
        (replace(FINE, opted_out=True, permitted=False), "opted_out"),
        (replace(FINE, permitted=None), "no_consent"),
        (replace(FINE, permitted=False), "no_consent"),
        (replace(FINE, content_usable=False, content_problem="内容已撤回"), "content"),
        (replace(FINE, rep_active=False), "rep_left"),
        (replace(FINE, connected=False), "not_connected"),
        (replace(TASK, last_chatted=False), "not_last_chat"),
        (replace(TASK, group_tasks_this_month=30), "platform_quota"),
        (replace(ACCOUNT, follows=False), "not_following"),
        (replace(ACCOUNT, rep_active=False), "rep_left"),
        (replace(ACCOUNT, connected=False), "not_connected"),
        (replace(FINE, spared_by=("会议签到",)), "suppressed"),
        (replace(FINE, contacted_at=[NOON - timedelta(days=1)] * 2), "cap"),
        (replace(FINE, unwanted=True), "unwanted"),
        (replace(ACCOUNT, unwanted=True), "unwanted"),
        (replace(TASK, wished_days=30, contacted_at=[NOON - timedelta(days=29)]), "wished_pace"),
        (replace(ACCOUNT, wished_days=14, contacted_at=[NOON + timedelta(days=1)]), "wished_pace"),
    ],
)
def test_each_rule_alone_stops_a_contact(facts: ContactFacts, code: str) -> None:
    assert codes(facts) == [code]


@pytest.mark.parametrize(
    ("facts", "field", "code"),
    [
        (FINE, "permitted", "no_consent"),
        (FINE, "rep_active", "rep_left"),
        (FINE, "connected", "not_connected"),
        (TASK, "last_chatted", "not_last_chat"),
        (TASK, "group_tasks_this_month", "platform_quota"),
        (ACCOUNT, "follows", "not_following"),
        (ACCOUNT, "spared_by", "suppression_unknown"),
    ],
)
def test_what_nobody_knows_counts_against(facts: ContactFacts, field: str, code: str) -> None:
    unknown: dict[str, Any] = {field: None}
    assert codes(replace(facts, **unknown)) == [code]


def test_every_rule_that_fails_is_named_the_gravest_first() -> None:
    late = NOON + timedelta(hours=10)
    facts = replace(
        TASK, opted_out=True, content_usable=False, rep_active=False, connected=False,
        last_chatted=False, contacted_at=[late, late],
    )  # fmt: skip
    assert codes(facts, late) == [
        "opted_out", "content", "rep_left", "not_connected", "not_last_chat", "cap", "quiet_hours",
    ]  # fmt: skip
    assert may_contact(facts, Rules(), late).allowed_again_at is None


def test_a_physicians_pace_ends_to_the_second_and_leaves_the_companys_cap_as_it_is() -> None:
    last = NOON - timedelta(days=3)
    asked = replace(FINE, wished_days=30, contacted_at=[NOON - timedelta(days=20), last])
    verdict = may_contact(asked, Rules(), NOON)
    assert verdict.text == "医生希望每月最多一次"
    assert verdict.allowed_again_at == last + timedelta(days=30)
    assert codes(asked, last + timedelta(days=30)) == []
    assert codes(asked, last + timedelta(days=30) - timedelta(seconds=1)) == ["wished_pace"]
    often = replace(asked, wished_days=7, contacted_at=[last] * 2)
    assert codes(often) == ["wished_pace", "cap"]


def test_a_rep_may_be_given_material_at_night_but_nothing_reaches_the_physician_by_itself() -> None:
    night = NOON + timedelta(hours=10)  # 22:00 in China
    assert codes(FINE, night) == []
    assert codes(TASK, night) == ["quiet_hours"]
    assert codes(ACCOUNT, night) == ["quiet_hours"]


@pytest.mark.parametrize(
    ("clock", "ends"),
    [("20:59", None), ("21:00", "08:00"), ("23:59", "08:00"), ("00:00", "08:00"),
     ("07:59", "08:00"), ("08:00", None)],
)  # fmt: skip
def test_quiet_hours_are_half_open_and_cross_midnight(clock: str, ends: str | None) -> None:
    hour, minute = map(int, clock.split(":"))
    now = datetime(2026, 11, 24, hour, minute, tzinfo=SHANGHAI).astimezone(UTC)
    until = quiet_until(Rules(), now)
    if ends is None:
        assert until is None
    else:
        assert until is not None
        assert f"{until.astimezone(SHANGHAI):%H:%M}" == ends
        assert timedelta() < until - now <= timedelta(hours=11)


@given(start=st.integers(0, 1439), end=st.integers(0, 1439), minute=st.integers(0, 3 * 1440 - 1))
def test_the_end_of_quiet_hours_is_never_quiet_and_everything_before_it_is(
    start: int, end: int, minute: int
) -> None:
    rules = Rules(quiet_from_minute=start, quiet_until_minute=end)
    now = datetime(2026, 11, 24, tzinfo=SHANGHAI).astimezone(UTC) + timedelta(minutes=minute)
    until = quiet_until(rules, now)
    if until is None:
        return
    assert quiet_until(rules, until) is None
    assert quiet_until(rules, until - timedelta(minutes=1)) == until


@settings(max_examples=200)
@given(
    asked=st.lists(st.integers(0, 40 * 24 * 60), min_size=1, max_size=60),
    cap=st.integers(0, 4),
    days=st.integers(1, 10),
)
def test_no_rolling_window_ever_holds_more_contacts_than_the_cap(
    asked: list[int], cap: int, days: int
) -> None:
    rules = Rules(cap_contacts=cap, cap_days=days)
    made: list[datetime] = []
    for minute in sorted(asked):
        now = NOON + timedelta(minutes=minute)
        if may_contact(replace(FINE, contacted_at=made), rules, now).allowed:
            made.append(now)
    for first in made:
        window = [moment for moment in made if first <= moment < first + timedelta(days=days)]
        assert len(window) <= cap


@given(
    contacted=st.lists(st.integers(0, 20 * 24 * 60), max_size=12),
    cap=st.integers(1, 4),
    days=st.integers(1, 10),
)
def test_the_moment_it_names_is_the_first_at_which_contact_is_allowed(
    contacted: list[int], cap: int, days: int
) -> None:
    rules = Rules(cap_contacts=cap, cap_days=days)
    facts = replace(FINE, contacted_at=[NOON - timedelta(minutes=m) for m in contacted])
    verdict = may_contact(facts, rules, NOON)
    if verdict.allowed:
        return
    again = verdict.allowed_again_at
    assert again is not None
    assert may_contact(facts, rules, again).allowed
    assert not may_contact(facts, rules, again - timedelta(seconds=1)).allowed
