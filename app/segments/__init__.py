"""Audiences: the physicians for whom an expression holds, with names and not only a number."""

from app.segments.expression import Node, Unparseable, describe, parse, tag_names
from app.segments.members import Audience, audience, check, members
from app.segments.models import Segment

__all__ = [
    "Audience",
    "Node",
    "Segment",
    "Unparseable",
    "audience",
    "check",
    "describe",
    "members",
    "parse",
    "tag_names",
]
