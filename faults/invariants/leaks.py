"""I8: no personal data and no secret in logs and files."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from faults import company
from faults.invariants.findings import Findings, Witnesses

PIECE = 1 << 20


def check(found: Findings, seen: Witnesses) -> dict[str, Any]:
    """Look through everything that was written to a disk."""
    wanted = [text.encode() for text in company.secrets_to_look_for()]
    wanted.append(company.MARK.encode("unicode_escape"))
    for kind, paths in (("a log", seen.logs), ("a file", seen.files)):
        for path in paths:
            for needle in _held(path, wanted):
                found.note("I8", f"{kind} holds personal data or a secret",
                           f"{path}: {needle.decode()}")  # fmt: skip
    return {}


def _held(path: Path, wanted: list[bytes]) -> set[bytes]:
    found: set[bytes] = set()
    try:
        with path.open("rb") as file:
            before = b""
            while piece := file.read(PIECE):
                text = before + piece
                found |= {one for one in wanted if one in text and _stands_alone(one, text)}
                before = piece[-100:]
    except OSError:
        return set()
    return found


def _stands_alone(needle: bytes, text: bytes) -> bool:
    """False when digits are only a piece of a longer number."""
    if not needle.isdigit():
        return True
    return re.search(rb"(?<![\d.])" + needle + rb"(?!\d)", text) is not None
