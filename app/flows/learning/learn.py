"""Every night: what all answers so far teach the scorer. Needs numpy (the extra `recommend`).

The last fifth of the answers, by time, is foreseen from what came before. What was learned is used
when it foresees them better than day 0 does; then all answers teach. Questions with few answers
stay at day 0, so a young product follows tags.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime
from typing import Any

from sqlalchemy.orm import Session

from app import content, tagging
from app.flows.fitting.scoring import read_interests
from app.flows.learning.learn_near import said
from app.flows.learning.shown import Example
from app.recommend import DAY_0, Piece, Response, Scorer, heads, reading
from app.recommend.fit.table import table
from app.recommend.proof.figures import calibration
from app.recommend.taught.laplace import spread_of
from app.recommend.taught.learning import Learned, Priors, learn, platt
from app.recommend.taught.wanted import Answers, Contents

LEAST = 60  # answers to a question, and at least a sixth of it of each kind
HELD_OUT, LEAST_HELD_OUT = 0.2, 10
PRIORS = Priors(cross=0.2, tag=0.5, content=0.5)
SMALL = 0.002  # crosses below it are not kept
NUMPY = "需要 numpy：pip install --require-hashes -r requirements-recommend.lock"


@dataclass(frozen=True, slots=True)
class Lesson:
    """All examples as arrays; `own`: the interests in the order of their columns."""

    examples: Sequence[Example]
    own: Sequence[int]
    tags: Sequence[int]
    versions: Sequence[int]
    pieces: Sequence[Piece]
    contents: Contents
    interests: Any
    content: Any
    usual: Mapping[int, float]
    parents: Mapping[int, int]


def enough(found: Sequence[Example]) -> bool:
    """Whether there are answers enough to any question."""
    return any(_enough(found, head) for head in heads.WORTH)


def too_few(found: Sequence[Example]) -> Response:
    """Day 0, and why."""
    return Response(figures={"answers": len(found), "used": "day 0", "why": "few answers"})


def plain(lesson: Lesson) -> Response:
    """Day 0, but that it asks what was opened."""
    return replace(DAY_0, usual=lesson.usual)


def tried_and_taught(lesson: Lesson) -> tuple[Response, Response]:
    """What foresaw the last fifth, without knowing it, and what all answers then teach."""
    import numpy as np

    found = lesson.examples
    early = np.arange(len(found)) < (1 - HELD_OUT) * len(found)
    tried, day_0 = together(lesson, early), plain(lesson)
    better = total(losses(lesson, ~early, tried)) < total(losses(lesson, ~early, day_0))
    used = tried if better else day_0
    figures: dict[str, Any] = {"answers": len(found), "heads": heads_of(lesson, ~early, used)}
    figures["used"] = "learned" if better else "day 0"
    made = together(lesson, np.ones(len(found), dtype=bool))
    made = made if better else replace(DAY_0, spread=made.spread)
    base, sure = calibrated(lesson, ~early, used)
    whole = replace(made, version=1, rows=len(found), base=base, sure=sure, figures=figures)
    return used, whole


def _enough(found: Sequence[Example], head: str) -> bool:
    said = [one.labels[head] for one in found if head in one.labels]
    return len(said) >= LEAST and LEAST / 6 <= sum(said) <= len(said) - LEAST / 6


def lesson(session: Session, found: Sequence[Example], now: datetime) -> Lesson:
    versions = sorted({one.version_id for one in found})
    read = {each.version_id for one in found for each in one.opened}
    by_version = content.topics_of(session, sorted({*versions, *read}))
    parents = {tag.id: tag.parent_id for tag in tagging.tags(session) if tag.parent_id}
    return lesson_of(found, by_version, parents, now)


def lesson_of(
    found: Sequence[Example], by_version: Mapping[int, Mapping[int, float]],
    parents: Mapping[int, int], now: datetime,
) -> Lesson:  # fmt: skip
    """Examples as arrays. `by_version`: tags of each content version that was shown or read."""
    import numpy as np

    versions = sorted({one.version_id for one in found})
    content_of = {one.version_id: one.content_id for one in found}
    pieces = [Piece(v, content_of[v], by_version.get(v, {}), now) for v in versions]
    tags = sorted({tag for mine in by_version.values() for tag in mine}
                  | {tag for one in found for tag in one.held})  # fmt: skip
    own = [*tags, *(-tag for tag in tags), reading.ANYTHING]
    usual = _usual(found, by_version, tags)
    column = {tag: n for n, tag in enumerate(own)}
    interests = np.zeros((len(found), len(own)), dtype=np.float32)
    asks = replace(DAY_0, usual=usual)
    for row, one in enumerate(found):
        for tag, value in {**one.held, **read_interests(one.opened, by_version, asks)}.items():
            interests[row, column[tag]] = value
    place = {version: n for n, version in enumerate(versions)}
    return Lesson(
        found, own, tags, versions, pieces, _contents(pieces, own, tags, parents, now),
        interests, np.array([place[one.version_id] for one in found]), usual, parents,
    )  # fmt: skip


def _usual(
    found: Sequence[Example], by_version: Mapping[int, Mapping[int, float]], tags: Sequence[int]
) -> dict[int, float]:
    """How often each tag is met in an opening, never 0."""
    opened = {(one.one_id, each.version_id) for one in found for each in one.opened}
    count = dict.fromkeys(tags, 0.5)
    for _, version in opened:
        for tag in by_version.get(version, {}):
            count[tag] += 1
    return {tag: number / (len(opened) + 1) for tag, number in count.items()}


def _contents(
    pieces: Sequence[Piece], own: Sequence[int], tags: Sequence[int],
    parents: Mapping[int, int], now: datetime,
) -> Contents:  # fmt: skip
    import numpy as np

    column = {tag: n for n, tag in enumerate(tags)}
    most = max((len(piece.tags) for piece in pieces), default=1) or 1
    places, shares = np.zeros((len(pieces), most), dtype=int), np.zeros((len(pieces), most))
    for row, piece in enumerate(pieces):
        for n, (tag, share) in enumerate(sorted(piece.tags.items())):
            places[row, n], shares[row, n] = column[tag], share
    affinity = table(Scorer(pieces, now, parents), own).rows
    read = np.zeros_like(affinity)
    read[len(tags) : -1] = affinity[: len(tags)]
    return Contents(places, shares, len(tags), affinity, read)


def together(lesson: Lesson, chosen: Any) -> Response:
    """All questions in one sum: each counts by its worth, and those with few answers as day 0."""
    import numpy as np

    kept = {head: one for head in heads.WORTH if (one := _head(lesson, head, chosen)) is not None}
    left = 1 - sum(heads.WORTH[head] for head in kept)

    def mixed(name: str, plain: float = 0.0) -> Any:
        return sum(
            (heads.WORTH[head] * getattr(one, name) for head, one in kept.items()),
            start=np.float64(left * plain),
        )

    number = len(lesson.tags)
    crosses = np.broadcast_to(mixed("crosses"), (len(lesson.own), number))
    tag = np.broadcast_to(mixed("tag"), (number,))
    each = np.broadcast_to(mixed("content"), (len(lesson.pieces),))
    appeal: dict[int, float] = {}
    for piece, value in zip(lesson.pieces, each, strict=True):
        appeal[piece.content_id] = float(value)  # of its newest version
    by_own = zip(lesson.own, crosses, strict=True)
    return Response(
        steep=float(mixed("steep", DAY_0.steep)), reading=float(mixed("reading")),
        base=float(mixed("base")), usual=lesson.usual, content_appeal=appeal,
        crosses={own: _kept(lesson.tags, row) for own, row in by_own},
        tag_appeal=_kept(lesson.tags, tag),
        spread=spread_of(kept, heads.WORTH, PRIORS, lesson.own, lesson.tags,
                         [piece.content_id for piece in lesson.pieces]),
    )  # fmt: skip


def _kept(tags: Sequence[int], row: Any) -> dict[int, float]:
    return {
        tag: round(float(value), 5)
        for tag, value in zip(tags, row, strict=True)
        if abs(value) >= SMALL
    }


def _head(lesson: Lesson, head: str, chosen: Any) -> Learned | None:
    rows, good = rows_of(lesson, head, chosen)
    if not _enough([lesson.examples[n] for n in rows], head):
        return None
    return learn(
        lesson.contents, Answers(lesson.interests, rows, lesson.content[rows], good), PRIORS
    )


def rows_of(lesson: Lesson, head: str, chosen: Any) -> tuple[Any, Any]:
    import numpy as np

    rows = [n for n in np.flatnonzero(chosen).tolist() if head in lesson.examples[n].labels]
    good = [float(lesson.examples[n].labels[head]) for n in rows]
    return np.array(rows, dtype=int), np.array(good)


def scores(lesson: Lesson, response: Response, rows: Any) -> Any:
    """Of these examples, as the scorer gives them; all were new when they were shown."""
    at = lesson.pieces[0].approved_at
    known = table(Scorer(lesson.pieces, at, lesson.parents, response), lesson.own)
    by_content = known.rows.T[lesson.content[rows]]
    found = (lesson.interests[rows] * by_content).sum(1) + known.rest[lesson.content[rows]]
    if response.near:
        found += said(response.near, [lesson.examples[n] for n in rows]) / response.steep
    return found


def losses(lesson: Lesson, held_out: Any, response: Response) -> dict[str, tuple[Any, Any]]:
    """Of each question: the held-out examples that answer it, and the log loss of each."""
    import numpy as np

    found = {}
    for head in heads.WORTH:
        rows, good = rows_of(lesson, head, held_out)
        if len(rows) >= LEAST_HELD_OUT:
            chance = _chances(lesson, response, rows, good)
            found[head] = rows, -np.log(np.where(good > 0, chance, 1 - chance))
    return found


def total(of: Mapping[str, tuple[Any, Any]]) -> float:
    """One log loss of all questions, each by its worth."""
    return sum(heads.WORTH[head] * float(loss.mean()) for head, (_, loss) in of.items())


def heads_of(lesson: Lesson, held_out: Any, response: Response) -> dict[str, Any]:
    """How right the chances of each question are, for people to read."""
    told = {}
    for head, (rows, loss) in losses(lesson, held_out, response).items():
        _, good = rows_of(lesson, head, held_out)
        chance = _chances(lesson, response, rows, good)
        found = calibration(chance, good, _people(lesson, rows))
        told[head] = {"held_out": len(rows), "log_loss": round(float(loss.mean()), 4)} | {
            name: one.as_json() for name, one in found.items()
        }
    return told


def _chances(lesson: Lesson, response: Response, rows: Any, good: Any) -> Any:
    """Of these answers; every second physician's by a scale that only the others have set."""
    import numpy as np

    score, found = scores(lesson, response, rows), np.empty(len(rows))
    half = _people(lesson, rows) % 2 == 0
    for mine in (half, ~half):
        base, steep = platt(score[~mine], good[~mine]) if mine.sum() < len(mine) else (0.0, 1.0)
        found[mine] = 1 / (1 + np.exp(-(base + steep * score[mine])))
    return np.clip(found, 1e-9, 1 - 1e-9)


def _people(lesson: Lesson, rows: Any) -> Any:
    """A number for each physician among these examples."""
    import numpy as np

    return np.unique([lesson.examples[n].one_id for n in rows], return_inverse=True)[1]


def calibrated(lesson: Lesson, held_out: Any, response: Response) -> tuple[float, float]:
    """Base and truth of a score as the chance that it is accepted."""
    rows, good = rows_of(lesson, heads.ACCEPT, held_out)
    if len(rows) < LEAST_HELD_OUT:
        return 0.0, 1.0
    base, steep = platt(scores(lesson, response, rows), good)
    return base, steep / response.steep
