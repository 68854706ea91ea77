"""Audiences: the physicians for whom an expression holds, with names and not only a number.

parse, describe, check    the language; whether its names exist
members, audience         who is in it; how many, and some of them
build, is_wanted          all sets from the tables
renew                     a restored database: what is in memory is not of it
fold, is_due              what has changed since, a few physicians at a time
changed_since             whose facts have changed since somebody looked last
verify                    whether they are what the tables say
why                       why somebody is in or not
"""

from app.segments.asking import Audience, audience, check, members
from app.segments.build import Built, build, is_wanted, renew
from app.segments.expression import Node, Unparseable, describe, parse, tag_names
from app.segments.following import fold, is_due
from app.segments.models import Segment
from app.segments.since import Since, changed_since
from app.segments.verify import verify
from app.segments.why import Reason, Why, why

__all__ = [
    "Audience",
    "Built",
    "Node",
    "Reason",
    "Segment",
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
    "members",
    "parse",
    "renew",
    "tag_names",
    "verify",
    "why",
]
