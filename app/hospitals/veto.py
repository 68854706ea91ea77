"""Which names can never mean the same institution, however similar they look. Pure.

华西, 华西第二 and 华西第四 are three hospitals; so are a people's hospital and a hospital of
Chinese medicine of one city. Numbers, kinds, places and campuses that contradict each other decide
before any similarity is looked at. A veto is symmetrical, and no name vetoes itself. What nothing
contradicts is not thereby the same: that a person or the table of aliases says.
"""

from __future__ import annotations

import re
from collections.abc import Set as AbstractSet
from dataclasses import dataclass
from enum import StrEnum
from functools import lru_cache

from app.hospitals.kinds import KINDS, STYLES
from app.hospitals.names import read
from app.hospitals.normalise import arabic, plain

# 第3…, 附2…, 3院, 3医院, 3人民医院 … say which one it is; the 3 of 三门县 does not.
_WHICH = re.compile(
    r"(?:第+|附属?)(\d+)|(\d+)(?=医?院|人民|中心|附|分院|门诊|职工|中医|中西医|妇|儿童|口腔|肿瘤|精神)"
)
_NUMBER = re.compile(r"\d+")
_CAMPUS = re.compile(
    r"([^医院校部]{0,8}?)(?:院区|校区|分院|分部)|(?<=院)([东南西北新老])(?:院|区|部)"
)
_MAIN = frozenset({"主", "总", "本"})
_UNIT = re.compile(
    r"([^省市县区旗]{1,6}?)(省|市|县|区|旗|镇(?!江|海|平|安|远|雄|原|康|坪|市)|乡(?!市|宁|城))"
)


class Reason(StrEnum):
    """Why two names are two institutions."""

    NUMBER = "number"
    KIND = "kind"
    PLACE = "place"
    CAMPUS = "campus"


@dataclass(frozen=True, slots=True)
class Marks:
    """What a name says about which institution it is."""

    text: str
    which: tuple[str, ...]
    numbers: frozenset[str]
    kinds: frozenset[str]
    styles: frozenset[str]
    places: frozenset[tuple[str, str]]
    campus: str


def differ(a: str, b: str) -> bool:
    """True when these names must mean different institutions."""
    return reason(a, b) is not None


def reason(a: str, b: str) -> Reason | None:
    """Why two names contradict each other, or None; a name in brackets may stand in for its own."""
    mine, theirs = _names(a), _names(b)
    if {one.text for one in mine} & {other.text for other in theirs}:
        return None
    pairs = [(one, theirs[0]) for one in mine] + [(mine[0], other) for other in theirs[1:]]
    found = [_contradiction(one, other) for one, other in pairs]
    return None if None in found else found[0]


def _contradiction(one: Marks, other: Marks) -> Reason | None:
    if one.which != other.which or _numbers_apart(one, other):
        return Reason.NUMBER
    if one.kinds != other.kinds or _disjoint(one.styles, other.styles):
        return Reason.KIND
    if _elsewhere(one.places, other.places):
        return Reason.PLACE
    if one.campus and other.campus and one.campus != other.campus:
        return Reason.CAMPUS
    return None


@lru_cache(maxsize=100_000)
def _names(text: str) -> tuple[Marks, ...]:
    name = read(text)
    return tuple(marks(one) for one in (name.official, *(also.name for also in name.aliases)))


def marks(name: str) -> Marks:
    """What one name without further names in brackets says."""
    letters = "".join(c for c in plain(name) if c.isalnum())
    text = arabic(letters.replace("四川", "川"))  # 川大华西 leaves out no number
    which = sorted(first or second for first, second in _WHICH.findall(text))
    campus = next(("".join(found.groups("")) for found in _CAMPUS.finditer(text)), "")
    return Marks(
        text=text,
        which=tuple(which),
        numbers=frozenset(_NUMBER.findall(text)),
        kinds=frozenset(kind for kind, pattern in _KINDS if pattern.search(text)),
        styles=frozenset(style for style, pattern in _STYLES if pattern.search(text)),
        places=frozenset((unit, place) for place, unit in _UNIT.findall(_CAMPUS.sub("", text))),
        campus="" if campus in _MAIN else campus,
    )


def _numbers_apart(one: Marks, other: Marks) -> bool:
    """三里镇 and 五里镇 are two places; 四川大学华西医院 only says more than 华西医院."""
    if one.numbers == other.numbers:
        return False
    return not (one.text.endswith(other.text) or other.text.endswith(one.text))


def _disjoint(one: AbstractSet[str], other: AbstractSet[str]) -> bool:
    return bool(one and other and one.isdisjoint(other))


def _elsewhere(one: AbstractSet[tuple[str, str]], other: AbstractSet[tuple[str, str]]) -> bool:
    """Both name a place of one kind, and not the same: 江苏南通市 and 南通市 are."""
    for unit in {unit for unit, _place in one} & {unit for unit, _place in other}:
        mine = [place for kind, place in one if kind == unit]
        theirs = [place for kind, place in other if kind == unit]
        if not any(a.endswith(b) or b.endswith(a) for a in mine for b in theirs):
            return True
    return False


_KINDS = [(kind, re.compile(pattern)) for kind, pattern in KINDS]
_STYLES = [(style, re.compile(pattern)) for style, pattern in STYLES]
