"""A journey as rules see it: what a physician did, when, and what it was about. Pure.

    journey = of(steps, today)      steps: (kind of touchpoint, moment, what it was about)
    journey[Act.OPENED]             deeds, oldest first

Days are those in China, as numbers: a window of 30 days is today and the 29 before it.
"""

from __future__ import annotations

from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from enum import StrEnum
from typing import NamedTuple

from app.infra.clock import SHANGHAI
from app.journey.models import Happened

UNOPENED_AFTER = 7  # days that somebody has to open what was sent
SPREAD = 3  # openings of one personal link in one day


class Act(StrEnum):
    """What rules can ask for."""

    OPENED = "opened"
    READ = "read"
    SHARED = "shared"  # a sign of it: a personal link is opened again and again on one day
    MESSAGE = "message"
    MENU = "menu"
    SCAN = "scan"
    FOLLOWED = "followed"
    ADDED = "added"
    SENT = "sent"
    UNOPENED = "unopened"  # sent a week ago or earlier, and never opened
    ANY = "any"  # any sign of life


class About(NamedTuple):
    """What a deed was about: a content with its tags and length, or words. `content` 0: none."""

    content: int = 0
    tags: frozenset[int] = frozenset()
    seconds: int = 0
    text: str = ""


class Deed(NamedTuple):
    """One thing, at this moment, on this day (a number that grows by one a day)."""

    at: datetime
    day: int
    about: About


NOTHING = About()
Step = tuple[str, datetime, About]
Journey = Mapping[Act, Sequence[Deed]]

ACTS: Mapping[str, Act] = {
    Happened.CONTENT_OPENED: Act.OPENED, Happened.CONTENT_READ: Act.READ,
    Happened.MESSAGE_RECEIVED: Act.MESSAGE, Happened.MENU_USED: Act.MENU,
    Happened.CODE_SCANNED: Act.SCAN, Happened.FOLLOWED: Act.FOLLOWED,
    Happened.CONTACT_ADDED: Act.ADDED, Happened.CONTENT_SENT: Act.SENT,
}  # fmt: skip
SIGNS = frozenset((Act.OPENED, Act.READ, Act.MESSAGE, Act.MENU, Act.SCAN, Act.FOLLOWED, Act.ADDED))
TOUCHES: Mapping[str, frozenset[Act]] = {
    kind: frozenset({act})
    | ({Act.ANY} if act in SIGNS else set())
    | ({Act.SHARED, Act.UNOPENED} if act is Act.OPENED else set())
    | ({Act.UNOPENED} if act is Act.SENT else set())
    for kind, act in ACTS.items()
}
"""What may be otherwise after a touchpoint of this kind."""


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a content version: its content, tags, and how long reading takes."""

    content: int
    tags: frozenset[int]
    seconds: int


def day_of(at: datetime) -> int:
    """The number of the day in China."""
    return at.astimezone(SHANGHAI).toordinal()


def begin_of(day: int) -> datetime:
    """The moment at which a day begins in China."""
    at = date.fromordinal(day)
    return datetime(at.year, at.month, at.day, tzinfo=SHANGHAI)


def of(steps: Iterable[Step], today: int) -> dict[Act, list[Deed]]:
    """The journey up to this day, its end included; whatever has not happened is left out."""
    found: dict[Act, list[Deed]] = defaultdict(list)
    for kind, at, about in steps:
        act = ACTS.get(kind)
        if act is not None and (day := day_of(at)) <= today:
            found[act].append(Deed(at, day, about))
    for deeds in found.values():
        deeds.sort(key=_moment)
    signs = [deed for act in SIGNS for deed in found.get(act, ())]
    if signs:
        found[Act.ANY] = sorted(signs, key=_moment)
    if found.get(Act.OPENED):
        found[Act.SHARED] = _spread(found[Act.OPENED])
    if found.get(Act.SENT):
        found[Act.UNOPENED] = _unopened(found[Act.SENT], found.get(Act.OPENED, []), today)
    return found


def _spread(opened: Sequence[Deed]) -> list[Deed]:
    """The opening with which a content was opened so often on one day."""
    times: dict[tuple[int, int], int] = defaultdict(int)
    found = []
    for deed in opened:
        key = (deed.about.content, deed.day)
        times[key] += 1
        if deed.about.content and times[key] == SPREAD:
            found.append(deed)
    return found


def _unopened(sent: Sequence[Deed], opened: Sequence[Deed], today: int) -> list[Deed]:
    """What was sent and not opened since; it counts on the day on which the time was over."""
    last = {deed.about.content: deed.at for deed in opened}  # the newest opening of each
    missed = (
        deed
        for deed in sent
        if deed.about.content and deed.day + UNOPENED_AFTER <= today
        and (deed.about.content not in last or last[deed.about.content] < deed.at)
    )  # fmt: skip
    wait = timedelta(days=UNOPENED_AFTER)
    return [Deed(deed.at + wait, deed.day + UNOPENED_AFTER, deed.about) for deed in missed]


def _moment(deed: Deed) -> datetime:
    return deed.at
