"""What the makers of the invented company share."""

from __future__ import annotations

import random
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

from app.content import ContentVersion
from app.sample.library import SampleContent
from app.sample.people import SamplePhysician, SampleRep

DAYS = 60  # of history
CODES = (
    ("wecom", "hall-af", "房颤专场展台", ("af", "b-conference")),
    ("wecom", "hall-lung", "肺癌专场展台", ("nsclc", "b-conference")),
    ("oa", "poster-bp", "高血压海报", ("hypertension",)),
    ("oa", "poster-lung", "肺癌海报", ("nsclc",)),
)
Progress = Callable[[str], None]
Versions = list[tuple[SampleContent, ContentVersion]]


@dataclass(frozen=True, slots=True)
class Company:
    """What the loader made and needs along the way."""

    rng: random.Random
    now: datetime
    team: tuple[SampleRep, ...]
    people: tuple[SamplePhysician, ...]
