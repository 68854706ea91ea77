"""What differs between two texts, character by character, to be highlighted. Pure."""

from __future__ import annotations

from difflib import SequenceMatcher
from typing import NamedTuple


class Piece(NamedTuple):
    """A stretch of a text; `differs` from the other one."""

    text: str
    differs: bool


def differences(a: str, b: str) -> tuple[list[Piece], list[Piece]]:
    """Both texts in pieces. Nothing differs from nothing: where one is empty, none is marked."""
    if not a or not b:
        return [Piece(a, False)] * bool(a), [Piece(b, False)] * bool(b)
    ours, theirs = [], []
    for tag, a_from, a_to, b_from, b_to in SequenceMatcher(
        None, a, b, autojunk=False
    ).get_opcodes():
        ours.append(Piece(a[a_from:a_to], tag != "equal"))
        theirs.append(Piece(b[b_from:b_to], tag != "equal"))
    return [one for one in ours if one.text], [one for one in theirs if one.text]
