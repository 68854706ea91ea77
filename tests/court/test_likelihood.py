"""What openings say, and whether what was planted is found again."""

from __future__ import annotations

import random
from collections import Counter, defaultdict

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.court.likelihood import (
    Claim,
    Odds,
    Seen,
    chance,
    expected,
    fit,
    posterior,
    share_of,
    wilson,
)

COUNTS = st.integers(0, 12)


@st.composite
def seen(draw: st.DrawFn) -> Seen:
    sent, others = draw(COUNTS), draw(COUNTS)
    with_it, elsewhere = draw(st.integers(0, sent)), draw(st.integers(0, others))
    return Seen(sent, others, with_it + elsewhere, with_it)


@given(seen(), st.floats(0.1, 10))
def test_the_chances_of_all_outcomes_are_one_and_have_their_mean(one: Seen, odds: float) -> None:
    low, high = max(0, one.opened - one.others), min(one.sent, one.opened)
    chances = {k: chance(one._replace(with_it=k), odds) for k in range(low, high + 1)}
    assert sum(chances.values()) == pytest.approx(1.0)
    mean, variance = expected(one, odds)
    assert mean == pytest.approx(sum(k * c for k, c in chances.items()))
    assert variance == pytest.approx(sum((k - mean) ** 2 * c for k, c in chances.items()), abs=1e-9)


@given(seen())
def test_whoever_opens_everything_or_nothing_says_nothing(one: Seen) -> None:
    for opened in (0, one.sent + one.others):
        with_it = one.sent if opened else 0
        told = Seen(one.sent, one.others, opened, with_it)
        assert not told.says_something
        assert Odds().ratio(told) == pytest.approx(1.0)


@given(st.floats(0.01, 0.99), st.floats(0.01, 100))
def test_evidence_moves_a_probability_in_its_direction(prior: float, ratio: float) -> None:
    after = posterior(prior, ratio)
    assert 0 < after < 1
    assert (after >= prior) == (ratio >= 1) or after == pytest.approx(prior)


@given(st.floats(0, 1), st.floats(0, 1e6))
def test_an_interval_holds_its_share_and_narrows(share: float, number: float) -> None:
    low, high = wilson(share, number)
    assert 0 <= low <= share + 1e-9
    assert share - 1e-9 <= high <= 1
    narrower = wilson(share, number * 4 + 1)
    assert narrower[1] - narrower[0] <= high - low + 1e-9


def test_planted_reliabilities_are_found() -> None:
    planted = {"good": 0.9, "fair": 0.6, "bad": 0.2}
    rng = random.Random(5)
    claims: dict[str, Counter[Claim]] = defaultdict(Counter)
    nobody: Counter[Claim] = Counter()
    for source, share in planted.items():
        for _ in range(4000):
            claims[source][Claim(1.0, _one(rng, rng.random() < share))] += 1
    for _ in range(12000):
        nobody[Claim(1.0, _one(rng, rng.random() < 0.1))] += 1
    found = fit(claims, nobody, dict.fromkeys(planted, 0.6))
    for source, share in planted.items():
        told = found.shares[source]
        assert told.low <= share <= told.high, (source, told)
        assert told.high - told.low < 0.12
    assert found.odds.having == pytest.approx(4.0, rel=0.2)
    assert found.common == pytest.approx(0.1, abs=0.05)


def test_a_half_sure_claim_is_half_as_often_right() -> None:
    """A source that says 0.5 and is right in 0.3 of its cases has a reliability of 0.6."""
    rng = random.Random(8)
    cases = Counter(Claim(0.5, _one(rng, rng.random() < 0.3)) for _ in range(6000))
    told = share_of(cases, Odds(1.0, 4.0), prior=0.4)
    assert told.low <= 0.6 <= told.high


def test_few_cases_stay_near_their_prior() -> None:
    cases = {Claim(1.0, Seen(3, 9, 3, 3)): 2}
    told = share_of(cases, Odds(1.0, 4.0), prior=0.5)
    assert 0.5 < told.value < 0.56
    assert told.low < 0.4
    assert told.high > 0.65
    assert share_of({}, Odds(), 0.37).value == pytest.approx(0.37, abs=1e-4)


def _one(rng: random.Random, holds: bool) -> Seen:
    """6 of 30 contents are about it; how much somebody opens differs widely."""
    keen = rng.betavariate(1.5, 5)
    odds = keen / (1 - keen) * (4.0 if holds else 1.0)
    with_it = sum(rng.random() < odds / (1 + odds) for _ in range(6))
    return Seen(6, 24, with_it + sum(rng.random() < keen for _ in range(24)), with_it)
