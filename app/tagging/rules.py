"""How strongly a tag holds, from all that was asserted. Pure.

    weight = 1 − Π over sources (1 − reliability · confidence · 2^(−age / half-life))

A noisy-or over sources; of one source only its strongest assertion counts, so repeating oneself
proves nothing. Assertions of the opposite (confidence < 0) weaken the result in the same way.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from app.tagging.models import Source

RELIABILITY: Mapping[str, float] = MappingProxyType(
    {
        Source.CRM: 0.6,
        Source.WECOM_TAG: 0.7,
        Source.CHANNEL: 0.5,
        Source.CONTENT_READ: 0.45,
        Source.MESSAGE: 0.5,
        Source.PERSON: 0.85,
        Source.REP_FEEDBACK: 0.6,
    }
)
DEFAULT_RELIABILITY = 0.4
DAY_S = 86400.0


@dataclass(frozen=True, slots=True)
class Asserted:
    """One assertion as the rules see it."""

    source: str
    confidence: float
    at: datetime


def decay(age_s: float, half_life_days: int | None) -> float:
    """2^(−age / half-life); 1 for tags that do not fade and for times in the future."""
    if half_life_days is None or age_s <= 0:
        return 1.0
    return float(2.0 ** (-age_s / (half_life_days * DAY_S)))


def strength(one: Asserted, half_life_days: int | None, now: datetime) -> float:
    """Signed strength of one assertion, −1 … 1."""
    reliability = RELIABILITY.get(one.source, DEFAULT_RELIABILITY)
    fading = decay((now - one.at).total_seconds(), half_life_days)
    return reliability * max(-1.0, min(1.0, one.confidence)) * fading


def weight(assertions: Iterable[Asserted], half_life_days: int | None, now: datetime) -> float:
    """0 … 1, the effective weight of a tag."""
    best: dict[str, float] = {}
    worst: dict[str, float] = {}
    for one in assertions:
        value = strength(one, half_life_days, now)
        side = best if value >= 0 else worst
        if abs(value) > abs(side.get(one.source, 0.0)):
            side[one.source] = value
    doubt = 1.0
    for value in best.values():
        doubt *= 1.0 - value
    against = 1.0
    for value in worst.values():
        against *= 1.0 + value
    return (1.0 - doubt) * against
