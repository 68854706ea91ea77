"""Variances at the fit: the diagonal of the curvature, and narrower only where answers were."""

from __future__ import annotations

import pytest

np = pytest.importorskip("numpy", reason="numpy (requirements-recommend.lock) is not installed")

from app.flows.learning.learn import PRIORS  # noqa: E402
from app.recommend.fit.spread import Spread  # noqa: E402
from app.recommend.taught import wanted  # noqa: E402
from app.recommend.taught.laplace import curvature, spread_of  # noqa: E402
from app.recommend.taught.learning import learn  # noqa: E402
from app.recommend.taught.wanted import Answers, Contents, Wanted  # noqa: E402


def asked(rows: int) -> tuple[Contents, Answers]:
    dice = np.random.default_rng(4)
    contents = Contents(
        np.array([[0, 1], [1, 2], [2, 0], [3, 3]]), np.array([[1, 0.5], [1, 0.3], [1, 1], [1, 0]]),
        4, dice.random((3, 4)), dice.random((3, 4)),
    )  # fmt: skip
    interests = dice.random((rows, 3))
    interests[:, 2] = 0.0  # an interest that nobody has
    content = dice.integers(0, 3, rows)  # the last content was shown to nobody
    return contents, Answers(interests, np.arange(rows), content, dice.integers(0, 2, rows) * 1.0)


def test_curvature_is_that_of_the_loss() -> None:
    contents, answers = asked(40)
    affine = (answers.interests * contents.affinity.T[answers.content]).sum(1)
    read = (answers.interests * contents.reading.T[answers.content]).sum(1)
    chance = np.random.default_rng(1).uniform(0.1, 0.9, 40)
    found = curvature(Wanted(contents, answers), answers, chance, affine, read)
    rows = []  # each answer's features, written out
    for n in range(40):
        shares = np.zeros(4)
        np.add.at(shares, contents.tags[answers.content[n]], contents.shares[answers.content[n]])
        crosses = np.outer(answers.interests[n], shares).ravel()
        which = np.eye(4)[answers.content[n]]
        rows.append(np.r_[crosses, shares, which, affine[n], read[n], 1.0])
    assert found == pytest.approx((chance * (1 - chance)) @ np.square(rows))


def test_answers_of_a_decision_are_added_up_together(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(wanted, "AT_ONCE", 7)
    contents, alone = asked(40)
    decision = np.random.default_rng(2).integers(0, 20, 40)  # some with none, in no order
    mine = alone.interests[decision]
    together = Answers(alone.interests, decision, alone.content, alone.good)
    dense = np.zeros((4, 4))
    np.add.at(dense, (np.arange(4)[:, None], contents.tags), contents.shares)
    shares = dense[alone.content]
    crosses, tag = np.random.default_rng(3).random((3, 4)), np.arange(4.0)
    found = Wanted(contents, together)
    assert found.by(crosses, tag) == pytest.approx(((mine @ crosses + tag) * shares).sum(1))
    for squared, power in ((False, 1), (True, 2)):
        by_cross, by_tag = found.pulled(alone.good, squared=squared)
        each = alone.good[:, None] * shares**power
        assert by_cross == pytest.approx(((mine**power).T @ each).ravel())
        assert by_tag == pytest.approx(each.sum(0))


def test_contents_without_any_tag_are_learned_from() -> None:
    nothing = np.zeros((2, 1), dtype=int)
    contents = Contents(nothing, 0.0 * nothing, 0, np.zeros((1, 2)), np.zeros((1, 2)))
    content = np.arange(80) % 2
    answers = Answers(np.ones((80, 1)), np.arange(80), content, content * 1.0)
    learned = learn(contents, answers, PRIORS)
    assert learned.crosses.shape == (1, 0)
    assert learned.content[0] < 0 < learned.content[1]


def test_only_what_was_answered_is_narrower_than_its_prior() -> None:
    contents, answers = asked(300)
    learned = learn(contents, answers, PRIORS)
    spread = spread_of({"accept": learned}, {"accept": 1.0}, PRIORS, [7, 8, 9], [1, 2, 3, 4],
                       [10, 11, 12, 13])  # fmt: skip
    assert set(spread.contents) == {10, 11, 12}
    assert set(spread.tags) == {1, 2, 3}
    assert 9 not in spread.crosses
    assert all(0 < one < spread.cross for row in spread.crosses.values() for one in row.values())
    assert 0 < spread.steep < PRIORS.slope**2
    half = spread_of({"accept": learned}, {"accept": 0.5, "open": 0.5}, PRIORS, [7, 8, 9],
                     [1, 2, 3, 4], [10, 11, 12, 13])  # fmt: skip
    assert spread.steep < half.steep < PRIORS.slope**2, "a question without answers is as unsure"


def test_day_0_is_as_unsure_as_nothing_learned() -> None:
    nobody = spread_of({}, {"accept": 1.0}, PRIORS, [1], [1], [1])
    assert nobody == Spread()
