"""What physicians' answers have taught about the scorer, and what it knows on day 0. Pure.

    learned(physician, content) = steep · affinity + reading · affinity of what was read
                                + Σ own tag: interest · Σ content tag: cross · share
                                + Σ content tag: appeal · share + appeal(content)
                                + Σ opened content: near / √openings

Everything that speaks for a content is a sum over the physician's own tags and what was opened, so
a reason is the sum itself. `score` is `learned / steep`: on day 0, when nothing but the slope is
known, it is tag affinity, and what was built on the size of a score stays true.
"""

from __future__ import annotations

import json
import math
import zlib
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any

from app.infra.errors import Refused
from app.recommend.fit import spread
from app.recommend.fit.reading import WORTH
from app.recommend.fit.spread import PRIOR, Spread

STEEP = 1.0  # the logit of an answer grows by this for each point of affinity, before any answer
LEAST_STEEP = 0.05  # a fit always speaks for a content, whatever a few answers say
Cross = Mapping[int, Mapping[int, float]]  # one → other → how much


@dataclass(frozen=True, slots=True)
class Response:
    """Learned numbers by ids of tags and contents, in logits; the default is day 0."""

    version: int = 0
    rows: int = 0  # answers it was trained on
    steep: float = STEEP
    reading: float = 0.0  # as `steep`, for what was read beyond what tags say of it
    base: float = 0.0  # logit of an answer when nothing speaks for or against
    sure: float = 1.0  # held-out answers: how much of a logit is true
    worth: float = WORTH  # of reading.interest
    usual: Mapping[int, float] = field(default_factory=dict)  # tag → share of openings with it
    crosses: Cross = field(default_factory=dict)  # own tag → content's tag
    tag_appeal: Mapping[int, float] = field(default_factory=dict)
    content_appeal: Mapping[int, float] = field(default_factory=dict)
    near: Cross = field(default_factory=dict)  # opened content → content
    figures: Mapping[str, Any] = field(default_factory=dict)  # of the held-out days
    spread: Spread = PRIOR  # how unsure all of it is

    @property
    def reads(self) -> bool:
        """Whether it asks what a physician has opened."""
        return bool(self.usual)

    def chance(self, score: float) -> float:
        """The probability of an answer for a score, 0 to 1."""
        logit = self.base + self.sure * self.steep * score
        if logit >= 0:
            return 1 / (1 + math.exp(-logit))
        return math.exp(logit) / (1 + math.exp(logit))


DAY_0 = Response()


def dumps(response: Response) -> bytes:
    """Compressed JSON."""
    return zlib.compress(json.dumps(asdict(response), separators=(",", ":")).encode())


def loads(body: bytes) -> Response:
    """What `dumps` wrote. Raises Refused when it is anything else."""
    try:
        data = json.loads(zlib.decompress(body))
        data["crosses"] = {int(own): _by_id(others) for own, others in data["crosses"].items()}
        for name in ("tag_appeal", "content_appeal", "usual"):
            data[name] = _by_id(data[name])
        data["spread"] = spread.from_json(data.get("spread"))  # nights before it was kept: none
        data["near"] = {int(one): _by_id(others) for one, others in data.get("near", {}).items()}
        return Response(**{one.name: data[one.name] for one in fields(Response)})
    except (zlib.error, ValueError, TypeError, KeyError, AttributeError) as problem:
        raise Refused("无法读取已保存的推荐模型。请运行 yishu recommend learn。") from problem


def _by_id(values: Mapping[str, float]) -> dict[int, float]:
    return {int(key): float(value) for key, value in values.items()}
