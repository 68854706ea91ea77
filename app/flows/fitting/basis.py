"""What every score of a day goes by, whoever the physician: kept in the process while it holds.

Scores are those of the last midnight in China: tags do not fade and contents do not grow older
during the day, so what was worked out at night is what would be worked out now. Whatever is said,
opened, approved or withdrawn during the day counts at once.
"""

from __future__ import annotations

import hashlib
import json
import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import date, datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import content, recommend, tagging
from app.content import Shelved
from app.infra.clock import local, midnight
from app.recommend import FastScorer, Piece, Response, Scorer
from app.recommend.fit import response
from app.recommend.fit.fit_rows import Shelf
from app.segments.models import SegmentState
from app.tagging import Shape

FORM = "2"  # another one whenever the same facts give other rows
KEPT = 4  # tests and tools may have several databases in one process


@dataclass(frozen=True, slots=True)
class Basis:
    """`digest` names it; `followed`: which generation of audiences follows changes, "" when none
    does, and then nobody can say that a row is still true."""

    digest: str
    day: date
    moment: datetime
    shelf: Shelf
    scorer: Scorer | FastScorer
    response: Response
    followed: str

    @property
    def pieces(self) -> list[Piece]:
        """The library, by content."""
        return self.shelf.scorer.library


def basis(session: Session, now: datetime) -> Basis:
    """The one of now."""
    stocked, shape = content.shelf(session, now), tagging.shape(session)
    merged = tagging.merged(session)
    learned, day = recommend.current(session), local(now).date()
    followed = session.scalar(select(SegmentState.generation).where(SegmentState.id == 1)) or ""
    built = followed if SegmentState(generation=followed).is_built else ""
    digest = _named(day, stocked, shape, merged, learned)
    with _lock:
        known = _known.get(digest)
    if known is None:
        known = _made(digest, now, stocked, shape, learned)
        with _lock:
            _known[digest] = known
            for old in list(_known)[:-KEPT]:
                del _known[old]
    return known if known.followed == built else replace(known, followed=built)


def _made(
    digest: str, now: datetime, stocked: Sequence[Shelved], shape: Shape, learned: Response
) -> Basis:
    moment, parents = midnight(now), dict(sorted(shape.parents.items()))
    pieces = [Piece(one.version_id, one.content_id, one.tags, one.approved_at) for one in stocked]
    plain = Scorer(pieces, moment, parents, learned)
    fast = recommend.scorer(pieces, moment, parents, learned)
    return Basis(digest, local(now).date(), moment, Shelf(plain), fast, learned, "")


def _named(
    day: date, stocked: Sequence[Shelved], shape: Shape, merged: Mapping[int, int],
    learned: Response,
) -> str:  # fmt: skip
    """The digest; as long as everything is what it was, without working it out."""
    global _last
    known = _last
    if known is None or not (
        known[1] is stocked and known[3] is merged and known[4] is learned
        and known[0] == day and known[2] == shape
    ):  # fmt: skip
        digest = _digest(day, stocked, shape, merged, learned)
        _last = known = day, stocked, shape, merged, learned, digest
    return known[5]


def _digest(
    day: date, stocked: Sequence[Shelved], shape: Shape, merged: Mapping[int, int],
    learned: Response,
) -> str:  # fmt: skip
    told: list[Any] = [
        FORM, day.isoformat(),
        [[one.version_id, one.content_id, one.approved_at.timestamp(), *sorted(one.tags.items())]
         for one in stocked],
        sorted(shape.parents.items()), sorted(shape.half_lives.items()),
        sorted(shape.exclusive.items()), sorted(merged.items()),
    ]  # fmt: skip
    text = json.dumps(told, separators=(",", ":")).encode()
    return hashlib.sha256(text + response.dumps(learned)).hexdigest()


_lock = threading.Lock()
_known: dict[str, Basis] = {}
_last: tuple[date, Sequence[Shelved], Shape, Mapping[int, int], Response, str] | None = None
