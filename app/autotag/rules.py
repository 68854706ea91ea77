"""What a rule says, and for whom it holds. Pure.

    rule = Rule(gives="af", all=(Count(Pick(Act.READ, tagged="af"), 2, 30),), confidence=0.5)
    holds(rule, journey, today, names)  →  {tag id: Given(since, "近 30 天读完 2 篇「房颤」内容")}

All conditions of a rule must hold. A rule gives one tag, or (`each`) every tag of some categories
of which it holds: then `tagged=EACH` means the tag in question. `since` is the day of the newest
deed on which it rests (or the day on which a silence was long enough): the same journey on the
same day gives the same answer, whenever it is asked.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import NamedTuple

from app.autotag import phrases
from app.autotag.deeds import Act, Deed, Journey
from app.autotag.phrases import Say, put

EACH = "*"
SHORT_S, LONG_S = 180, 300  # what counts as short and as long, by the time that reading takes
OF_CONTENT = frozenset((Act.OPENED, Act.READ, Act.SHARED, Act.SENT, Act.UNOPENED))


@dataclass(frozen=True, slots=True)
class Pick:
    """Which deeds: of a kind, only of contents with this tag, of this length, with these words."""

    act: Act
    tagged: str = ""  # key of a tag, EACH, or "" for all
    length: str = ""  # short, long, or "" for all
    words: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Count:
    """So many in the last `days` (None: ever). Of contents each counts once."""

    pick: Pick
    at_least: int
    days: int | None
    at_most: int | None = None


@dataclass(frozen=True, slots=True)
class Recent:
    """The last one is within this many days, today included."""

    pick: Pick
    days: int


@dataclass(frozen=True, slots=True)
class Silent:
    """There was one, and the last is longer ago than this many days."""

    pick: Pick
    days: int


@dataclass(frozen=True, slots=True)
class First:
    """The very first one is within this many days."""

    pick: Pick
    days: int


@dataclass(frozen=True, slots=True)
class Then:
    """One, and within `days` days after it another thing; that within the last `within` days."""

    pick: Pick
    then: Pick
    days: int
    within: int | None = None


Condition = Count | Recent | Silent | First | Then


@dataclass(frozen=True, slots=True)
class Rule:
    """What gives which tag. `each`: categories; `audience`: an expression, "" for everybody."""

    gives: str  # key of a tag; "" with `each`
    all: tuple[Condition, ...]
    each: tuple[str, ...] = ()
    audience: str = ""
    confidence: float = 0.8


class Given(NamedTuple):
    """A tag holds since this day, and why, in figures."""

    since: int
    said: str


class Meaning(NamedTuple):
    """What keys of tags mean: their ids and names; and the tags of a rule's categories."""

    ids: Mapping[str, int]
    names: Mapping[int, str]
    each: frozenset[int] = frozenset()


def picks(rule: Rule) -> Iterator[Pick]:
    """Every kind of deed that it asks for."""
    for condition in rule.all:
        yield condition.pick
        if isinstance(condition, Then):
            yield condition.then


def acts(rule: Rule) -> frozenset[Act]:
    """Kinds of deeds after which it may hold, or hold no more."""
    return frozenset(pick.act for pick in picks(rule))


def needs_words(rule: Rule) -> bool:
    """True when messages have to be read."""
    return any(pick.words for pick in picks(rule))


def holds(rule: Rule, journey: Journey, today: int, meaning: Meaning) -> dict[int, Given]:
    """The tags that it gives for this journey on this day. `journey`: see `deeds.of`."""
    if rule.each:
        spoken = _spoken_of(rule, journey) & meaning.each
        found = ((tag, _all(rule, journey, today, meaning, tag)) for tag in sorted(spoken))
        return {tag: given for tag, given in found if given is not None}
    tag = meaning.ids.get(rule.gives)
    given = _all(rule, journey, today, meaning, tag) if tag is not None else None
    return {tag: given} if tag is not None and given is not None else {}


def _spoken_of(rule: Rule, journey: Journey) -> set[int]:
    found: set[int] = set()
    for pick in picks(rule):
        if pick.tagged == EACH:
            found.update(*(deed.about.tags for deed in journey.get(pick.act, ())))
    return found


def _all(
    rule: Rule, journey: Journey, today: int, meaning: Meaning, each: int | None
) -> Given | None:
    since, said = 0, []
    for condition in rule.all:
        given = _one(condition, journey, today, meaning, each)
        if given is None:
            return None
        since = max(since, given.since)
        said.append(given.said)
    if not since:  # it rests on what never happened: since there is a journey at all
        since = min((deeds[0].day for deeds in journey.values() if deeds), default=today)
    return Given(since, phrases.COMMA.join(said))


def _one(
    condition: Condition, journey: Journey, today: int, meaning: Meaning, each: int | None
) -> Given | None:
    deeds = _picked(condition.pick, journey, meaning, each)
    if isinstance(condition, Count):
        return _count(condition, deeds, today, meaning, each)
    if isinstance(condition, Then):
        return _then(condition, deeds, journey, today, meaning, each)
    what = thing(condition.pick, meaning, each)
    if not deeds:
        return None
    last, first = deeds[-1].day, deeds[0].day
    if isinstance(condition, Recent):
        said = phrases.ago(today - last, what)
        return Given(last, said) if today - last < condition.days else None
    if isinstance(condition, First):
        said = phrases.ago(today - first, put(str, phrases.FIRST, what=what))
        return Given(first, said) if today - first < condition.days else None
    begun = last + condition.days + 1
    said = put(str, phrases.SILENT, days=today - last, what=what)
    return Given(begun, said) if begun <= today else None


def _count(
    condition: Count, deeds: Sequence[Deed], today: int, meaning: Meaning, each: int | None
) -> Given | None:
    first = today - condition.days + 1 if condition.days is not None else 0
    newest: dict[object, int] = {}  # each content once, everything else every time
    for number, deed in enumerate(reversed(deeds)):
        if deed.day < first:
            break
        newest.setdefault(deed.about.content or (number,), deed.day)
    days = list(newest.values())  # newest first
    if len(days) < condition.at_least:
        return None
    if condition.at_most is not None and len(days) > condition.at_most:
        return None
    since = days[0] if days and condition.at_least else 0
    if condition.at_most is not None:
        since = max(since, _few_since(deeds, condition))
    told = thing(condition.pick, meaning, each, number=len(days))
    return Given(since, phrases.window(condition.days, told))


def _few_since(deeds: Sequence[Deed], condition: Count) -> int:
    """The day on which one too many had left the window; 0 when there never was one too many."""
    assert condition.at_most is not None
    if condition.days is None:
        return 0
    newest: dict[object, int] = {}
    for number, deed in enumerate(reversed(deeds)):
        newest.setdefault(deed.about.content or (number,), deed.day)
    days = sorted(newest.values(), reverse=True)
    return days[condition.at_most] + condition.days if len(days) > condition.at_most else 0


def _then(
    condition: Then, deeds: Sequence[Deed], journey: Journey, today: int, meaning: Meaning,
    each: int | None,
) -> Given | None:  # fmt: skip
    for after in reversed(_picked(condition.then, journey, meaning, each)):
        if condition.within is not None and today - after.day >= condition.within:
            return None
        for before in reversed(deeds):
            if before.at < after.at and after.day - before.day <= condition.days:
                first = thing(condition.pick, meaning, each)
                second = thing(condition.then, meaning, each)
                days = after.day - before.day
                said = put(str, phrases.THEN, what=first, days=days, then=second)
                return Given(after.day, said)
    return None


def _picked(pick: Pick, journey: Journey, meaning: Meaning, each: int | None) -> Sequence[Deed]:
    deeds = journey.get(pick.act, ())
    if not (deeds and (pick.tagged or pick.length or pick.words)):
        return deeds
    tag = each if pick.tagged == EACH else meaning.ids.get(pick.tagged) if pick.tagged else None
    if pick.tagged and tag is None:
        return ()
    return [deed for deed in deeds if _fits(deed, pick, tag)]


def _fits(deed: Deed, pick: Pick, tag: int | None) -> bool:
    about = deed.about
    if tag is not None and tag not in about.tags:
        return False
    if pick.length and not (
        0 < about.seconds <= SHORT_S if pick.length == "short" else about.seconds >= LONG_S
    ):
        return False
    return not pick.words or any(word in about.text for word in pick.words)


def thing(
    pick: Pick, meaning: Meaning, each: int | None = None, *,
    number: int | None = None, sign: str = "", say: Say = str,
) -> str:  # fmt: skip
    """读完「房颤」内容, or how often, 读完 3 篇「房颤」内容; `sign`: "≥ " or "≤ "."""
    of_content = pick.act in OF_CONTENT
    times = "" if number is None else phrases.times(number, sign, of_content, say)
    length = put(say, phrases.LENGTHS[pick.length])
    name = _named(pick, meaning, each, say)
    what = phrases.TAGGED if name else phrases.CONTENT
    content = put(say, what, length=length, name=name)
    return put(say, phrases.DOES[pick.act], n=times, content=content, words=_words(pick, say))


def _named(pick: Pick, meaning: Meaning, each: int | None, say: Say) -> str:
    if pick.tagged == EACH:
        return meaning.names.get(each, "") if each else say(phrases.EACH)
    number = meaning.ids.get(pick.tagged, 0)
    return meaning.names.get(number, pick.tagged)


def _words(pick: Pick, say: Say) -> str:
    said = say(phrases.OR).join(pick.words)
    return put(say, phrases.MENTIONING, said=said) if said else ""
