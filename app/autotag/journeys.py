"""Reading journeys from the tables, many physicians at once."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app import content
from app.autotag.deeds import ACTS, NOTHING, About, Known, Step
from app.content.models import ContentVersion
from app.identity.models import Identifier
from app.journey.models import Happened, Touchpoint
from app.tagging import LEXICON

AT_ONCE = 500
MOST_WORDS = 4000  # characters of a message that are looked at


class Library:
    """What versions of contents are about. What was sent is approved and never changes, so a
    version is read once, and again when tags were merged or parted."""

    def __init__(self) -> None:
        self._known: dict[int, Known] = {}
        self._merged: Mapping[int, int] = {}

    def learn(self, session: Session, version_ids: Iterable[int]) -> None:
        """Read those that were not read yet."""
        merged = LEXICON.of(session).merged
        if merged != self._merged:
            self._known, self._merged = {}, merged
        missing = sorted(set(version_ids) - self._known.keys())
        for start in range(0, len(missing), AT_ONCE):
            piece = missing[start : start + AT_ONCE]
            topics = content.topics_of(session, piece)
            rows = select(ContentVersion.id, ContentVersion.content_id, ContentVersion.body)
            for version_id, content_id, body in session.execute(
                rows.where(ContentVersion.id.in_(piece))
            ):
                seconds = content.reading_seconds(body)
                self._known[version_id] = Known(content_id, frozenset(topics[version_id]), seconds)

    def about(self, version_id: int) -> About:
        """What a version that was learnt is about."""
        known = self._known.get(version_id)
        return About(known.content, known.tags, known.seconds) if known else NOTHING


def steps_of(
    session: Session,
    one_ids: Sequence[str],
    library: Library,
    *,
    words: bool = False,
    since: datetime | None = None,
) -> dict[str, list[Step]]:
    """What happened to each of these, in no order. `words`: what they wrote is read as well."""
    found: dict[str, list[Step]] = {one_id: [] for one_id in one_ids}
    for start in range(0, len(one_ids), AT_ONCE):
        _read(session, one_ids[start : start + AT_ONCE], library, words, since, found)
    return found


def _read(
    session: Session, one_ids: Sequence[str], library: Library, words: bool,
    since: datetime | None, found: dict[str, list[Step]],
) -> None:  # fmt: skip
    chosen = (
        select(Identifier.one_id, Touchpoint.kind, Touchpoint.at, Touchpoint.content_version_id,
               Touchpoint.id)
        .join(Touchpoint, Touchpoint.identifier_id == Identifier.id)
        .where(Identifier.one_id.in_(one_ids), Touchpoint.kind.in_(list(ACTS)))
    )  # fmt: skip
    if since is not None:
        chosen = chosen.where(Touchpoint.at >= since)
    rows = session.execute(chosen).all()
    library.learn(session, {row[3] for row in rows if row[3] is not None})
    said = _said(session, [row[4] for row in rows if row[1] == Happened.MESSAGE_RECEIVED], words)
    for one_id, kind, at, version_id, number in rows:
        about = library.about(version_id) if version_id is not None else NOTHING
        if number in said:
            about = About(text=said[number])
        found[one_id].append((kind, at, about))


def _said(session: Session, ids: Sequence[int], words: bool) -> dict[int, str]:
    found: dict[int, str] = {}
    if words:
        for start in range(0, len(ids), AT_ONCE):
            piece = ids[start : start + AT_ONCE]
            rows = select(Touchpoint.id, Touchpoint.detail).where(Touchpoint.id.in_(piece))
            for number, detail in session.execute(rows):
                text = str((detail or {}).get("text") or "")
                found[number] = text[:MOST_WORDS].lower()
    return found
