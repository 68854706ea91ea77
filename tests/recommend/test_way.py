"""The way of a suggestion: never a forbidden one, and the same whatever order things come in."""

from __future__ import annotations

from datetime import datetime, timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app import delivery, links, tagging
from app.consent import ContactFacts, Reason, Rules, Through, Verdict, may_contact
from app.delivery import Receipt, Way
from app.flows.sending import ways
from app.infra.db import Database
from app.recommend import way
from app.recommend.day.way import By, Option, Used, Wished, choose, option
from app.recommend.day.way_rates import DAY_0, PERSON, RIPE, Sent, Tally, learn, tally
from tests.company import hire, meet, publish
from tests.conftest import NOON

CARD_VALUE = 30
rates = st.floats(0.001, 1.0)
barriers = st.none() | st.just(Reason("cap", "已达上限")) | st.just(Reason("x", "x", NOON))
options = st.lists(
    st.builds(Option, st.sampled_from(By), rates, barriers), unique_by=lambda o: o.by, max_size=4
)
used = st.builds(
    Used, st.booleans(), st.none() | st.integers(-2, way.REPLIES), st.integers(0, 2 * 4)
)
facts = st.builds(
    ContactFacts,
    through=st.just(Through.REP), permitted=st.sampled_from([True, False, None]),
    opted_out=st.booleans(), content_usable=st.just(True), rep_active=st.booleans(),
    connected=st.booleans(), spared_by=st.sampled_from([(), None, ("名单",)]),
    contacted_at=st.lists(st.integers(0, 200).map(lambda h: NOON - timedelta(hours=h)), max_size=4),
)  # fmt: skip
THROUGH = {
    By.REP: Through.REP, By.MOMENT: Through.REP, By.TASK: Through.GROUP_TASK,
    By.ACCOUNT: Through.ACCOUNT,
}  # fmt: skip


@given(options, st.sampled_from(Wished), st.sampled_from(By), st.randoms())
def test_the_choice_is_allowed_explained_and_independent_of_order(
    given_: list[Option], wished: Wished, preferred: By, random: object
) -> None:
    choice = choose(given_, wished, preferred)
    free = {o.by for o in given_ if o.barrier is None}
    alone = free - {By.MOMENT}
    assert (choice.by is None) == (not alone)
    assert choice.by is None or choice.by in alone
    assert {o.by for o in choice.open} == free
    assert {o.by for o in choice.shut} == {o.by for o in given_} - free
    assert all(choice.barrier(o.by) is not None for o in choice.shut)
    assert choice.by is None or (choice.why and choice.open[0].by is choice.by)
    assert len(choice.told) <= CARD_VALUE
    if alone & way.WISHES[wished]:
        assert choice.by in way.WISHES[wished]
    assert {choice.with_others(by) for by in By} <= {*free, None}
    shuffled = list(given_)
    random.shuffle(shuffled)  # type: ignore[attr-defined]
    assert choose(shuffled, wished, preferred) == choice


@given(facts, used, st.sampled_from(Wished))
def test_no_way_without_consent_or_over_a_cap_is_ever_chosen(
    known: ContactFacts, spent: Used, wished: Wished
) -> None:
    verdict = may_contact(known, Rules(), NOON)
    some = [option(by, DAY_0[by], verdict, spent, NOON) for by in By]
    choice = choose(some, wished, By.TASK)
    over = [at for at in known.contacted_at if NOON - at < timedelta(days=7)]
    if known.permitted is not True or known.opted_out or known.spared_by != () or len(over) >= 2:
        assert choice.by is None
    if spent.task_today:
        assert not choice.allows(By.TASK)
    if not spent.replies_left or spent.replies_left < 0:
        assert not choice.allows(By.ACCOUNT)
    if spent.moments >= way.MOMENTS_A_MONTH:
        assert not choice.allows(By.MOMENT)
    ends = [o.barrier.until for o in choice.shut if o.barrier is not None and o.barrier.until]
    assert all(until > NOON for until in ends)


def test_quiet_hours_let_a_message_wait_and_forbid_nothing() -> None:
    later = NOON + timedelta(hours=9)
    quiet = Verdict((Reason("quiet_hours", "免打扰时段", later),))
    found = option(By.TASK, 0.3, quiet, Used(), NOON)
    assert (found.barrier, found.waits_until) == (None, later)
    both = Verdict((*quiet.reasons, Reason("opted_out", "医生已退订")))
    barrier = option(By.TASK, 0.3, both, Used(), NOON).barrier
    assert barrier is not None
    assert (barrier.code, barrier.until) == ("opted_out", None)


def test_habit_decides_between_ways_that_are_opened_alike_and_only_there() -> None:
    alike = [Option(By.REP, 0.35), Option(By.TASK, 0.30), Option(By.ACCOUNT, 0.25)]
    assert choose(alike, Wished.ANY, By.TASK).told == "企业群发（需确认） · 您的习惯"
    assert choose(alike, Wished.ANY, By.REP).by is By.REP
    apart = [Option(By.REP, 0.6), Option(By.TASK, 0.30)]
    choice = choose(apart, Wished.ANY, By.TASK)
    assert (choice.by, choice.why, choice.with_others(By.TASK)) == (By.REP, "打开率更高", By.TASK)
    wished = choose(alike, Wished.ACCOUNT, By.TASK)
    assert (wished.by, wished.with_others(By.TASK)) == (By.ACCOUNT, By.ACCOUNT)


sent = st.builds(
    lambda by, age_h, after_h: Sent(
        by, NOON - timedelta(hours=age_h),
        None if after_h is None else NOON - timedelta(hours=age_h - after_h),
    ),
    st.sampled_from(By), st.integers(-50, 4000), st.none() | st.integers(0, 400),
)  # fmt: skip


@given(st.lists(sent, max_size=30))
def test_rates_are_shares_that_little_evidence_hardly_moves(messages: list[Sent]) -> None:
    seen = tally(messages, NOON)
    assert seen == {} or all(0 <= t.opened <= t.sent + 1e-9 for t in seen.values())
    found = learn(seen, DAY_0, PERSON)
    assert all(0 < share < 1 for share in found.values())
    for by, share in found.items():
        heard = seen.get(by, Tally()).sent
        assert abs(share - DAY_0[by]) <= heard / (heard + PERSON) + 1e-9
    assert learn({}, found, 50) == pytest.approx(found)


def test_what_is_young_says_nothing_and_what_is_opened_late_was_not() -> None:
    young = NOON - RIPE + timedelta(hours=1)
    assert tally([Sent(By.REP, young), Sent(By.REP, young, NOON)], NOON) == {}
    old = NOON - timedelta(days=30)
    late = tally([Sent(By.REP, old, old + RIPE + timedelta(hours=1))], NOON)[By.REP]
    assert (late.opened, late.sent > 0) == (0, True)


def test_the_log_is_of_what_has_arrived_long_enough_ago(
    database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    with database.transaction() as session:
        tagging.seed(session, NOON)
        rep, old = hire(session, "rep01", NOON), NOON - timedelta(days=20)
        row, version = meet(session, rep, "p", old), publish(session, "房颤", ("af",), old)

        def sent_at(at: datetime, by: By, receipt: Receipt | None = None) -> None:
            links.create_link(session, version.id, identifier_id=row.id, channel=by.value, now=at)
            number = delivery.queue(
                session, way=Way.GROUP_TASK if by is By.TASK else Way.REP_TEXT, payload={},
                dedupe_key=f"t:{at}", identifier_id=row.id, now=at,
            )  # fmt: skip
            assert number is not None
            message = delivery.get(session, number)
            message.state, message.receipt = delivery.State.SENT, receipt

        sent_at(old, By.REP)
        sent_at(old + timedelta(days=1), By.TASK)  # no rep has confirmed it
        sent_at(old + timedelta(days=2), By.TASK, Receipt.FORWARDED)
        for n in range(3):
            sent_at(NOON - timedelta(days=n), By.REP)  # the newest that are looked at
        monkeypatch.setattr(ways, "SAMPLE", 3)
        session.flush()
        found = [(one.by, one.at) for _, _, one in ways._sent(session, NOON, ways.SAMPLE)]
        assert found == [(By.TASK, old + timedelta(days=2)), (By.REP, old)]
