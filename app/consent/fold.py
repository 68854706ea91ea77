"""Reading the ledger: what a person allows on one channel. Pure.

Per identifier and channel the newest entry counts, and an entry for all channels settles what was
said about single ones before. A permission for one channel (somebody follows again, or adds
another rep) does not lift a refusal of all channels: only the person's own word for all does.
Over the identifiers of one person the stricter answer wins, so a merge never turns a refusal into
a permission.
"""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

ANY = "any"


@dataclass(frozen=True, slots=True)
class Said:
    """One line of the ledger."""

    identifier_id: int
    channel: str
    granted: bool


def fold(said: Iterable[Said], channel: str) -> tuple[bool | None, bool]:
    """(permitted, opted out) from lines in order of time; permitted is None when never asked."""
    newest: dict[int, dict[str, bool]] = {}
    for line in said:
        mine = newest.setdefault(line.identifier_id, {})
        if line.channel == ANY:
            mine.clear()
        mine[line.channel] = line.granted
    answers = [
        granted
        for mine in newest.values()
        for about, granted in mine.items()
        if about in (channel, ANY)
    ]
    if not answers:
        return None, False
    return all(answers), not all(answers)
