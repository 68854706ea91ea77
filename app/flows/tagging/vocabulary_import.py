"""A vocabulary from an XLSX, CSV or JSON file: all of it checked and looked at, then taken.

What a file does not mention stays: a tag leaves use by its own column, never by missing.
"""

from __future__ import annotations

import io
import json
from collections import Counter
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

from openpyxl import load_workbook

from app.flows.tagging.vocabulary_columns import (
    CATEGORIES,
    CATEGORY_COLUMNS,
    COLUMNS,
    NO,
    TAGS,
    WORD_COLUMNS,
    WORDS,
    WORDS_FOR,
    YES,
    unsafe,
)
from app.infra.errors import Refused
from app.infra.table_file import BROKEN, MAX_BYTES, read_table
from app.tagging.checking import Problem, new_problems
from app.tagging.differences import Change, changes
from app.tagging.document import CategoryDef, Document, TagDef, canonical, from_json, pair
from app.tagging.editing import parsed_names
from app.tagging.naming import bare

MAX_ROWS = 20_000


@dataclass(slots=True)
class Plan:
    """What a file would do: `document` instead of what is, `changes`, and `problems`, for which
    nothing of it is taken; `ignored`: columns that we do not know."""

    document: Document
    changes: list[Change]
    problems: list[Problem] = field(default_factory=list)
    ignored: list[str] = field(default_factory=list)


def plan(now: Document, filename: str, data: bytes) -> Plan:
    """What taking this file would do. Raises Refused when it cannot be read at all."""
    if len(data) > MAX_BYTES:
        raise Refused("文件超过 10 MB，请拆分后再上传。")
    reading = _Reading(now)
    if filename.lower().endswith(".json") or data.lstrip()[:1] in (b"{", b"["):
        reading.json(data)
    elif data.startswith(b"PK\x03\x04"):
        reading.book(filename, data)
    else:
        reading.tags(read_table(filename, data))
    after = canonical(reading.document)
    wrong = reading.problems + ([] if reading.problems else new_problems(now, after))
    return Plan(after, changes(now, after), wrong, reading.ignored)


class _Reading:
    """A file, sheet by sheet, laid over what is there."""

    def __init__(self, now: Document) -> None:
        self.document = now
        self.problems: list[Problem] = []
        self.ignored: list[str] = []
        self.pairs: set[tuple[str, str]] = set()
        self.told: set[str] = set()

    def json(self, data: bytes) -> None:
        try:
            read = from_json(json.loads(data.decode("utf-8-sig")))
        except (KeyError, TypeError, ValueError, AttributeError):
            raise Refused("这个 JSON 不是导出的词表，请重新导出后再改。") from None
        for category in read.categories:
            self.document = self.document.with_category(category)
        for key, times in Counter(tag.key for tag in read.tags).items():
            if times > 1:
                self.problems.append(Problem("key_twice", key, f"编号“{key}”出现了不止一次。"))
        for tag in read.tags:
            self.document = self.document.with_tag(tag)
        words = dict(self.document.forbidden) | dict(read.forbidden)
        told = {tag.key for tag in read.tags}
        kept = {one for one in self.document.opposites if not told & set(one)}
        self.document = replace(
            self.document, forbidden=tuple(words.items()),
            opposites=frozenset(kept | read.opposites),
        )  # fmt: skip

    def book(self, filename: str, data: bytes) -> None:
        list(read_table(filename, data))  # its checks: size, form
        sheets = _sheets(data)
        for name, rows in sheets.items():
            if name == CATEGORIES:
                self.categories(iter(rows))
            elif name == WORDS:
                self.words(iter(rows))
        if TAGS in sheets or not {CATEGORIES, WORDS} & sheets.keys():
            self.tags(iter(sheets.get(TAGS, next(iter(sheets.values()), []))))

    def categories(self, rows: Iterator[Sequence[str]]) -> None:
        for line, row in self._rows(rows, CATEGORY_COLUMNS, ("key", "name")):
            known = self.document.category_by_key.get(row["key"])
            one = known or CategoryDef(row["key"], "", position=len(self.document.categories))
            position = row.get("position", str(one.position))
            self.document = self.document.with_category(CategoryDef(
                row["key"], row["name"], row.get("parent", one.parent),
                self._yes(line, row, "exclusive", one.exclusive),
                int(position) if position.isdecimal() else one.position,
            ))  # fmt: skip

    def words(self, rows: Iterator[Sequence[str]]) -> None:
        words = dict(self.document.forbidden)
        for _, row in self._rows(rows, WORD_COLUMNS, ("word", "reason")):
            words[bare(row["word"])] = row["reason"]
        self.document = replace(self.document, forbidden=tuple(sorted(words.items())))

    def tags(self, rows: Iterator[Sequence[str]]) -> None:
        for line, row in self._rows(rows, COLUMNS, ("key", "name", "category")):
            known = self.document.by_key.get(row["key"])
            self.document = self.document.with_tag(self._tag(line, row, known))
            if "opposites" in row:
                self.told.add(row["key"])
                self.pairs |= {pair(row["key"], other) for other in _list(row["opposites"])}
        kept = {one for one in self.document.opposites if not self.told & set(one)}
        self.document = replace(self.document, opposites=frozenset(kept | self.pairs))

    def _tag(self, line: int, row: Mapping[str, str], known: TagDef | None) -> TagDef:
        one = known or TagDef(row["key"], "", "", "marketing")
        values: dict[str, Any] = {
            name: row[name] for name in ("name", "category", "meaning", "parent", "merged_into")
            if name in row
        }  # fmt: skip
        for name, words in WORDS_FOR.items():
            if row.get(name):
                values[name] = words.get(row[name], row[name])
        if "half_life_days" in row:
            values["half_life_days"] = self._days(line, row["half_life_days"])
        if "may_assert" in row:
            values["may_assert"] = tuple(_list(row["may_assert"]))
        if "names" in row:
            values["names"] = parsed_names(row["names"])
        for name in ("mirrored", "active"):
            values[name] = self._yes(line, row, name, getattr(one, name))
        return replace(one, **values)

    def _rows(
        self,
        rows: Iterator[Sequence[str]],
        columns: Mapping[str, Sequence[str]],
        needed: Sequence[str],
    ) -> Iterator[tuple[int, dict[str, str]]]:
        known = {alias: name for name, aliases in columns.items() for alias in aliases}
        header = [cell.strip().lower() for cell in next(rows, ())]
        names = [known.get(cell, "") for cell in header]
        if lacks := [columns[name][0] for name in needed if name not in names]:
            raise Refused(f"没有找到“{lacks[0]}”列。请先导出词表，在导出的文件里修改。")
        self.ignored += [c for c, name in zip(header, names, strict=True) if c and not name]
        keys: dict[str, int] = {}
        for line, cells in enumerate(rows, start=2):
            if line > MAX_ROWS + 1:
                raise Refused(f"一次最多导入 {MAX_ROWS:,} 行，请拆分后再上传。")
            row = {n: unsafe(c).strip() for n, c in zip(names, cells, strict=False) if n}
            if not any(row.values()):
                continue
            if missing := [columns[name][0] for name in needed if not row.get(name)]:
                self._wrong(line, f"缺少“{missing[0]}”")
                continue
            if (first := keys.setdefault(row[needed[0]], line)) != line:
                self._wrong(line, f"“{row[needed[0]]}”与第 {first} 行重复")
                continue
            yield line, row

    def _days(self, line: int, text: str) -> int | None:
        if text and not (text.isascii() and text.isdecimal() and len(text) < 8):
            self._wrong(line, f"半衰期“{text}”要是整数天，不衰减请留空")
            return None
        return int(text) if text else None

    def _yes(self, line: int, row: Mapping[str, str], name: str, otherwise: bool) -> bool:
        text = row.get(name, "").lower()
        if text and text not in YES + NO:
            self._wrong(line, f"“{text}”要写成“是”或“否”")
        return text in YES if text else otherwise

    def _wrong(self, line: int, text: str) -> None:
        self.problems.append(Problem("row", str(line), f"第 {line} 行：{text}。"))


def _sheets(data: bytes) -> dict[str, list[list[str]]]:
    try:
        book = load_workbook(io.BytesIO(data), read_only=True, data_only=True)
        return {
            sheet.title: [
                ["" if value is None else _number(value) for value in row]
                for row in sheet.iter_rows(values_only=True)
            ]
            for sheet in book.worksheets
        }
    except BROKEN:
        raise Refused("无法打开这个 XLSX 文件，请重新导出后再试。") from None


def _number(value: object) -> str:
    return str(int(value)) if isinstance(value, float) and value.is_integer() else str(value)


def _list(text: str) -> list[str]:
    for mark in "；,，、":
        text = text.replace(mark, ";")
    return [part.strip() for part in text.split(";") if part.strip()]
