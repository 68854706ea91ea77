"""Comparing the rows of any file: what kind of value each column holds decides how. Pure.

text     names, streets: exact (a rare one counts for more), nearly (Jaro-Winkler), else
date     exact, one digit or two neighbours wrong, same year, else
code     numbers and ids: exact (a rare one counts for more), one character wrong, else
choice   sex, state: the same, else
"""

from __future__ import annotations

import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from enum import StrEnum
from itertools import combinations

from rapidfuzz.distance import DamerauLevenshtein, JaroWinkler

from app.infra.errors import Refused
from app.linkage.compare import MISSING, Levels
from app.linkage.kit import Keys, Kit

CLOSE, NEAR = 0.92, 0.82  # Jaro-Winkler
WORTH = 12  # pairs that a key may cost, for each record
TOGETHER = 60  # and all keys together
LONGEST_BLOCK = 1000
Row = tuple[str, ...]


class Field(StrEnum):
    """What a column holds."""

    TEXT = "text"
    DATE = "date"
    CODE = "code"
    CHOICE = "choice"


LEVELS: Mapping[Field, tuple[str, ...]] = {
    Field.TEXT: ("exact", "close", "near", "else"),
    Field.DATE: ("exact", "one_slip", "same_year", "else"),
    Field.CODE: ("exact", "one_slip", "else"),
    Field.CHOICE: ("exact", "else"),
}
WORDS = {
    Field.DATE: "dob birth date_of_birth birthdate born date 出生日期 生日",
    Field.CODE: "postcode zip postcode_fake phone mobile soc_sec_id ssn id_number street_number"
    " number nhs 邮编 身份证 电话 手机",
    Field.CHOICE: "sex gender state province title 性别 省份",
}
_NOTHING = frozenset({"", "nan", "none", "null", "n/a", "-", "unknown", "未知"})


def guess(column: str) -> Field:
    """By the name of a column; text when it says nothing."""
    name = column.strip().lower()
    return next((kind for kind, words in WORDS.items() if name in words.split()), Field.TEXT)


def normal(field: Field, value: str) -> str:
    """One form of a value; "" for nothing."""
    text = " ".join(unicodedata.normalize("NFKC", value).casefold().split())
    if text in _NOTHING:
        return ""
    if field in (Field.DATE, Field.CODE):
        return re.sub(r"[\W_]", "", text)
    return text


def kit_of(fields: Mapping[str, Field], rows: Sequence[Row]) -> Kit[Row]:
    """How to link rows with these columns, in this order. Raises Refused without any usable."""
    names, kinds = list(fields), list(fields.values())
    chosen = _selective(rows, len(names))
    if not chosen:
        raise Refused("没有一列可以用来找出可能相同的记录：值都为空或几乎都相同。")

    def compare(a: Row, b: Row) -> Levels:
        return tuple(
            level(kind, x, y) if x and y else MISSING
            for kind, x, y in zip(kinds, a, b, strict=True)
        )

    def keys(row: Row) -> Iterable[str]:
        for columns in chosen:
            if all(row[c] for c in columns):
                yield f"{columns}|" + "|".join(row[c] for c in columns)

    return Kit(
        columns={name: LEVELS[kind] for name, kind in fields.items()},
        by_frequency=tuple(n for n, kind in fields.items() if kind in (Field.TEXT, Field.CODE)),
        compare=compare,
        keys=keys,
        teachers=tuple(_teacher(names, columns) for columns in chosen),
        value=lambda row, column: row[names.index(column)],
    )


def level(field: Field, a: str, b: str) -> int:
    """How well two values agree, neither empty."""
    if a == b:
        return 0
    if field is Field.CHOICE:
        return 1
    if field is Field.TEXT:
        alike = JaroWinkler.similarity(a, b)
        return 1 if alike >= CLOSE else 2 if alike >= NEAR else 3
    if DamerauLevenshtein.distance(a, b, score_cutoff=1) <= 1:
        return 1
    if field is Field.DATE:
        return 2 if a[:4] == b[:4] else 3
    return 2


def _teacher(names: Sequence[str], columns: tuple[int, ...]) -> tuple[frozenset[str], Keys[Row]]:
    def keys(row: Row) -> Iterable[str]:
        if all(row[c] for c in columns):
            yield "|".join(row[c] for c in columns)

    return frozenset(names[c] for c in columns), keys


def _selective(rows: Sequence[Row], width: int) -> list[tuple[int, ...]]:
    """Columns, and pairs of them, whose equal values bring together few records."""
    found: list[tuple[int, tuple[int, ...]]] = []
    columns = [*((c,) for c in range(width)), *combinations(range(width), 2)]
    for wanted in columns:
        counted = Counter(key for row in rows if all(key := tuple(row[c] for c in wanted)))
        cost = sum(n * (n - 1) // 2 for n in counted.values() if n <= LONGEST_BLOCK)
        if 0 < cost <= WORTH * len(rows) and not any(
            set(other) < set(wanted) for _, other in found
        ):
            found.append((cost, wanted))
    chosen: list[tuple[int, ...]] = []
    total = 0
    for cost, wanted in sorted(found):
        total += cost
        if total > TOGETHER * len(rows) and chosen:
            break
        chosen.append(wanted)
    return chosen
