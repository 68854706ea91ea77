"""How one rep's side of a contact looked when we read it, in 32 bytes. Pure.

The batch call shows a hundred sides at once, so comparing marks finds what changed without
reading a contact. Three parts, because WeCom calls us back for the first two only:

    edited    what the rep wrote: remark, description, phones
    tagged    ids of the corp's tags (they also vanish, without a word, when a tag is deleted)
    around    what changes elsewhere: names of these tags, the contact's own name, unionid

The channel's `state` is left out: a rep cannot change it, and the batch call may not show it.
"""

from __future__ import annotations

import json
from collections.abc import Collection, Mapping
from enum import StrEnum

from app.connectors.wecom.types import CorpTag, Customer, Follower
from app.infra import crypto

CORP_TAG, PERSONAL_TAG = 1, 2  # the batch call shows no personal ones, and of others only ids


class Part(StrEnum):
    """A part of a side that can differ."""

    EDITED = "edited"
    TAGGED = "tagged"
    AROUND = "around"


WIDTHS = {Part.EDITED: 11, Part.TAGGED: 11, Part.AROUND: 10}  # bytes


def mark_of(
    customer: Customer,
    side: Follower,
    tag_names: Mapping[str, str] | None = None,
    *,
    without: Collection[str] = (),
) -> bytes:
    """The mark of a side; `tag_names` (id → name) for an answer that has only the ids. `without`:
    ids of tags that we have set ourselves, which is no news."""
    tags = {tag.tag_id: _name(tag, tag_names or {}) for tag in side.tags
            if tag.kind != PERSONAL_TAG and tag.tag_id not in without}  # fmt: skip
    said = {
        Part.EDITED: [side.remark, side.description, sorted(side.phones)],
        Part.TAGGED: sorted(tags),
        Part.AROUND: [
            sorted(tags.items()), customer.name, customer.unionid, customer.corp_name,
            customer.position,
        ],
    }  # fmt: skip
    return b"".join(_digest(part, said[part])[:width] for part, width in WIDTHS.items())


def differing(one: bytes, other: bytes) -> set[Part]:
    """The parts in which two marks differ."""
    found, start = set(), 0
    for part, width in WIDTHS.items():
        if one[start : start + width] != other[start : start + width]:
            found.add(part)
        start += width
    return found


def _name(tag: CorpTag, names: Mapping[str, str]) -> str:
    return (tag.name or names.get(tag.tag_id, "")) if tag.kind == CORP_TAG else ""


def _digest(part: Part, said: object) -> bytes:
    text = json.dumps(said, ensure_ascii=False, separators=(",", ":"))
    return crypto.blind_index(text, f"rep_contact.mark:{part}")
