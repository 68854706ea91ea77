"""The weights of many physicians as numbers, without the words that `read.weights` brings along.

The numbers are those of `weights`, to the last bit (`tests/tagging/test_values.py`): what is summed
up is summed up in the same order.
"""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.models import Identifier
from app.infra.direct import Direct
from app.infra.many import among
from app.tagging.models import TagAssertion
from app.tagging.read import FAINT, Weight, drop_excluded
from app.tagging.reliability import Reliabilities, trust
from app.tagging.rules import DAY_S, Asserted, strength, weight
from app.tagging.shape import Shape, shape

CHUNK = 1000
Row = tuple[str, int, int, str, float, datetime]  # ONE ID, tag, number, source, confidence, at


def values(session: Session, one_ids: Sequence[str], now: datetime) -> dict[str, dict[int, float]]:
    """{one_id: {tag_id: weight}}; faint ones are left out."""
    found: dict[str, dict[int, float]] = {one_id: {} for one_id in one_ids}
    known, trusted = shape(session), trust(session)
    reliable: dict[tuple[str, int], float] = {}
    for start in range(0, len(one_ids), CHUNK):
        several: dict[tuple[str, int], list[Row]] = {}
        single: dict[tuple[str, int], Row] = {}
        for row in _ROWS.all(session, {"ids": one_ids[start : start + CHUNK]}):
            key = row[:2]
            if key in several:
                several[key].append(row)
            elif key in single or key[1] in known.exclusive:
                several[key] = [single.pop(key), row] if key in single else [row]
            else:
                single[key] = row
        for (one_id, tag), (_, _, _, source, confidence, at) in single.items():
            if tag not in known.half_lives:
                continue
            if (source, tag) not in reliable:
                reliable[source, tag] = trusted.of(source, tag).value
            value = _alone(reliable[source, tag], confidence, at, known.half_lives[tag], now)
            if value >= FAINT:
                found[one_id][tag] = value
        _settle(found, several, known, trusted, now)
    return found


def _alone(
    reliability: float, confidence: float, at: datetime, half_life_days: int | None, now: datetime
) -> float:
    """The weight of a tag that one assertion speaks of, as `rules.weight` works it out."""
    strong = reliability * max(-1.0, min(1.0, confidence))
    if half_life_days is not None:
        age_s = (now - at).total_seconds()
        if age_s > 0:
            strong *= 2.0 ** (-age_s / (half_life_days * DAY_S))
    return max(strong, 0.0)


def _settle(
    found: dict[str, dict[int, float]],
    several: dict[tuple[str, int], list[Row]],
    known: Shape,
    trusted: Reliabilities,
    now: datetime,
) -> None:
    """Tags of several assertions, and those that exclude each other."""
    rivals: dict[str, dict[int, Weight]] = {}
    for (one_id, tag), rows in several.items():
        if tag not in known.half_lives:
            continue
        half_life = known.half_lives[tag]
        said = [
            (number, Asserted(source, confidence, at, trusted.of(source, tag).value))
            for _, _, number, source, confidence, at in rows
        ]
        value = weight([one for _, one in said], half_life, now)
        if value < FAINT:
            continue
        if tag in known.exclusive:
            _, top = max(said, key=lambda one: (strength(one[1], half_life, now), one[0]))
            rivals.setdefault(one_id, {})[tag] = Weight(tag, value, top.source, "", top.at)
        else:
            found[one_id][tag] = value
    for one_id, held in rivals.items():
        drop_excluded(held, known)
        found[one_id].update({tag: one.value for tag, one in held.items()})


def _row(*columns: object) -> Row:
    return columns  # type: ignore[return-value]


_ROWS = Direct(
    select(
        Identifier.one_id, TagAssertion.tag_id, TagAssertion.id, TagAssertion.source,
        TagAssertion.confidence, TagAssertion.at,
    )
    .join(Identifier, Identifier.id == TagAssertion.identifier_id)
    .where(among(Identifier.one_id, "ids"), TagAssertion.superseded_at.is_(None))
    .order_by(TagAssertion.id),
    _row,
    large=True,
)  # fmt: skip
