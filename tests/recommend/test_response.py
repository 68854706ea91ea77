"""What was learned: exact sums, the same by arrays, and never beyond what answers say."""

from __future__ import annotations

import json
import zlib
from datetime import UTC, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from app.infra.errors import Refused
from app.recommend import DAY_0, Piece, Response, Scorer, State, heads, near, saturation
from app.recommend.fit import response
from app.recommend.proof import available

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
PARENTS = {2: 1, 3: 1, 4: 3}
TAGS = st.integers(1, 6)
number = st.floats(-2, 2).map(lambda x: round(x, 3))
cross = st.dictionaries(st.integers(-6, 6), st.dictionaries(TAGS, number, max_size=4), max_size=8)
responses = st.builds(
    Response, steep=st.floats(0.05, 3), reading=number, base=number, crosses=cross,
    tag_appeal=st.dictionaries(TAGS, number, max_size=4),
    content_appeal=st.dictionaries(st.integers(0, 9), number, max_size=4),
    near=st.dictionaries(
        st.integers(0, 9), st.dictionaries(st.integers(0, 9), number, max_size=4), max_size=4
    ),
)  # fmt: skip
libraries = st.lists(
    st.dictionaries(TAGS, st.floats(0.1, 1.0), min_size=1, max_size=4), min_size=1, max_size=9
).map(lambda all_: [Piece(n, n, tags, NOW - timedelta(days=n)) for n, tags in enumerate(all_)])
own = st.one_of(st.integers(-6, 6), st.integers(0, 9).map(near.key))  # tags, and what was opened
interests = st.dictionaries(own, st.floats(0.05, 1.0), min_size=1, max_size=6)
seens = st.dictionaries(TAGS, st.integers(0, 3), max_size=2).map(saturation)


@settings(max_examples=120, deadline=None)
@given(responses, libraries, interests, seens)
def test_a_learned_score_is_the_sum_of_its_parts_and_a_named_tag_carries_it(
    learned: Response, library: list[Piece], weights: dict[int, float], seen: dict[int, float],
) -> None:  # fmt: skip
    scorer = Scorer(library, NOW, PARENTS, learned)
    for fit in scorer.best(weights, 20, seen=seen):
        whole = sum(fit.parts.values()) + sum(fit.others.values())
        assert fit.score == pytest.approx(whole, abs=1e-9)
        named = max(fit.parts, key=lambda tag: fit.parts[tag])
        assert fit.parts[named] > 0
        if fit.parts[named] < 1e-6:
            continue
        without = {tag: weight for tag, weight in weights.items() if abs(tag) != named}
        left = {f.piece.content_id: f for f in scorer.best(without, 20, seen=seen)}
        other = left.get(fit.piece.content_id)
        assert other is None or other.score < fit.score


@pytest.mark.skipif(not available(), reason="numpy (requirements-recommend.lock) is not installed")
@settings(max_examples=80, deadline=None)
@given(responses, libraries, interests, seens)
def test_arrays_give_the_same_fits(
    learned: Response, library: list[Piece], weights: dict[int, float], seen: dict[int, float],
) -> None:  # fmt: skip
    from app.recommend import FastScorer

    asked = {"seen": seen, "without": {1}}
    slow = Scorer(library, NOW, PARENTS, learned).best(weights, 20, **asked)  # type: ignore[arg-type]
    fast = FastScorer(library, NOW, PARENTS, learned).best(weights, 20, **asked)  # type: ignore[arg-type]
    by_content = {fit.piece.content_id: fit for fit in slow}
    assert {fit.piece.content_id for fit in fast} == set(by_content)
    for place, fit in enumerate(fast):
        same = by_content[fit.piece.content_id]
        assert fit.score == pytest.approx(same.score, abs=1e-9)
        assert fit.score == pytest.approx(slow[place].score, abs=1e-9)
        kept = {tag: part for tag, part in same.parts.items() if part}
        assert fit.parts == pytest.approx(kept, abs=1e-9)


@given(libraries, st.dictionaries(TAGS, st.floats(0.05, 1.0), min_size=1, max_size=5))
def test_without_answers_the_score_is_tag_affinity_and_new(
    library: list[Piece], weights: dict[int, float]
) -> None:
    plain = Scorer(library, NOW, PARENTS).best(weights, 20)
    assert plain == Scorer(library, NOW, PARENTS, DAY_0).best(weights, 20)
    assert all(set(fit.others) == {"new"} for fit in plain)
    assert all(part > 0 for fit in plain for part in fit.parts.values())


@given(responses)
def test_what_was_learned_is_kept_as_it_is(learned: Response) -> None:
    assert response.loads(response.dumps(learned)) == learned


def test_what_a_night_kept_that_knew_more_is_read_all_the_same() -> None:
    more = json.loads(zlib.decompress(response.dumps(DAY_0))) | {"also": 0.7, "neighbours": {}}
    assert response.loads(zlib.compress(json.dumps(more).encode())) == DAY_0


def test_what_is_not_a_response_is_refused_with_what_to_do() -> None:
    with pytest.raises(Refused, match="yishu recommend learn"):
        response.loads(b"nothing")


def test_a_higher_score_is_never_a_smaller_chance() -> None:
    learned = Response(base=-1.0, steep=2.0, sure=0.8)
    chances = [learned.chance(score) for score in (-500.0, -1.0, 0.0, 0.5, 500.0)]
    assert chances == sorted(chances)
    assert 0 <= chances[0] < 1e-9
    assert chances[-1] == pytest.approx(1.0)


def shown(state: State, days: int, **changes: object) -> heads.Shown:
    values: dict[str, object] = {
        "refusal": None, "sent_at": None, "opened": False, "read": False,
    }  # fmt: skip
    return heads.Shown(state, shown_at=NOW - timedelta(days=days), **(values | changes))  # type: ignore[arg-type]


LATELY, LONG_AGO = NOW - timedelta(days=2), NOW - timedelta(days=8)


@pytest.mark.parametrize(
    ("one", "said"),
    [
        (shown(State.ADOPTED, 1), {}),  # a no could not have come yet
        (shown(State.ADOPTED, 3), {"accept": True}),
        (shown(State.ADOPTED, 3, sent_at=LATELY), {"accept": True}),
        (shown(State.ADOPTED, 3, sent_at=LATELY, opened=True, read=True), {"accept": True}),
        (shown(State.ADOPTED, 9, sent_at=LONG_AGO), {"accept": True, "open": False}),
        (
            shown(State.ADOPTED, 9, sent_at=LONG_AGO, opened=True),
            {"accept": True, "open": True, "read": False},
        ),
        (
            shown(
                State.ADOPTED, 9, sent_at=LONG_AGO, opened=True, opened_at=NOW - timedelta(hours=2)
            ),
            {"accept": True, "open": True},  # may still be reading
        ),
        (
            shown(State.ADOPTED, 9, sent_at=LONG_AGO, opened=True, read=True, opened_at=LATELY),
            {"accept": True, "open": True, "read": True},
        ),
        (shown(State.REFUSED, 1, refusal="content"), {}),
        (shown(State.REFUSED, 4, refusal="content"), {"accept": False}),
        (shown(State.REFUSED, 4, refusal="timing"), {}),
        (shown(State.REFUSED, 4, refusal="not_mine"), {}),
        (shown(State.REFUSED, 4, refusal="discussed"), {}),
        (shown(State.LATER, 9), {}),
        (shown(State.DELIVERED, 1), {}),
        (shown(State.EXPIRED, 9), {"accept": False}),
        (shown(State.CANCELLED, 9), {}),
    ],
)
def test_what_is_not_known_yet_or_not_about_the_content_teaches_nothing(
    one: heads.Shown, said: dict[str, bool]
) -> None:
    assert heads.labels(one, NOW) == said


def test_a_rep_who_passed_it_on_has_said_yes_though_it_did_not_get_through() -> None:
    assert heads.answered(State.CANCELLED, NOW) == State.ADOPTED
    assert heads.answered(State.CANCELLED, None) == State.CANCELLED
    assert heads.answered(State.LATER, NOW) == State.LATER
