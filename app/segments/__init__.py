"""Audiences: the physicians for whom an expression holds, with names and not only a number."""

from app.segments.expression import Node, Unparseable, parse, tag_names
from app.segments.members import Audience, audience, members
from app.segments.models import Segment

__all__ = [
    "Audience",
    "Node",
    "Segment",
    "Unparseable",
    "audience",
    "members",
    "parse",
    "tag_names",
]
