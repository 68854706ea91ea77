"""How well two physicians agree, column by column. Pure.

Each column has levels, the best agreement first; a pair is a tuple of their numbers, `MISSING`
where one of the two is not known. The same levels are written in SQL in `splink_settings`.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType

from app.linkage.features import Features

MISSING = -1
SHORT_NAME, LONG_NAME = (
    3,
    12,
)  # one other character is another name in 张伟 and 张敏, a slip in 张晓伟
SHORT_KEY = 4  # of a hospital: 华西医院 is contained in 四川大学华西医院
COLUMNS: Mapping[str, tuple[str, ...]] = MappingProxyType(
    {
        "name": ("exact", "pinyin", "one_character", "surname", "else"),
        "hospital": ("same", "contained", "same_city", "else", "apart"),
        "department": ("same", "else"),
        "title": ("same", "next", "else"),
        "phone": ("same", "last_4", "first_7", "else"),
        "city": ("same", "else"),
    }
)
Levels = tuple[int, ...]


def compare(a: Features, b: Features) -> Levels:
    """The level of each column, in the order of `COLUMNS`."""
    hospital = _hospital(a, b)
    return (
        _name(a, b),
        hospital,
        _equal(a.department, b.department),
        _title(a.title, b.title),
        _phone(a, b),
        _equal(a.city, b.city) if hospital == MISSING else MISSING,  # else it is said already
    )


def _name(a: Features, b: Features) -> int:
    if not a.name or not b.name:
        return MISSING
    if a.name == b.name:
        return 0
    if a.pinyin == b.pinyin:
        return 1
    if a.surname != b.surname or not a.surname:
        return 4
    if len(a.name) == len(b.name) and SHORT_NAME <= len(a.name) <= LONG_NAME:
        differing = sum(x != y for x, y in zip(a.name, b.name, strict=True))
        if differing == 1:
            return 2
    return 3


def _hospital(a: Features, b: Features) -> int:
    if not a.hospital or not b.hospital:
        return MISSING
    if a.institution and a.institution == b.institution:
        return 0
    same_city = a.city == b.city
    if a.kinds != b.kinds or (a.city and b.city and not same_city):
        return 4
    short, long = sorted((a.hospital, b.hospital), key=len)
    if long.endswith(short) and len(short) >= SHORT_KEY:
        return 1
    return 2 if same_city and a.city else 3


def _title(a: int | None, b: int | None) -> int:
    if a is None or b is None:
        return MISSING
    return min(abs(a - b), 2)


def _phone(a: Features, b: Features) -> int:
    if not a.phones or not b.phones:
        return MISSING
    for level, (mine, theirs) in enumerate(
        ((a.phones, b.phones), (a.tails, b.tails), (a.heads, b.heads))
    ):
        if not mine.isdisjoint(theirs):
            return level
    return 3


def _equal(a: str, b: str) -> int:
    if not a or not b:
        return MISSING
    return 0 if a == b else 1
