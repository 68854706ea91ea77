"""Rows of best contents: what they say is what the scorer says, or they say that they cannot."""

from __future__ import annotations

import math
from dataclasses import replace
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app import recommend
from app.flows.fitting import fits_many
from app.flows.fitting.fits_many import by_kernel
from app.flows.fitting.interests import many_of
from app.recommend import Piece, Scorer
from app.recommend.fit import fit_rows, kernel
from app.recommend.fit.fit_rows import KEPT, Shelf
from app.recommend.fit.response import DAY_0
from tests.conftest import NOON

tag_weights = st.dictionaries(st.integers(1, 8), st.floats(0.05, 1), min_size=1, max_size=5)


@st.composite
def libraries(draw: st.DrawFn) -> list[Piece]:
    tagged = st.dictionaries(st.integers(1, 8), st.floats(0.1, 1), min_size=1, max_size=3)
    ages = st.integers(0, 300)
    return [
        Piece(n, n, draw(tagged), NOON - timedelta(days=draw(ages)))
        for n in range(1, draw(st.integers(1, 30)) + 1)
    ]


@settings(max_examples=150)
@given(
    libraries(), tag_weights, st.dictionaries(st.integers(1, 8), st.floats(0.1, 1), max_size=3),
    st.sets(st.integers(1, 30), max_size=6), st.integers(1, 6),
    st.dictionaries(st.integers(1, 30), st.floats(0.1, 1), max_size=3),
)  # fmt: skip
def test_a_row_says_what_the_scorer_says_or_that_it_cannot(
    library: list[Piece],
    interests: dict[int, float],
    seen: dict[int, float],
    without: set[int],
    limit: int,
    opened: dict[int, float],
) -> None:
    near = {one: {one % 7 + 1: 0.4, one % 5 + 9: 0.2} for one in opened}
    interests |= {recommend.near.key(one): weight for one, weight in opened.items()}
    scorer = Scorer(library, NOON, {2: 1, 3: 1, 5: 4}, replace(DAY_0, near=near))
    shelf = Shelf(scorer)
    row = fit_rows.pack(fit_rows.kept_of(scorer.best(interests, KEPT)))
    read = fit_rows.best(row, shelf, limit, seen, without)
    now = scorer.best(interests, limit, seen=seen, without=without)
    if read is None:
        assert len(fit_rows.unpack(row)) == KEPT
        return
    assert [(one.piece, one.score) for one in read] == [(one.piece, one.score) for one in now]
    for one, fit in zip(read, now, strict=True):
        assert fit_rows.whole(shelf, one.piece, interests, seen) == fit
        assert set(one.parts) <= set(fit.parts)


def test_nothing_but_what_may_not_be_it_is_better_than_the_bound() -> None:
    library = [Piece(n, n, {1: 1.0, 2: n / 40}, NOON) for n in range(1, KEPT + 3)]
    for some in (library, library[:3]):
        shelf = Shelf(Scorer(some, NOON))
        fits = shelf.scorer.best({1: 0.8}, len(some))
        row = fit_rows.pack(fit_rows.kept_of(fits[:KEPT]))
        ranked = [fit.piece.content_id for fit in fits]
        for number in range(min(KEPT, len(some))):
            assert fit_rows.bound(row, shelf, ranked[:number]) == fits[number].score
        rest = fits[KEPT - 1].score if len(some) > KEPT else -math.inf
        assert fit_rows.bound(row, shelf, ranked) == rest


def test_more_own_tags_than_two_bytes_hold_are_told_apart(monkeypatch: pytest.MonkeyPatch) -> None:
    np = pytest.importorskip("numpy")
    assert np.iinfo(np.uint16).max + 1 == fits_many.MOST
    seen: list[Any] = []

    def slow(ready: Any, whole: Any, people: Any, *, kept: int) -> Any:
        seen.append(people.own.dtype)
        return real(ready, whole, people, fast=False, kept=kept)

    real = kernel.fits_many
    monkeypatch.setattr(kernel, "fits_many", slow)
    scorer = Scorer([Piece(1, 1, {7: 1.0}, NOON), Piece(2, 2, {8: 1.0}, NOON)], NOON)
    here: Any = SimpleNamespace(
        pieces=scorer.library, scorer=scorer, shelf=Shelf(scorer), digest="two bytes"
    )
    whose = {"a": {8: 0.5}, "b": {7: 0.5, 9: 0.5}}
    for most in (3, 2):  # there are three: 7, 8, 9
        monkeypatch.setattr(fits_many, "MOST", most)
        rows = by_kernel(list(whose), many_of(whose.values()), here, KEPT)
        assert [[one.content_id for one in fit_rows.unpack(body)] for _, body in rows] == [[2], [1]]
    assert seen == [np.uint16, np.uint32]
