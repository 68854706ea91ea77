"""Drawing one content out of those that could go into a slot, with chances that are exact. Pure.

    chance(i) = (1 − floor) · share of the draws in which i is best + floor / number of options

A draw is the score under one sample of the posterior; what is stored of it is how far it lies from
the mean, in 255 steps. Chances are computed from the stored form, so whoever reads the log later
gets the same ones, and those of any other policy as well.
"""

from __future__ import annotations

import hashlib
import math
import struct
from collections.abc import Sequence
from dataclasses import dataclass

from app.recommend.policy import explore

STEPS = 127
LEAST_STEP = 1e-30  # less is stored as 0
_HEAD = struct.Struct("<HBf")  # draws, options, size of a step
Deviations = Sequence[Sequence[float]]  # of each draw: one number an option


@dataclass(frozen=True, slots=True)
class Knobs:
    """What of a policy decides which content is drawn."""

    alpha: float = 0.0  # of the posterior's variance
    floor: float = 0.0
    top: int = 10

    @property
    def explores(self) -> bool:
        """Whether anything is left to chance."""
        return self.alpha > 0 or self.floor > 0


def chances(means: Sequence[float], deviations: Deviations, knobs: Knobs) -> list[float]:
    """The chance of each option; best mean first. Options beyond `knobs.top` have none."""
    number = min(knobs.top, len(means))
    spread = math.sqrt(knobs.alpha)
    draws = deviations if spread else ()
    among = means[:number]
    rows = ([mean + spread * z for mean, z in zip(among, one, strict=False)] for one in draws)
    tops = [row.index(max(row)) for row in rows] or [0]  # the first when equal
    return explore.chances(tops, number, knobs.floor) + [0.0] * (len(means) - number)


def unit(key: str) -> float:
    """A number from 0 to 1 that is as good as random, by a hash of `key`."""
    return int.from_bytes(hashlib.sha256(key.encode()).digest()[:7], "big") / 2**56


def pack(deviations: Deviations) -> bytes | None:
    """As it is stored; None where no draw differs from the mean."""
    largest = max((abs(value) for one in deviations for value in one), default=0.0)
    step = largest / STEPS
    if step < LEAST_STEP:
        return None
    body = [round(value / step) for one in deviations for value in one]
    return _HEAD.pack(len(deviations), len(deviations[0]), step) + struct.pack(
        f"<{len(body)}b", *body
    )


def unpack(stored: bytes | None) -> Deviations:
    """What `pack` stored."""
    if not stored:
        return ()
    draws, number, step = _HEAD.unpack_from(stored)
    body = struct.unpack_from(f"<{draws * number}b", stored, _HEAD.size)
    return [[step * v for v in body[n * number : (n + 1) * number]] for n in range(draws)]


def fingerprint(content_ids: Sequence[int]) -> str:
    """Of a set of options, whatever their order."""
    text = ",".join(map(str, sorted(content_ids)))
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def most_of_one(limit: int) -> int:
    """How many of a list of `limit` may be of one content; as the plan has it."""
    return max(1, math.ceil(limit / 2))
