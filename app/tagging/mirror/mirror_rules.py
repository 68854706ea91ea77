"""Which marks a side shall have, and what a reading of a side says about them. Pure.

Echoes. Tagging by the API calls nobody back, but when a rep edits the contact it is read again with
our marks among the rest. What we put there proves nothing; what a person put there does, and so
does that a person took ours away. WeCom does not say who set a mark, so we remember what we wrote:

    it is there, we wrote it (or a call of ours may be under way)    an echo
    it is there, we did not                                          a person says so
    it is not there, and we wrote it                                 a person took it away
    it is not there any more, and a person had set it                that person does not say so now

A reading that began before our last call ended may show the side as it was before; it says nothing.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

ON, OFF = 0.3, 0.2  # so a tag that hovers is not set and taken away for ever


class Says(StrEnum):
    """What a mark that a reading shows means."""

    NOTHING = "nothing"  # it is not there
    ECHO = "echo"  # ours
    PERSON = "person"  # a person says so


@dataclass(frozen=True, slots=True)
class Mark:
    """See `TagMark`."""

    at: datetime
    wanted: bool = False
    known: bool = False
    ours: bool = False
    writing: str = ""
    missing_at: datetime | None = None
    refused_at: datetime | None = None


@dataclass(frozen=True, slots=True)
class Reading:
    """What a reading makes of a mark. `again`: it may be older than what we wrote; read once more.
    `returned`: a person has set what a person had taken away."""

    mark: Mark | None
    says: Says
    again: bool = False
    returned: bool = False


def should(strength: float, was: bool) -> bool:
    """Whether a tag of this strength shall be marked, if it was (not) to be until now."""
    return strength >= (OFF if was else ON)


def reading(mark: Mark | None, present: bool, read_after: datetime, now: datetime) -> Reading:
    """`read_after`: the side was read later than this."""
    if mark is None:
        said = Mark(now, known=True) if present else None
        return Reading(said, Says.PERSON if present else Says.NOTHING)
    if mark.writing:
        return Reading(mark, Says.ECHO if present else Says.NOTHING)
    certain = mark.at < read_after
    if present:
        return _shown(mark, certain, now)
    return _not_shown(mark, certain, now)


def _shown(mark: Mark, certain: bool, now: datetime) -> Reading:
    if mark.known and mark.ours and mark.missing_at is None:
        return Reading(mark, Says.ECHO)
    if mark.known and not mark.ours:
        return Reading(mark, Says.PERSON)
    if not certain:
        return Reading(mark, Says.ECHO, again=True)
    said = replace(mark, known=True, ours=False, missing_at=None, refused_at=None, at=now)
    gone_before = mark.missing_at is not None or mark.refused_at is not None
    return Reading(said, Says.PERSON, returned=gone_before)


def _not_shown(mark: Mark, certain: bool, now: datetime) -> Reading:
    if not mark.known:
        return Reading(mark, Says.NOTHING)
    if not certain:
        return Reading(mark, Says.NOTHING, again=True)
    if mark.ours:
        since = mark.missing_at or now
        return Reading(replace(mark, missing_at=since), Says.NOTHING)
    # A person's own mark: not to be set again by us, whatever others say.
    gone = replace(mark, known=False, refused_at=now, at=now)
    return Reading(gone, Says.NOTHING)


def taken_away(mark: Mark, now: datetime) -> Mark:
    """Ours is missing and the tag still exists: somebody took it away, and it stays away."""
    return replace(mark, known=False, ours=False, missing_at=None, refused_at=now, at=now)


def to_write(mark: Mark) -> str:
    """ "add", "remove" or "". A call whose answer nobody heard is made again or taken back."""
    want = mark.wanted and mark.refused_at is None
    if mark.missing_at is not None:
        return ""  # first it is found out what that means
    if mark.writing:
        return "add" if want else "remove"
    if want and not mark.known:
        return "add"
    return "remove" if not mark.wanted and mark.known and mark.ours else ""


def written(mark: Mark, what: str, now: datetime) -> Mark:
    """The platform has done it."""
    there = what == "add"
    return replace(mark, known=there, ours=there, writing="", at=now)
