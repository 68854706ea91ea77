"""Every night: all answers teach the scorer by tags, then what the same physicians open joins it.

    three fifths of the answers  →  a first scorer by tags
    the fourth fifth             →  how much neighbours are worth beside it, and beside day 0
    the last fifth               →  whether physicians are surely foreseen better with them

Neighbours are learned from what was opened before the answers they are judged by.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app.flows.learning import learn
from app.flows.learning.learn import Lesson
from app.flows.learning.learn_near import (
    LEAST_CONTENTS,
    RIDGES,
    Openings,
    all_openings,
    said,
    with_near,
)
from app.flows.learning.shown import examples
from app.infra.errors import Refused
from app.recommend import DAY_0, Response, heads
from app.recommend.proof import available
from app.recommend.proof.figures import Figure, mean
from app.recommend.taught import neighbours

FIRST, WEIGHED = 0.6, 0.8  # shares of the answers, by time


@dataclass(frozen=True, slots=True)
class _Way:
    """How neighbours join: beside day 0 (`careful`) or beside what was learned of tags."""

    careful: bool
    ridge: float
    times: float


def learn_tonight(session: Session, now: datetime) -> Response:
    """What to go by from now on. Raises Refused without numpy."""
    if not available():
        raise Refused(learn.NUMPY)
    found = examples(session, now)
    if not learn.enough(found):
        return learn.too_few(found)
    lesson = learn.lesson(session, found, now)
    tried, learned = learn.tried_and_taught(lesson)
    return joined(lesson, tried, learned, all_openings(session, now), now)


def joined(
    lesson: Lesson, tried: Response, learned: Response, opened: Openings, now: datetime
) -> Response:
    """With neighbours if they surely help; `figures["near"]` says why or why not.

    `tried`: what foresees the last fifth by tags without knowing it.
    """
    said: dict[str, Any] = {"in": False, "openings": len(opened.user)}
    if (opened.together(now).diagonal() >= neighbours.LEAST_OPENED).sum() < LEAST_CONTENTS:
        return _told(learned, said | {"why": "few openings"})
    way = _best_way(lesson, opened)
    saved, both = _saved(lesson, tried, learned, opened, way)
    said |= {"careful": way.careful, "ridge": way.ridge, "times": round(way.times, 4),
             "log_loss_saved": saved.as_json()}  # fmt: skip
    if not way.times or saved.low <= 0:
        return _told(learned, said | {"why": "no sure gain"})
    late = _rows(lesson, WEIGHED, 1.0)
    base, sure = learn.calibrated(lesson, late, both)
    whole = _beside(lesson, learned, way, _rows(lesson, 0.0, 1.0))
    whole = with_near(
        whole, opened.nearest(now, way.ridge), opened.contents, way.times, lesson.examples
    )
    figures = {**learned.figures, "used": "learned", "heads": learn.heads_of(lesson, late, both)}
    return _told(
        replace(whole, version=1, rows=learned.rows, base=base, sure=sure, figures=figures),
        said | {"in": True, "contents": len(whole.near)},
    )


def _best_way(lesson: Lesson, opened: Openings) -> _Way:
    early, window = _rows(lesson, 0.0, FIRST), _rows(lesson, FIRST, WEIGHED)
    at = int(FIRST * len(lesson.examples))
    by_tags = {False: learn.together(lesson, early), True: learn.plain(lesson)}
    tried: list[tuple[float, _Way]] = []
    for ridge in RIDGES:
        weights = opened.nearest(lesson.examples[at].at, ridge)
        for careful, tags in by_tags.items():
            way = _Way(careful, ridge, _times(lesson, tags, weights, opened, window))
            both = with_near(tags, weights, opened.contents, way.times, lesson.examples[:at])
            tried.append((learn.total(learn.losses(lesson, window, both)), way))
    return min(tried, key=lambda one: one[0])[1]


def _times(lesson: Lesson, tags: Response, weights: Any, opened: Openings, window: Any) -> float:
    """What neighbours are worth in points of score: of each question by its worth."""
    near = neighbours.rows(weights, opened.contents, 1.0, 1e-4)
    found = 0.0
    for head, worth in heads.WORTH.items():
        rows, good = learn.rows_of(lesson, head, window)
        if len(rows) >= learn.LEAST:
            beside = said(near, [lesson.examples[n] for n in rows])
            score = learn.scores(lesson, tags, rows)
            found += worth * neighbours.weigh(score, beside, good)
    return found


def _saved(
    lesson: Lesson, without: Response, learned: Response, opened: Openings, way: _Way
) -> tuple[Figure, Response]:
    """Log loss of the last fifth without neighbours minus with them, by physician."""
    import numpy as np

    known, late = _rows(lesson, 0.0, WEIGHED), _rows(lesson, WEIGHED, 1.0)
    at = int(WEIGHED * len(lesson.examples))
    both = with_near(
        _beside(lesson, replace(without, figures=learned.figures), way, known),
        opened.nearest(lesson.examples[at].at, way.ridge), opened.contents, way.times,
        lesson.examples[:at],
    )  # fmt: skip
    plain, beside = (learn.losses(lesson, late, one) for one in (without, both))
    saved: dict[str, float] = {}
    for head, (rows, loss) in plain.items():
        for n, less in zip(rows, loss - beside[head][1], strict=True):
            one_id = lesson.examples[n].one_id
            saved[one_id] = saved.get(one_id, 0.0) + heads.WORTH[head] * float(less)
    each = np.array(list(saved.values())) if saved else np.zeros(1)
    return mean(each), both


def _beside(lesson: Lesson, learned: Response, way: _Way, rows: Any) -> Response:
    """What neighbours stand beside; `learned` as far as it is that already."""
    if way.careful:
        return replace(
            learned, steep=DAY_0.steep, reading=DAY_0.reading, crosses={}, tag_appeal={},
            content_appeal={}, usual=lesson.usual,
        )  # fmt: skip
    return learned if learned.figures["used"] == "learned" else learn.together(lesson, rows)


def _rows(lesson: Lesson, begin: float, end: float) -> Any:
    import numpy as np

    place = np.arange(number := len(lesson.examples))
    return (place >= int(begin * number)) & (place < (number if end == 1.0 else int(end * number)))


def _told(response: Response, near: Mapping[str, Any]) -> Response:
    return replace(response, figures={**response.figures, "near": dict(near)})
