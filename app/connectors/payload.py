"""Inner bodies, read once into a plain tree. Pure.

XML children that share a name become a list, always reached through `many`; JSON bodies read the
same way. Documents with a DTD are refused: no platform sends one.
"""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any

from lxml import etree

MAX_DEPTH = 20
_NUMBER = re.compile(r"-?\d{1,18}", re.ASCII)
_parser = etree.XMLParser(
    resolve_entities=False,
    no_network=True,
    load_dtd=False,
    huge_tree=False,
    remove_comments=True,
    remove_pis=True,
)


class Unreadable(ValueError):
    """The body is neither the XML nor the JSON that the platforms send."""


@dataclass(frozen=True, slots=True)
class Payload:
    """One level of a body. Names are compared without regard to case."""

    fields: Mapping[str, list[Any]]

    def text(self, *names: str) -> str:
        """The first non-empty text under any of `names`, or ""."""
        for name in names:
            for value in self.fields.get(name.lower(), ()):
                if isinstance(value, str) and value:
                    return value
        return ""

    def number(self, *names: str) -> int | None:
        """The whole number under `names`, or None."""
        text = self.text(*names)
        return int(text) if _NUMBER.fullmatch(text) else None

    def inside(self, *names: str) -> Payload:
        """The first nested level under any of `names`; an empty one when there is none."""
        found = self.many(*names)
        return found[0] if found else Payload({})

    def many(self, *names: str) -> list[Payload]:
        """All nested levels under `names`, in order."""
        return [v for n in names for v in self.fields.get(n.lower(), ()) if isinstance(v, Payload)]

    def texts(self, *names: str) -> tuple[str, ...]:
        """All texts under `names`, in order."""
        return tuple(
            v for n in names for v in self.fields.get(n.lower(), ()) if isinstance(v, str) and v
        )

    def moment(self) -> datetime | None:
        """`CreateTime` (or a third-party `TimeStamp`), whole seconds, in UTC."""
        seconds = self.number("CreateTime", "TimeStamp")
        try:
            return None if seconds is None else datetime.fromtimestamp(seconds, UTC)
        except (ValueError, OverflowError, OSError):  # no platform writes the year 50000
            return None


def read(body: bytes) -> Payload:
    """The tree of a decrypted body. Raises Unreadable."""
    text = body.removeprefix(b"\xef\xbb\xbf").strip()
    if text.startswith(b"{"):
        return _read_json(text)
    if b"<!DOCTYPE" in text or b"<!ENTITY" in text:
        raise Unreadable("document type")
    try:
        root = etree.fromstring(text, _parser)
    except (etree.XMLSyntaxError, ValueError):
        raise Unreadable("not well-formed") from None
    if root.getroottree().docinfo.internalDTD is not None:  # written in another encoding
        raise Unreadable("document type")
    level = _from_element(root, 0)
    if not isinstance(level, Payload):
        raise Unreadable("empty")
    return level


def _from_element(element: Any, depth: int) -> Payload | str:
    if depth > MAX_DEPTH:
        raise Unreadable("too deep")
    if len(element) == 0:
        return (element.text or "").strip()
    fields: dict[str, list[Any]] = {}
    for child in element:
        if isinstance(child.tag, str):
            fields.setdefault(child.tag.lower(), []).append(_from_element(child, depth + 1))
    return Payload(fields)


def _read_json(text: bytes) -> Payload:
    try:
        value = json.loads(text)
    except (ValueError, RecursionError):
        raise Unreadable("not JSON") from None
    level = _from_json(value, 0)
    if not isinstance(level, Payload):
        raise Unreadable("not an object")
    return level


def _from_json(value: Any, depth: int) -> Any:
    if depth > MAX_DEPTH:
        raise Unreadable("too deep")
    if isinstance(value, dict):
        return Payload({_storable(n).lower(): _items(v, depth + 1) for n, v in value.items()})
    if isinstance(value, list):
        raise Unreadable("a list inside a list")
    return "" if value is None else _storable(str(value))


def _items(value: Any, depth: int) -> list[Any]:
    return [_from_json(item, depth) for item in (value if isinstance(value, list) else [value])]


def _storable(text: str) -> str:
    # JSON can spell halves of characters and the zero byte; no database takes them.
    return text.encode(errors="replace").decode().replace("\0", "")
