"""Audiences: the physicians for whom an expression holds, with names and not only a number.

parse, describe, check    the language; whether its names exist
members, audience         who is in it; how many, and some of them
of_these, size, sizes     who of a few is in it; how many are in those that a program made
build, is_wanted          all sets from the tables
renew                     a restored database: what is in memory is not of it
fold, is_due              what has changed since, a few physicians at a time
changed_since             whose facts have changed since somebody looked last
verify                    whether they are what the tables say
why                       why somebody is in or not
overlap                   two to five of them over each other
saved                     segments with a name and versions (a module)
lists                     physicians whom a file named (a module)
suppression               whom nobody writes to (a module)
names                     what may be named in an expression, while somebody types
"""

from app.segments import lists, saved, suppression
from app.segments.asking import Audience, audience, check, members, page
from app.segments.build import Built, build, is_wanted, renew
from app.segments.expression import Node, Unparseable, describe, parse, tag_names, wording
from app.segments.following import fold, is_due
from app.segments.meaning import names
from app.segments.models import Segment, SegmentList, SegmentVersion
from app.segments.overlap import Overlap, overlap
from app.segments.since import Since, changed_since
from app.segments.sizes import size, sizes
from app.segments.store import Behind
from app.segments.these import of_these
from app.segments.verify import verify
from app.segments.why import Reason, Why, why

__all__ = [
    "Audience",
    "Behind",
    "Built",
    "Node",
    "Overlap",
    "Reason",
    "Segment",
    "SegmentList",
    "SegmentVersion",
    "Since",
    "Unparseable",
    "Why",
    "audience",
    "build",
    "changed_since",
    "check",
    "describe",
    "fold",
    "is_due",
    "is_wanted",
    "lists",
    "members",
    "names",
    "of_these",
    "overlap",
    "page",
    "parse",
    "renew",
    "saved",
    "size",
    "sizes",
    "suppression",
    "tag_names",
    "verify",
    "why",
    "wording",
]
