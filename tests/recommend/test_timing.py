"""When somebody opens: little is said from little, and our own hours are not taken for theirs."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta

from hypothesis import given, settings
from hypothesis import strategies as st

from app.infra.clock import SHANGHAI
from app.recommend import timing
from app.recommend.day.timing import BINS, UNIFORM, Chance, Tally, learn, of_day, tally
from benchmarks.timing import Learned, answer_all, judge, world

NOW = datetime(2026, 11, 24, 4, 0, tzinfo=UTC)
TUESDAY = 1
sizes = st.lists(st.floats(0, 50), min_size=BINS, max_size=BINS)


def at(hour: int, days_ago: int, minute: int = 0) -> datetime:
    here = datetime(2026, 11, 23, hour, minute, tzinfo=SHANGHAI)
    return here - timedelta(days=days_ago)


def evenings(number: int, hour: int = 20) -> Tally:
    """Messages of every morning, opened in the evening."""
    return tally([Chance(at(9, n), at(hour, n, 10)) for n in range(number)], NOW)


def test_a_few_opens_say_nothing_and_many_say_when() -> None:
    for number, expected in ((timing.ENOUGH - 1, None), (15, 20)):
        seen = evenings(number)
        hours = of_day(learn(seen, UNIFORM, timing.PERSON), TUESDAY)
        assert timing.best_hour(seen, hours, range(8, 21)) == expected
    assert timing.told(20) == "常在晚 8 点前后打开"
    assert timing.told(8) == "常在早 8 点前后打开"


def test_only_legal_hours_are_named() -> None:
    seen = evenings(30, 22)
    hours = of_day(learn(seen, UNIFORM, timing.PERSON), TUESDAY)
    assert timing.best_hour(seen, hours, range(8, 21)) is None
    assert timing.best_hour(seen, hours, []) is None


def test_what_only_the_others_do_is_not_said_about_a_person() -> None:
    common = learn(evenings(400), UNIFORM, timing.EVERYBODY)
    mine = tally([Chance(at(14, n), at(15, n)) for n in range(6)], NOW)
    hours = of_day(learn(mine, common, 60), TUESDAY)
    assert timing.best_hour(mine, hours, range(18, 21)) is None


def test_the_hour_at_which_we_send_is_not_taken_for_a_habit() -> None:
    """A third of what leaves at nine is opened at once, and all that leaves in the evening."""
    mornings = [Chance(at(9, n), at(9, n, 5) if n % 3 == 0 else None) for n in range(60)]
    nights = [Chance(at(20, n * 4), at(20, n * 4, 5)) for n in range(14)]
    seen = tally([*mornings, *nights], NOW)
    assert seen.hours[9] > seen.hours[20]
    hours = of_day(learn(seen, UNIFORM, timing.PERSON), TUESDAY)
    assert hours[20] > hours[9]


def test_old_habits_fade_and_a_holiday_is_lived_like_a_sunday() -> None:
    assert sum(tally([Chance(at(9, 180), at(9, 180))], NOW).opens) < 0.3
    holiday = datetime(2026, 10, 1, 9, tzinfo=SHANGHAI)  # a Thursday
    seen = tally([Chance(holiday, holiday)], NOW)
    assert seen.opens[6 * 24 + 9] > 0
    assert sum(seen.opens[: 5 * 24]) == 0


@settings(max_examples=25)
@given(sizes, sizes, st.floats(1, 100))
def test_shares_are_a_distribution_that_no_evidence_leaves_as_it_was(
    opens: list[float], exposure: list[float], strength: float
) -> None:
    shares = learn(Tally(opens, exposure), UNIFORM, strength)
    assert math.isclose(sum(shares), 1.0)
    assert min(shares) > 0
    same = learn(Tally(), shares, strength)
    assert all(math.isclose(a, b) for a, b in zip(same, shares, strict=True))


def test_a_card_waits_for_a_clearly_better_hour_and_for_nothing_less() -> None:
    evening = of_day(learn(evenings(40, 19), UNIFORM, timing.PERSON), TUESDAY)
    even = [1 / 24] * 24
    assert timing.slot(evening, even, range(9, 20), 9) == 19
    assert timing.slot(even, even, range(9, 20), 9) == 9
    at_noon = [0.01] * 12 + [0.77] + [0.01] * 11
    assert timing.slot(evening, at_noon, range(9, 20), 9) in (12, 19)
    assert timing.slot(evening, even, range(9, 12), 9) == 9
    assert timing.slot(evening, even, [], 9) == 9


def test_in_an_invented_world_shrinking_beats_every_simpler_answer() -> None:
    people = world(150, 7)
    now = datetime(2026, 1, 4, 16, tzinfo=UTC) + timedelta(days=180)
    answers = answer_all(people, Learned(people, now), now)
    loss = {
        name: judge(list(zip(people, found, strict=True)))[0] for name, found in answers.items()
    }
    ours = loss["hierarchy, strength 20"]
    for other in ("uniform", "global", "own histogram", "hierarchy without exposure"):
        assert ours < loss[other], other
