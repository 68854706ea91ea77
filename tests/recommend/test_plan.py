"""The day's choice: few, one a physician, varied, and the same every time."""

from __future__ import annotations

import math
import random
from collections import Counter
from datetime import UTC, datetime

from hypothesis import given, settings
from hypothesis import strategies as st

from app.recommend import Candidate, Piece, Scored, choose
from app.recommend.day.plan import likeness

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)


def candidate(person: str, content: int, score: float, bonus: float = 0.0) -> Candidate[str]:
    piece = Piece(content, content, {content % 3: 1.0}, NOW)
    return Candidate(person, person, Scored(piece, score), bonus)


many = st.lists(
    st.builds(
        candidate, st.sampled_from("abcdefghij"), st.integers(1, 6), st.floats(0.01, 1.0),
        st.sampled_from([0.0, 0.0, 1.0]),
    ),
    max_size=40, unique_by=lambda c: (c.person, c.fit.piece.content_id),
)  # fmt: skip


@settings(max_examples=200)
@given(many, st.integers(0, 8))
def test_the_limits_hold_whatever_there_is(candidates: list[Candidate[str]], limit: int) -> None:
    chosen = choose(candidates, limit)
    assert len(chosen) <= limit
    assert len({c.person for c in chosen}) == len(chosen)
    used = Counter(c.fit.piece.content_id for c in chosen)
    assert all(n <= math.ceil(limit / 2) for n in used.values())
    assert all(c in candidates for c in chosen)


@given(many, st.integers(0, 6), st.randoms())
def test_the_order_of_the_candidates_does_not_matter(
    candidates: list[Candidate[str]], limit: int, dice: random.Random
) -> None:
    mixed = list(candidates)
    dice.shuffle(mixed)
    assert choose(mixed, limit) == choose(candidates, limit)


def test_the_best_come_first_and_ties_are_broken_by_name() -> None:
    chosen = choose([candidate("b", 1, 0.5), candidate("a", 2, 0.5), candidate("c", 3, 0.9)], 2)
    assert [c.person for c in chosen] == ["c", "a"]


def test_what_the_rep_postponed_comes_before_everything_else() -> None:
    chosen = choose([candidate("a", 1, 0.9), candidate("b", 2, 0.1, bonus=1.0)], 1)
    assert [c.person for c in chosen] == ["b"]


def test_a_list_with_the_same_subject_again_and_again_is_varied() -> None:
    same = [candidate("a", 1, 0.9), candidate("b", 4, 0.88)]
    other = candidate("c", 2, 0.7)
    assert [c.person for c in choose([*same, other], 2)] == ["a", "c"]


@settings(max_examples=200)
@given(many, st.integers(0, 6))
def test_a_list_is_what_looking_at_everybody_each_time_gives(
    candidates: list[Candidate[str]], limit: int
) -> None:
    assert choose(candidates, limit) == by_looking_at_all(candidates, limit)


def by_looking_at_all(candidates: list[Candidate[str]], limit: int) -> list[Candidate[str]]:
    chosen: list[Candidate[str]] = []
    while len(chosen) < limit:
        used = Counter(c.fit.piece.content_id for c in chosen)
        people = {c.person for c in chosen}
        left = [
            c for c in candidates
            if c.person not in people and used[c.fit.piece.content_id] < math.ceil(limit / 2)
        ]  # fmt: skip
        if not left:
            break
        chosen.append(min(left, key=lambda c: (
            c.fit.score * 0.3 * max(
                (likeness(c.fit.piece.tags, o.fit.piece.tags) for o in chosen), default=0.0
            ) - c.worth, c.order, c.fit.piece.content_id,
        )))  # fmt: skip
    return chosen
