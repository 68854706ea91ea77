"""What a row can hold: numbers of 64 bits, text without NUL characters."""

from __future__ import annotations

from collections.abc import Iterable
from typing import Any

from flask import Flask, abort, request
from werkzeug.routing import IntegerConverter, Map

LARGEST = 2**63 - 1
FORMS = ("console.", "rep.", "physician.")  # whose bodies are forms that people fill


class RowNumber(IntegerConverter):
    """`<int:…>` in an address; a number that no row can have is not found."""

    def __init__(self, map: Map, *args: Any, **options: Any) -> None:
        super().__init__(map, *args, **{"max": LARGEST, **options})


def init_app(app: Flask) -> None:
    """Install both, before any route is added."""
    app.url_map.converters["int"] = RowNumber
    app.before_request(_refuse_nul)


def row_number(text: str) -> int:
    """The number that a form sent; 0, which no row has, for anything else."""
    usable = text.isascii() and text.isdecimal() and len(text) < len(str(LARGEST))
    return int(text) if usable else 0


def asked_row(name: str) -> int | None:
    """The row that the address asks for; None when it names none that there can be."""
    return row_number(request.args.get(name, "")) or None


def asked_rows(name: str) -> list[int]:
    """The same of a part of the address that may stand there several times."""
    return [number for text in request.args.getlist(name) if (number := row_number(text))]


def holds_nul(data: Any) -> bool:
    """True when a text anywhere in this JSON value has a NUL character."""
    if isinstance(data, str):
        return "\x00" in data
    if isinstance(data, dict):
        return any(map(holds_nul, data)) or any(map(holds_nul, data.values()))
    return isinstance(data, list) and any(map(holds_nul, data))


def _refuse_nul() -> None:
    if "\x00" in request.path:
        abort(404)
    texts: Iterable[str] = request.args.values()
    if (request.endpoint or "").startswith(FORMS):
        texts = [*texts, *(text for _, text in request.form.items(multi=True))]
    if any("\x00" in text for text in texts):
        abort(400)
