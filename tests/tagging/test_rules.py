"""Weights as a pure function of what was asserted."""

from __future__ import annotations

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.tagging import Line, Shape, Source, held
from app.tagging.read import FAINT
from app.tagging.rules import RELIABILITY, Asserted, decay, shares, weight
from tests.conftest import NOON

ASSERTED = st.builds(
    Asserted,
    source=st.sampled_from(list(Source)),
    confidence=st.floats(-1, 1),
    at=st.datetimes(
        (NOON - timedelta(days=900)).replace(tzinfo=None), NOON.replace(tzinfo=None)
    ).map(lambda t: t.replace(tzinfo=NOON.tzinfo)),
)
MANY = st.lists(ASSERTED, max_size=8)
HALF_LIFE = st.sampled_from([None, 30, 365])


def said(source: Source, confidence: float = 1.0, days_ago: float = 0) -> Asserted:
    return Asserted(source, confidence, NOON - timedelta(days=days_ago))


@given(MANY, HALF_LIFE)
def test_a_weight_lies_between_zero_and_one_and_its_shares_sum_to_it(
    asserted: list[Asserted], half_life: int | None
) -> None:
    value = weight(asserted, half_life, NOON)
    assert -1e-12 <= value < 1
    assert sum(shares(asserted, half_life, NOON)) == pytest.approx(value)


@given(MANY, HALF_LIFE, st.randoms(use_true_random=False))
def test_the_order_of_assertions_does_not_matter(
    asserted: list[Asserted], half_life: int | None, chance: object
) -> None:
    mixed = list(asserted)
    chance.shuffle(mixed)  # type: ignore[attr-defined]
    assert weight(mixed, half_life, NOON) == pytest.approx(weight(asserted, half_life, NOON))


@given(MANY, st.sampled_from(list(Source)))
def test_another_source_in_favour_never_weakens_a_tag(
    asserted: list[Asserted], source: Source
) -> None:
    more = [*asserted, said(source)]
    assert weight(more, 180, NOON) >= weight(asserted, 180, NOON) - 1e-12


@pytest.mark.parametrize("strong", [0.1, 0.2, 0.3, 0.5, 0.7])
def test_one_source_weighs_exactly_what_it_says(strong: float) -> None:
    """Steps of audiences begin at round numbers: a bit less would be another step."""
    one = Asserted("crm", strong, NOON, 1.0)
    assert weight([one, one], None, NOON) == strong


def test_two_sources_are_a_noisy_or_of_their_reliabilities() -> None:
    both = [said(Source.WECOM_TAG), said(Source.CRM)]
    wecom, crm = RELIABILITY[Source.WECOM_TAG], RELIABILITY[Source.CRM]
    assert weight(both, None, NOON) == pytest.approx(1 - (1 - wecom) * (1 - crm))


def test_repeating_oneself_proves_nothing() -> None:
    once, often = [said(Source.MESSAGE)], [said(Source.MESSAGE)] * 9
    assert weight(once, 180, NOON) == weight(often, 180, NOON)


def test_a_half_life_halves_what_a_source_says() -> None:
    fresh, old = [said(Source.CRM)], [said(Source.CRM, days_ago=180)]
    assert weight(old, 180, NOON) == pytest.approx(weight(fresh, 180, NOON) / 2)
    assert weight(old, None, NOON) == weight(fresh, None, NOON)
    assert decay(-5, 180) == 1.0


def test_a_denial_weakens_and_is_shown_as_what_it_takes_away() -> None:
    claimed = said(Source.WECOM_TAG)
    denied = [claimed, said(Source.PERSON, confidence=-1)]
    for_it, against = shares(denied, 180, NOON)
    assert for_it == pytest.approx(weight([claimed], 180, NOON))
    assert against < 0
    assert weight(denied, 180, NOON) == pytest.approx(0.7 * 0.15)
    assert weight([said(Source.PERSON, confidence=-1)], 180, NOON) == 0


def test_what_a_physician_has_deleted_never_comes_back() -> None:
    sure = [said(source) for source in Source if source is not Source.PHYSICIAN]
    assert weight(sure, 180, NOON) > 0.99
    deleted = [*sure, said(Source.PHYSICIAN, days_ago=5000, confidence=-1)]
    assert weight(deleted, 180, NOON) < FAINT
    lines = {1: [Line(number, one) for number, one in enumerate(deleted)]}
    shape = Shape({1: 180}, parents={}, exclusive={}, opposites={})
    assert held(lines, shape, NOON, [FAINT]).changes_at is None
    assert sum(shares(deleted, 180, NOON)) == pytest.approx(weight(deleted, 180, NOON))
