"""How strongly a tag holds, from all that was asserted. Pure.

    weight = 1 − Π over sources (1 − reliability · confidence · 2^(−age / half-life))

The reliability of a source is what was learned of it (`reliability.py`), or what we begin with.

A noisy-or over sources; of one source only its strongest assertion counts, so repeating oneself
proves nothing. Assertions of the opposite (confidence < 0) weaken the result in the same way.
What a physician has deleted on the own page does not fade: no later claim brings it back.
`shares` splits the weight over the assertions that made it, so that they sum to it.
"""

from __future__ import annotations

import math
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from types import MappingProxyType

from app.tagging.models import Source

RELIABILITY: Mapping[str, float] = MappingProxyType(
    {
        Source.CRM: 0.6,
        Source.WECOM_TAG: 0.7,
        Source.WECOM_PERSONAL: 0.6,
        Source.MARKETING: 0.5,
        Source.RULE: 0.6,
        Source.VERDICT: 0.95,
        Source.CHANNEL: 0.5,
        Source.CONTENT_READ: 0.45,
        Source.MESSAGE: 0.5,
        Source.PERSON: 0.85,
        Source.REP_FEEDBACK: 0.6,
        Source.PHYSICIAN: 0.999,  # what is left of any claim is fainter than what is used
    }
)
DEFAULT_RELIABILITY = 0.4
DAY_S = 86400.0
VOCABULARY = "vocabulary"  # the stamp of what versions of the vocabulary change
BACK_OFF = 0.5  # what a tag says about its parent
HYSTERESIS = 0.02  # a reliability that was learned otherwise by less moves nobody's weights


@dataclass(frozen=True, slots=True)
class Asserted:
    """One assertion as the rules see it; `reliability` of its source for its tag, None: as we
    begin with."""

    source: str
    confidence: float
    at: datetime
    reliability: float | None = None

    @property
    def trusted(self) -> float:
        """0 … 1."""
        return prior(self.source) if self.reliability is None else self.reliability


def prior(source: str) -> float:
    """How reliable a source is taken to be before anything was learned of it."""
    return RELIABILITY.get(source, DEFAULT_RELIABILITY)


def moves(applied: float, learned: float) -> bool:
    """Whether what was learned differs enough to change what everybody's weights are made of."""
    return abs(learned - applied) >= HYSTERESIS


def decay(age_s: float, half_life_days: int | None) -> float:
    """2^(−age / half-life); 1 for tags that do not fade and for times in the future."""
    if half_life_days is None or age_s <= 0:
        return 1.0
    return float(2.0 ** (-age_s / (half_life_days * DAY_S)))


def strength(one: Asserted, half_life_days: int | None, now: datetime) -> float:
    """Signed strength of one assertion, −1 … 1."""
    lasts = one.source == Source.PHYSICIAN
    fading = 1.0 if lasts else decay((now - one.at).total_seconds(), half_life_days)
    return one.trusted * max(-1.0, min(1.0, one.confidence)) * fading


def weight(assertions: Iterable[Asserted], half_life_days: int | None, now: datetime) -> float:
    """0 … 1, the effective weight of a tag. Source by source in the order of their names, so that
    arrays give the same to the last bit (`in_arrays.py`)."""
    claims: dict[str, float] = {}
    denials: dict[str, float] = {}
    for one in assertions:
        value = strength(one, half_life_days, now)
        claims[one.source] = max(value, claims.get(one.source, 0.0))
        denials[one.source] = min(value, denials.get(one.source, 0.0))
    told = [claims[source] for source in sorted(claims) if claims[source] > 0]
    claimed = told[0] if len(told) == 1 else 1.0 - math.prod(1.0 - one for one in told)
    return claimed * math.prod(1.0 + denials[source] for source in sorted(denials))


def shares(
    assertions: Sequence[Asserted], half_life_days: int | None, now: datetime
) -> list[float]:
    """What each assertion adds to the weight, in their order; they sum to it.

    Noisy-or multiplies doubts, so a source's share is its part of the logarithm of the doubt.
    What speaks against it takes away in the same way; what counts for nothing gets 0.
    """
    values = [strength(one, half_life_days, now) for one in assertions]
    chosen = _strongest([one.source for one in assertions], values)
    doubt = {i: math.log1p(-values[i]) for i in chosen if values[i] > 0}
    denial = {i: math.log1p(values[i]) for i in chosen if values[i] < 0}
    claimed = -math.expm1(sum(doubt.values()))
    kept = math.exp(sum(denial.values()))
    split = [0.0] * len(values)
    for parts, total in ((doubt, claimed), (denial, claimed * (kept - 1.0))):
        whole = sum(parts.values())
        for i, part in parts.items():
            split[i] = total * part / whole
    return split


def _strongest(sources: Sequence[str], values: Sequence[float]) -> set[int]:
    best: dict[tuple[str, bool], int] = {}
    for i, (source, value) in enumerate(zip(sources, values, strict=True)):
        side = (source, value >= 0)
        if value and (side not in best or abs(value) > abs(values[best[side]])):
            best[side] = i
    return set(best.values())
