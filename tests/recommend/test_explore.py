"""Exploring: chances are exact, kept to the floor, and the same whoever asks in whatever order."""

from __future__ import annotations

import json
import math
import zlib
from collections import Counter
from dataclasses import replace
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.recommend import DAY_0, Piece, Response, Scored, Scorer, explore
from app.recommend.fit import response
from app.recommend.fit.spread import Spread
from app.recommend.policy.explore import chances, draws, pick
from app.recommend.policy.normals import Normals
from app.recommend.proof import available

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
TAGS = st.integers(1, 6)
number = st.floats(-1, 1).map(lambda x: round(x, 3))
variance = st.floats(0, 0.3).map(lambda x: round(x, 4))
by_tag = st.dictionaries(TAGS, variance, max_size=4)
spreads = st.builds(
    Spread, steep=variance, reading=variance, cross=variance, tag=variance, content=variance,
    crosses=st.dictionaries(st.integers(-6, 6), by_tag, max_size=5), tags=by_tag,
    contents=st.dictionaries(st.integers(0, 9), variance, max_size=4),
)  # fmt: skip
responses = st.builds(
    Response, steep=st.floats(0.05, 3), spread=spreads,
    crosses=st.dictionaries(
        st.integers(-6, 6), st.dictionaries(TAGS, number, max_size=4), max_size=6
    ),
    tag_appeal=st.dictionaries(TAGS, number, max_size=4),
    content_appeal=st.dictionaries(st.integers(0, 9), number, max_size=4),
)  # fmt: skip
libraries = st.lists(
    st.dictionaries(TAGS, st.floats(0.1, 1.0), min_size=1, max_size=4), min_size=1, max_size=9
).map(lambda all_: [Piece(n, n, tags, NOW) for n, tags in enumerate(all_)])
interests = st.dictionaries(st.integers(-6, 6), st.floats(0.05, 1.0), min_size=1, max_size=6)
alphas, floors, seeds = st.sampled_from([0.0, 0.25, 1.0]), st.floats(0, 1), st.integers(0, 99)


@settings(max_examples=50, deadline=None)
@given(responses, libraries, interests, alphas, floors, seeds, st.randoms())
def test_chances_are_exact_and_do_not_depend_on_the_order_or_on_who_asked_before(
    learned: Response, library: list[Piece], weights: dict[int, float], alpha: float,
    floor: float, seed: int, dice: object,
) -> None:  # fmt: skip
    fits = Scorer(library, NOW, None, learned).best(weights, 10)
    weighed = draws(learned, alpha, seed, 20).weigh(weights, fits, floor=floor)
    assert list(weighed.options) == fits
    assert len(weighed.chances) == len(fits)
    if not fits:
        return
    assert math.isclose(sum(weighed.chances), 1.0, abs_tol=1e-9)
    assert min(weighed.chances) >= floor / len(fits) - 1e-12
    for chance in weighed.chances:  # a whole number of draws, and its part of the floor
        count = (chance - floor / len(fits)) * 20
        assert (1 - floor) * round(count / max(1 - floor, 1e-9)) == pytest.approx(count, abs=1e-6)
    if alpha == 0:
        assert weighed.chances[0] == pytest.approx(1 - floor + floor / len(fits))
    other = draws(learned, alpha, seed, 20)
    other.weigh({1: 0.5}, Scorer(library[::-1], NOW).best({1: 0.5}, 10))
    mixed = list(fits)
    dice.shuffle(mixed)  # type: ignore[attr-defined]
    assert other.weigh(weights, mixed, floor=floor) == weighed


@pytest.mark.skipif(not available(), reason="numpy (requirements-recommend.lock) is not installed")
@settings(max_examples=25, deadline=None)
@given(responses, libraries, interests, seeds)
def test_arrays_find_the_same_tops(
    learned: Response, library: list[Piece], weights: dict[int, float], seed: int
) -> None:
    fits = Scorer(library, NOW, None, learned).best(weights, 10)
    slow, fast = (draws(learned, 0.25, seed, 50, arrays=one) for one in (False, True))
    assert slow.tops(weights, fits) == fast.tops(weights, fits)
    if fits:
        assert slow.deviations(weights, fits) == fast.deviations(weights, fits)


def test_what_is_picked_comes_as_often_as_its_chance() -> None:
    shares = chances([0] * 31 + [1] * 12 + [3] * 7, 4, 0.02)
    assert shares == pytest.approx([0.6126, 0.2402, 0.005, 0.1422])
    keys = 40_000
    counts = Counter(pick(shares, f"plan:{n}") for n in range(keys))
    chi2 = sum((counts[n] - keys * share) ** 2 / (keys * share) for n, share in enumerate(shares))
    assert chi2 < 16.27, "three degrees of freedom: one in a thousand"
    assert pick(shares, "plan:1") == pick(shares, "plan:1")
    assert pick([0.0, 1.0, 0.0], "any") == 1
    with pytest.raises(ValueError, match="no option"):
        pick([], "any")


def test_a_draw_is_as_far_away_as_what_is_unsure() -> None:
    """Against the formula of a difference of two normals, for each kind of number."""
    weights = {1: 0.8, 2: 0.5}
    pieces = [Piece(n, n, {n + 1: 1.0}, NOW) for n in (0, 1)]
    for spread, away in [
        (Spread(0, 0, 0, 0, 0.09), math.sqrt(2 * 0.09)),
        (Spread(0, 0, 0, 0.09, 0), math.sqrt(2 * 0.09)),
        (Spread(0, 0, 0.09, 0, 0), math.sqrt(2 * 0.09 * (0.8**2 + 0.5**2))),
        (Spread(0, 0, 0.09, 0, 0, crosses={1: {1: 0.01}, 2: {1: 0.0}}),
         math.sqrt(0.01 * 0.8**2 + 0.09 * (0.8**2 + 0.5**2))),
        (Spread(0.09, 0, 0, 0, 0), 0.0),
    ]:  # fmt: skip
        learned = Response(steep=2.0, spread=spread)
        fits = [Scored(pieces[0], 0.5), Scored(pieces[1], 0.4)]
        tops = draws(learned, 0.25, "night", 2000).tops(weights, fits)
        wins = 0.5 * math.erfc(-0.2 / (0.5 * away) / math.sqrt(2)) if away else 1.0
        assert tops.count(0) / 2000 == pytest.approx(wins, abs=0.03)


def test_the_same_seed_draws_the_same_in_every_process() -> None:
    first, other = Normals("2026-11-26", 50, arrays=False), Normals("2026-11-27", 50)
    values = first.of("tag:1")
    assert sorted(values) == pytest.approx(sorted(other.of("tag:1")))
    assert values != other.of("tag:1")
    assert [round(one, 3) for one in values[:3]] == [0.025, 1.666, 0.336]
    assert sum(values) == pytest.approx(0, abs=1e-9)
    assert sum(one * one for one in values) == pytest.approx(50)


@settings(max_examples=25)
@given(responses)
def test_how_unsure_it_is_is_kept(learned: Response) -> None:
    assert response.loads(response.dumps(learned)) == learned


def test_a_night_that_kept_no_variances_is_as_unsure_as_its_priors() -> None:
    data = json.loads(zlib.decompress(response.dumps(replace(DAY_0, steep=2.0))))
    del data["spread"]
    old = response.loads(zlib.compress(json.dumps(data).encode()))
    assert (old.steep, old.spread) == (2.0, Spread())


def test_bad_settings_are_refused() -> None:
    for alpha, many in ((-0.1, 50), (0.25, 0)):
        with pytest.raises(ValueError, match="at least one draw"):
            draws(DAY_0, alpha, 1, many)
    assert explore.chances([], 0) == []
    assert draws(DAY_0).weigh({}, []).chances == ()
