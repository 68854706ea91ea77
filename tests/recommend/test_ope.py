"""Judging policies by what was drawn: the gate refuses known-bad ones and accepts the same."""

from __future__ import annotations

import random

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from app.recommend import explore
from app.recommend.policy import drawing, gate, ope
from app.recommend.policy.drawing import Knobs

LOGGING = Knobs(alpha=0.25, floor=0.05)


def world(seed: int, knobs: Knobs, reps: int = 30, each: int = 70) -> list[ope.Logged]:
    """Answers grow with the score; reps differ; contents have an appeal that no score knows."""
    rng = random.Random(seed)
    appeal = [rng.gauss(0, 0.03) for _ in range(20)]
    rows = []
    for rep in range(reps):
        usual = rng.gauss(0.25, 0.05)
        for n in range(each):
            fits = sorted(((rng.random(), c) for c in rng.sample(range(20), 5)), reverse=True)
            scores, contents = [f[0] for f in fits], [f[1] for f in fits]
            draws = [[rng.gauss(0, 0.3) for _ in fits] for _ in range(10)]
            chances = drawing.chances(scores, draws, knobs)
            chosen = explore.pick(chances, f"{seed}:{rep}:{n}")
            good = usual + 0.25 * scores[chosen] + appeal[contents[chosen]]
            rows.append(
                ope.Logged(
                    rep, chosen, chances, scores, contents, float(rng.random() < good),
                    float(rng.random() < 0.1), 0.0, ("specialty:示例科",),
                )
            )  # fmt: skip
    return rows


@pytest.fixture(scope="module")
def rows() -> list[ope.Logged]:
    return world(1, LOGGING)


def failing(verdict: gate.Verdict) -> set[str]:
    return {check.name for check in verdict.checks if not check.passed}


def test_the_same_policy_is_accepted_and_its_value_is_what_was_logged(
    rows: list[ope.Logged],
) -> None:
    verdict = gate.by_logs(rows, [row.chances for row in rows])
    assert verdict.passed, failing(verdict)
    found = verdict.estimate
    assert found is not None
    assert found.ips == pytest.approx(found.logged)
    assert found.snips == pytest.approx(found.logged)
    assert (found.gain.low, found.gain.value, found.gain.high) == (0.0, 0.0, 0.0)
    assert (found.effective, found.largest) == pytest.approx((len(rows), 1.0))


def test_what_is_better_than_a_bad_trial_is_not_yet_as_good_as_what_is_live() -> None:
    """Only a trial with even chances has drawn; the live one draws nothing, and is better."""
    rows = world(5, Knobs(0.0, 1.0), each=140)
    live = [drawing.chances(r.scores, (), Knobs()) for r in rows]
    new = [drawing.chances(r.scores, (), Knobs(0.0, 0.7)) for r in rows]
    assert "gain" not in failing(gate.by_logs(rows, new)), "it is better than what was logged"
    verdict = gate.by_logs(rows, new, live)
    assert "gain" in failing(verdict)
    found = verdict.estimate
    assert found is not None
    assert found.now > found.dr > found.logged
    same = gate.by_logs(rows, live, live)
    assert same.estimate is not None
    assert (same.estimate.gain.low, same.estimate.gain.high, same.differs) == (0.0, 0.0, 0.0)


def test_an_inverted_scorer_is_refused(rows: list[ope.Logged]) -> None:
    worst = Knobs(0.0, 0.02)
    new = [drawing.chances(r.scores, (), worst)[::-1] for r in rows]
    verdict = gate.by_logs(rows, new)
    assert "gain" in failing(verdict)
    assert verdict.estimate is not None
    assert verdict.estimate.gain.value < 0


def test_one_content_for_all_is_refused_even_where_it_is_liked(rows: list[ope.Logged]) -> None:
    new = []
    for row in rows:
        first = row.contents.index(min(row.contents))
        new.append([float(n == first) for n in range(len(row.contents))])
    assert "coverage" in failing(gate.by_logs(rows, new))


def test_a_policy_about_which_the_log_says_nothing_is_refused() -> None:
    """No floor and hardly any draws: what another policy does was never tried."""
    greedy = world(2, Knobs(0.0, 0.0))
    other = [drawing.chances(r.scores, (), Knobs(0.0, 0.0))[::-1] for r in greedy]
    assert {"effective", "mean_weight"} <= failing(gate.by_logs(greedy, other))


def test_more_refusals_are_no_price_for_more_openings() -> None:
    rows = []
    rng = random.Random(3)
    for n in range(3000):
        chosen = int(rng.random() < 0.5)
        refused = float(rng.random() < (0.3 if chosen else 0.05))
        rows.append(ope.Logged(n % 30, chosen, [0.5, 0.5], [1.0, 0.9], [1, 2], 0.2, refused))
    verdict = gate.by_logs(rows, [[0.1, 0.9]] * len(rows))
    assert "refused" in failing(verdict)


def test_a_group_that_surely_loses_is_named() -> None:
    rng = random.Random(4)
    rows = []
    for n in range(4000):
        chosen, small = int(rng.random() < 0.5), n % 8 == 0
        good = (0.1 if chosen else 0.5) if small else (0.5 if chosen else 0.3)
        group = ("region:小地方",) if small else ("region:大城市",)
        rows.append(ope.Logged(n // 8 % 20, chosen, [0.5, 0.5], [1.0, 0.9], [1, 2],
                               float(rng.random() < good), groups=group))  # fmt: skip
    verdict = gate.by_logs(rows, [[0.05, 0.95]] * len(rows))
    assert [c.detail for c in verdict.checks if not c.passed and c.name == "parity"] == [
        "region:小地方"
    ]


def test_before_anything_was_drawn_only_what_changes_little_may_be_tried() -> None:
    greedy = [[1.0, 0.0, 0.0]] * 80
    little, much = [[0.9, 0.05, 0.05]] * 80, [[0.1, 0.9, 0.0]] * 80
    best, bold, even = Knobs(), Knobs(0.25, 0.02), Knobs(0.0, 0.2)
    assert gate.bounded(greedy, little, best, bold).passed
    assert not gate.bounded(greedy, much, best, bold).passed
    assert gate.bounded([], [], best, even).passed
    assert gate.bounded([], [], even, best).differs == 0.2, "what the live one leaves to chance"
    assert not gate.bounded([], [], best, bold).passed
    assert not gate.bounded([], [], bold, best).passed


OPTIONS = st.integers(1, 10).flatmap(
    lambda n: st.tuples(
        st.lists(st.floats(-2, 2), min_size=n, max_size=n),
        st.lists(st.lists(st.floats(-3, 3), min_size=n, max_size=n), min_size=0, max_size=12),
    )
)
KNOBS = st.builds(Knobs, st.floats(0, 1), st.floats(0, 0.2), st.integers(2, 10))


@example(([0.0], [[5e-324]]), Knobs(0.5))
@given(OPTIONS, KNOBS)
@settings(max_examples=150, deadline=None)
def test_chances_add_up_keep_the_floor_and_come_back_from_the_log(
    options: tuple[list[float], list[list[float]]], knobs: Knobs
) -> None:
    scores, draws = sorted(options[0], reverse=True), options[1]
    stored = drawing.unpack(drawing.pack(draws))
    found = drawing.chances(scores, stored, knobs)
    assert sum(found) == pytest.approx(1)
    among = min(knobs.top, len(scores))
    assert min(found[:among]) >= knobs.floor / among - 1e-12
    assert set(found[among:]) <= {0.0}
    assert drawing.chances(scores, drawing.unpack(drawing.pack(stored)), knobs) == found
    if not knobs.floor and not (knobs.alpha and stored):
        assert found[0] == 1
