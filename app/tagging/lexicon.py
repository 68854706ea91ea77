"""Every name under which a tag is known, ready for look-ups by the events that carry names."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass, field

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.infra.stamp import Stamped
from app.tagging.models import Tag, TagSynonym
from app.tagging.naming import Finder

ANY = "any"


@dataclass(frozen=True, slots=True)
class Named:
    """A tag as the look-up gives it."""

    id: int
    key: str
    name: str
    category_key: str
    active: bool


@dataclass(frozen=True, slots=True)
class Lexicon:
    """Folded names to tags. A name of one source goes before the same name of any source."""

    by_name: dict[tuple[str, str], Named]  # (source, folded name)
    by_label: dict[str, int]  # exactly as written, names before keys
    _finders: dict[tuple[str, ...], Finder[Named]] = field(default_factory=dict)

    def meaning(self, source: str, folded: str) -> Named | None:
        """The tag that this name of `source` means, retired or not."""
        return self.by_name.get((source, folded)) or self.by_name.get((ANY, folded))

    def finder(self, categories: Sequence[str]) -> Finder[Named]:
        """Finds the names of the active tags of these categories in a text."""
        key = tuple(categories)
        if key not in self._finders:
            self._finders[key] = Finder({
                raw: tag for (source, raw), tag in self.by_name.items()
                if source == ANY and tag.active and tag.category_key in categories
            })  # fmt: skip
        return self._finders[key]


def _read(session: Session) -> Lexicon:
    rows = session.execute(
        select(
            TagSynonym.source, TagSynonym.raw,
            Tag.id, Tag.key, Tag.name, Tag.category_key, Tag.active,
        ).join(Tag, Tag.id == TagSynonym.tag_id)
    )  # fmt: skip
    tags = session.execute(select(Tag.id, Tag.key, Tag.name)).all()
    labels = {tag.key: tag.id for tag in tags} | {tag.name: tag.id for tag in tags}
    return Lexicon({(row[0], row[1]): Named(*row[2:]) for row in rows}, labels)


LEXICON = Stamped("vocabulary", _read)
