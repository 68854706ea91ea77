"""What the chances of one physician cost: 10 contents, 50 draws, with numpy and without."""

from __future__ import annotations

import random
import time
from datetime import UTC, datetime

from app.recommend import Piece, Response, Scored, explore
from app.recommend.fit.spread import Spread

NOW = datetime(2026, 11, 24, tzinfo=UTC)
TAGS, KNOWN, OWN, OF_CONTENT = 400, 120, 16, 6


def speed(physicians: int = 1000) -> dict[str, float]:
    """Processor microseconds a physician, of one night's draws that have begun."""
    dice = random.Random(1)
    learned = _learned(dice)
    people = [
        (_tags(dice, OWN) | {-t: w for t, w in _tags(dice, OWN).items()}, _fits(dice))
        for _ in range(physicians)
    ]
    found = {}
    for name, arrays in (("numpy", True), ("plain", False)):
        night = explore.draws(learned, seed="speed", arrays=arrays)
        for again in range(2):
            begun = time.process_time()
            for interests, fits in people:
                night.weigh(interests, fits)
            spent = time.process_time() - begun
            if again:
                found[name] = round(spent / physicians * 1e6, 1)
    return found


def _learned(dice: random.Random) -> Response:
    """Answers have narrowed a hundred tags of contents for two hundred own ones."""
    rows = range(-KNOWN, KNOWN)
    return Response(
        crosses={own: {t: dice.gauss(0, 0.1) for t in range(1, KNOWN)} for own in rows},
        spread=Spread(
            crosses={own: {t: dice.uniform(0.01, 0.04) for t in range(1, KNOWN)} for own in rows}
        ),
    )


def _tags(dice: random.Random, number: int) -> dict[int, float]:
    """Some tags are much more usual than others."""
    return {
        min(TAGS, int(dice.paretovariate(0.7))): round(dice.uniform(0.1, 1), 2)
        for _ in range(number)
    }


def _fits(dice: random.Random) -> list[Scored]:
    return [
        Scored(Piece(n, n, _tags(dice, OF_CONTENT), NOW), dice.uniform(0.5, 1))
        for n in dice.sample(range(2000), explore.TOP)
    ]
