"""What was opened speaks for contents that the same physicians open. Pure.

    part of an opened content = 1 / √openings · how much it says for this one (`Response.near`)

An opened content is an own key of the scorer like a tag, so its part is in the sum, can be named,
and goes when it goes. A content that hardly anybody has opened yet has no neighbours: tags alone
speak for it.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from app.recommend.fit.forms import Form

OPENED = 1 << 30  # own keys above it are opened contents; ids stay below, and keys fit in 32 bits


def key(content_id: int) -> int:
    """The own key of an opened content."""
    return OPENED + content_id


def content_of(own: int) -> int | None:
    """The content of an own key; None for a tag's."""
    return own - OPENED if own >= OPENED else None


def stored_name(own: int) -> str:
    """How a suggestion keeps the part of an own key: a tag's id, or `read:` and a content's."""
    content_id = content_of(own)
    return str(own) if content_id is None else f"read:{content_id}"


def weights(contents: Iterable[int]) -> dict[int, float]:
    """Interests of a physician in what was opened, by own key; each counts alike."""
    each = set(contents)
    return {key(content_id): len(each) ** -0.5 for content_id in sorted(each)}


def leading(parts: Mapping[int, float]) -> int | None:
    """The opened content whose part is the largest of all; None when a tag's is, or none is."""
    if not parts:
        return None
    own = max(parts, key=lambda one: (parts[one], -one))
    return content_of(own) if parts[own] > 0 else None


def sentence(parts: Mapping[int, float], titles: Mapping[int, str], longest: int) -> str:
    """The reason, when an opened content says most and `titles` may name it; or ""."""
    opened = leading(parts)
    if opened is None or opened not in titles:
        return ""
    title, room = titles[opened], longest - len(Form.NEAR.say(title=""))
    return Form.NEAR.say(title=title if len(title) <= room else title[: room - 1] + "…")
