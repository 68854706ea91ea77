"""The audience language, all of it: its parts, reading, writing, and telling. Pure."""

from __future__ import annotations

from app.segments.describe import describe
from app.segments.nodes import (
    DEFAULT_WEIGHT,
    All,
    AnyOf,
    CampaignIs,
    Counted,
    FieldIs,
    ListIs,
    Node,
    Not,
    Reachable,
    SegmentIs,
    TagIs,
    Unparseable,
    rep_names,
    tag_names,
)
from app.segments.parse import parse
from app.segments.wording import wording

__all__ = [
    "DEFAULT_WEIGHT",
    "All",
    "AnyOf",
    "CampaignIs",
    "Counted",
    "FieldIs",
    "ListIs",
    "Node",
    "Not",
    "Reachable",
    "SegmentIs",
    "TagIs",
    "Unparseable",
    "describe",
    "parse",
    "rep_names",
    "tag_names",
    "wording",
]
