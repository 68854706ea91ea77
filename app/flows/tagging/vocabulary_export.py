"""The vocabulary as a file: XLSX, CSV or JSON; what comes back unchanged changes nothing.

XLSX has a sheet each for tags, categories and words of the company; a CSV holds the tags only, and
JSON all.
"""

from __future__ import annotations

import csv
import io
import json
from collections.abc import Iterator
from typing import Any

from openpyxl import Workbook
from openpyxl.styles import Font

from app.flows.tagging.vocabulary_columns import (
    CATEGORIES,
    CATEGORY_COLUMNS,
    COLUMNS,
    TAGS,
    WORD_COLUMNS,
    WORDS,
    heads,
    safe,
    word,
)
from app.tagging.document import Document, canonical, to_json
from app.tagging.editing import written_names

MIMES = {
    "xlsx": "application/vnd.openxmlformats-officedocument.spreadsheetml.sheet",
    "csv": "text/csv", "json": "application/json",
}  # fmt: skip


def export(document: Document, form: str) -> bytes:
    """The whole vocabulary (CSV: its tags) as a file."""
    whole = canonical(document)
    if form == "json":
        return json.dumps(to_json(whole), ensure_ascii=False, indent=1).encode() + b"\n"
    if form == "csv":
        text = io.StringIO(newline="")
        csv.writer(text).writerows([safe(cell) for cell in row] for row in _tag_rows(whole))
        return text.getvalue().encode("utf-8-sig")
    return _workbook(whole)


def _tag_rows(document: Document) -> Iterator[list[str]]:
    yield heads(COLUMNS)
    for tag in document.tags:
        days = "" if tag.half_life_days is None else str(tag.half_life_days)
        yield [
            tag.key, tag.name, tag.category, tag.owner, tag.meaning, tag.parent, days,
            tag.sensitivity, ";".join(tag.may_assert),
            ";".join(sorted(document.opposites_of(tag.key))), written_names(tag.names),
            word(tag.mirrored), word(tag.active), tag.merged_into,
        ]  # fmt: skip


def _workbook(document: Document) -> bytes:
    book = Workbook()
    tags = book.active
    assert tags is not None
    tags.title = TAGS
    categories = [
        [c.key, c.name, c.parent, word(c.exclusive), str(c.position)] for c in document.categories
    ]
    sheets: list[tuple[Any, list[list[str]]]] = [
        (tags, list(_tag_rows(document))),
        (book.create_sheet(CATEGORIES), [heads(CATEGORY_COLUMNS), *categories]),
        (book.create_sheet(WORDS), [heads(WORD_COLUMNS), *map(list, document.forbidden)]),
    ]
    for sheet, rows in sheets:
        for row in rows:
            sheet.append([safe(cell) for cell in row])
        sheet.freeze_panes = "C2"
        for cell in sheet[1]:
            cell.font = Font(bold=True)
            width = max((len(r[cell.column - 1]) for r in rows), default=0)
            sheet.column_dimensions[cell.column_letter].width = min(48, 2 * width + 3)
    data = io.BytesIO()
    book.save(data)
    return data.getvalue()
