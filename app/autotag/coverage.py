"""Which tags and audiences have no content, and which contents no fitting tags or nobody to read.

A content counts when it may be sent now. It covers its tags and whatever these are narrower than:
who cares for 心血管疾病 is served by what is about 房颤. Physicians are counted by the sets of
`app.segments`, so five million take as long as the number of tags.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import content, segments, tagging
from app.autotag.spoken import ABOUT, suggested_many
from app.autotag.suggest import Suggestion
from app.content import ContentVersion, Stage, Usable
from app.infra.errors import Refused
from app.segments import Segment, Unparseable
from app.segments.expression import All, AnyOf, Node, Reachable, TagIs
from app.tagging import Shape, Tag

FEW_TAGS = 2
LOOKED = 2000  # contents
SUGGESTED = 4  # tags of a content
REACHABLE = AnyOf((Reachable("wecom"), Reachable("oa")))


@dataclass(frozen=True, slots=True)
class TagCover:
    """A tag: how many physicians have it, how many contents serve it, until when the last does."""

    tag: Tag
    people: int
    contents: int
    until: datetime | None


@dataclass(frozen=True, slots=True)
class SegmentCover:
    """A saved audience: its size, how many of it have a tag that content serves; and its tags
    without content. `problem`: why it cannot be counted."""

    segment: Segment
    size: int
    served: int
    missing: Sequence[str]
    problem: str = ""


@dataclass(frozen=True, slots=True)
class Thin:
    """A content that is tagged too thinly: why (few, broad, no_disease), and what might help."""

    version: ContentVersion
    reasons: Sequence[str]
    names: Sequence[str]
    suggestions: Sequence[Suggestion]


@dataclass(frozen=True, slots=True)
class Unreached:
    """A content that may be sent, with nobody reachable who has one of its tags."""

    version: ContentVersion
    names: Sequence[str]
    people: int  # who have one of its tags, reachable or not


@dataclass(frozen=True, slots=True)
class Coverage:
    """Gaps first, largest first; then what is served."""

    tags: Sequence[TagCover]
    segments: Sequence[SegmentCover]
    thin: Sequence[Thin]
    unreached: Sequence[Unreached]

    @property
    def gaps(self) -> list[TagCover]:
        """Tags that physicians have and no content serves."""
        return [one for one in self.tags if not one.contents and one.people]


def coverage(session: Session, now: datetime) -> Coverage:
    """As it is now."""
    usable = content.usable(session, now)
    shape = tagging.shape(session)
    known = {tag.id: tag for tag in tagging.tags(session)}
    covers = _covers(usable, shape)
    return Coverage(
        _tags(session, known, covers, now),
        _segments(session, known, covers, now),
        _thin(session, known, shape),
        _unreached(session, usable, known, now),
    )


def _covers(usable: Sequence[Usable], shape: Shape) -> dict[int, list[Usable]]:
    """Tag → contents that serve it."""
    found: dict[int, list[Usable]] = {}
    for one in usable:
        for tag_id in {broad for tag in one.tags for broad in shape.broader(tag)}:
            found.setdefault(tag_id, []).append(one)
    return found


def _tags(
    session: Session, known: Mapping[int, Tag], covers: Mapping[int, Sequence[Usable]],
    now: datetime,
) -> list[TagCover]:  # fmt: skip
    found, about = [], [tag for tag in known.values() if tag.category_key in ABOUT]
    sizes = segments.sizes(session, [TagIs(tag.name) for tag in about], now)
    for tag, people in zip(about, sizes, strict=True):
        of = covers.get(tag.id, ())
        ends = [one.version.valid_until for one in of if one.version.valid_until]
        found.append(TagCover(tag, people, len(of), max(ends, default=None)))
    return sorted(found, key=lambda one: (bool(one.contents), -one.people, one.tag.id))


def _segments(
    session: Session, known: Mapping[int, Tag], covers: Collection[int], now: datetime
) -> list[SegmentCover]:
    names = [known[tag].name for tag in covers if tag in known]
    served = AnyOf(tuple(TagIs(name) for name in names))
    found = []
    for saved in session.scalars(select(Segment).order_by(Segment.id)):
        try:
            tree = segments.parse(saved.expression)
            size = segments.size(session, tree, now)
            reached = segments.size(session, All((tree, served)), now) if names and size else 0
            missing = sorted(_about(session, tree, known) - set(names))
            found.append(SegmentCover(saved, size, reached, missing))
        except (Unparseable, Refused) as problem:
            found.append(SegmentCover(saved, 0, 0, (), str(problem)))
    return sorted(found, key=lambda one: (one.served - one.size, one.segment.id))


def _about(session: Session, tree: Node, known: Mapping[int, Tag]) -> set[str]:
    """Tags that an expression names and content should serve."""
    ids = (tagging.id_of(session, name) for name in segments.tag_names(tree))
    tags = [known[number] for number in ids if number is not None and number in known]
    return {tag.name for tag in tags if tag.category_key in ABOUT}


def _thin(session: Session, known: Mapping[int, Tag], shape: Shape) -> list[Thin]:
    rows = [
        version
        for version in content.listing(session, limit=LOOKED)
        if version.stage != Stage.WITHDRAWN
    ]
    tags = content.topics_of(session, [row.id for row in rows])
    broad = set(shape.parents.values())
    why = {row.id: _why_thin(tags[row.id], known, broad) for row in rows}
    thin = [row for row in rows if why[row.id]]
    texts = {row.id: {"title": row.title, "summary": row.summary, "body": row.body} for row in thin}
    spoken = suggested_many(session, texts)
    found = []
    for row in thin:
        more = [one for one in spoken[row.id] if one.tag.id not in tags[row.id]]
        names = [known[tag].name for tag in tags[row.id] if tag in known]
        found.append(Thin(row, why[row.id], names, more[:SUGGESTED]))
    return sorted(found, key=lambda one: (-len(one.reasons), -len(one.suggestions), one.version.id))


def _why_thin(
    tags: Mapping[int, float], known: Mapping[int, Tag], broad: Collection[int]
) -> list[str]:
    """Pure."""
    here = [known[tag] for tag in tags if tag in known]
    diseases = [tag for tag in here if tag.category_key == "disease"]
    reasons = ["few"] if len(here) < FEW_TAGS else []
    if not diseases:
        reasons.append("no_disease")
    elif all(tag.id in broad for tag in diseases):
        reasons.append("broad")
    return reasons


def _unreached(
    session: Session, usable: Sequence[Usable], known: Mapping[int, Tag], now: datetime
) -> list[Unreached]:
    counted: dict[tuple[str, ...], tuple[int, int]] = {}
    found = []
    for one in usable:
        names = tuple(sorted(known[tag].name for tag in one.tags if tag in known))
        if names not in counted:
            counted[names] = _readers(session, names, now)
        reachable, people = counted[names]
        if not reachable:
            found.append(Unreached(one.version, names, people))
    return found


def _readers(session: Session, names: Sequence[str], now: datetime) -> tuple[int, int]:
    if not names:
        return 0, 0
    any_of = AnyOf(tuple(TagIs(name) for name in names))
    reachable = segments.size(session, All((any_of, REACHABLE)), now)
    return reachable, reachable or segments.size(session, any_of, now)


def coverage_json(found: Coverage, limit: int) -> dict[str, Any]:
    """For programs; at most `limit` of each list."""
    return {
        "gaps": [{"tag": one.tag.key, "name": one.tag.name, "people": one.people}
                 for one in found.gaps[:limit]],
        "segments": [{"id": one.segment.id, "name": one.segment.name, "size": one.size,
                      "served": one.served, "missing": list(one.missing),
                      "problem": one.problem or None} for one in found.segments[:limit]],
        "thin": [{"content_id": one.version.content_id, "title": one.version.title,
                  "reasons": list(one.reasons), "tags": list(one.names),
                  "suggested": [more.tag.key for more in one.suggestions]}
                 for one in found.thin[:limit]],
        "unreached": [{"content_id": one.version.content_id, "title": one.version.title,
                       "tags": list(one.names), "people": one.people}
                      for one in found.unreached[:limit]],
        "served": sum(bool(one.contents) for one in found.tags),
    }  # fmt: skip
