"""What differs between a platform's list and what we know. Pure.

A difference is `lost` when a callback should have told us of it and did not. Two kinds are not:
what was there before we first compared everything (`baseline`), and what changes without a
callback. What we touched after the platform was asked is left for the next pull.
"""

from __future__ import annotations

import hashlib
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from enum import StrEnum

from app.completeness.mark import Part, differing
from app.connectors.wecom.types import CorpTag
from app.reps import RelationState, Side

ON_ITS_WAY = timedelta(minutes=2)  # news that is younger may still come by callback


class What(StrEnum):
    """Kinds of differences."""

    ADDED = "added"
    REMOVED = "removed"
    EDITED = "edited"
    FOLLOWED = "followed"
    UNFOLLOWED = "unfollowed"
    TAGS = "tags"


@dataclass(frozen=True, slots=True)
class Difference:
    """Something a pull found. `at`: since when, as far as anybody knows."""

    what: What
    at: datetime
    rep: str = ""  # userid
    who: str = ""  # external userid or openid
    state: str = ""  # of the channel that brought the contact
    mark: str = ""  # which tags the corp has
    lost: bool = False


@dataclass(frozen=True, slots=True)
class TagNews:
    """How the corp's tags differ from those we know; ids."""

    new: frozenset[str]
    renamed: frozenset[str]
    gone: frozenset[str]

    @property
    def number(self) -> int:
        """Of tags that differ."""
        return len(self.new) + len(self.renamed) + len(self.gone)


def gone(
    there: Collection[bytes], ours: Mapping[bytes, Side], asked_at: datetime
) -> dict[bytes, Side]:
    """Relations that we think are alive and the platform does not list."""
    return {
        key: side
        for key, side in ours.items()
        if side.state == RelationState.CONNECTED and key not in there and side.touched_at < asked_at
    }


def missing(there: Iterable[bytes], ours: Mapping[bytes, Side]) -> set[bytes]:
    """Listed by the platform and not alive here, as far as a list of ids can say."""
    fine = (RelationState.CONNECTED, RelationState.REMOVED_BY_PHYSICIAN)
    return {key for key in there if key not in ours or ours[key].state not in fine}


def side(
    ours: Side | None,
    *,
    added_at: datetime,
    mark: bytes,
    asked_at: datetime,
    baseline: datetime | None,
    tags_deleted_at: datetime | None = None,
) -> tuple[What, bool] | None:
    """(difference, lost) between a rep's side as the platform shows it and ours."""
    if ours is not None and ours.touched_at >= asked_at:
        return None
    if ours is None or (ours.until is not None and added_at > ours.until):
        if added_at > asked_at - ON_ITS_WAY:
            return None
        return What.ADDED, baseline is not None and added_at > baseline
    if ours.state == RelationState.REMOVED_BY_PHYSICIAN:
        return None  # the platform goes on listing a rep whom the physician deleted
    if ours.state != RelationState.CONNECTED:  # the rep added back; or we closed it too early
        one_sided = ours.state == RelationState.ONE_SIDED
        return What.EDITED, one_sided and baseline is not None
    if ours.mark is None:
        return What.EDITED, False  # it was never read
    parts = differing(ours.mark, mark)
    if not parts:
        return None
    silent = {Part.AROUND}
    if tags_deleted_at is not None and tags_deleted_at >= ours.touched_at:
        silent.add(Part.TAGGED)
    return What.EDITED, baseline is not None and not parts <= silent


def tags(there: Iterable[CorpTag], ours: Mapping[str, str]) -> TagNews:
    """The corp's tags against ours (id → name)."""
    named = {tag.tag_id: tag.name for tag in there}
    return TagNews(
        new=frozenset(named.keys() - ours.keys()),
        renamed=frozenset(key for key in named.keys() & ours.keys() if named[key] != ours[key]),
        gone=frozenset(ours.keys() - named.keys()),
    )


def tags_mark(there: Iterable[CorpTag]) -> str:
    """A short name of exactly these tags."""
    text = "\n".join(sorted(f"{tag.tag_id}\t{tag.name}" for tag in there))
    return hashlib.sha256(text.encode()).hexdigest()[:24]
