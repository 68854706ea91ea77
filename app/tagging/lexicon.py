"""Every name under which a tag is known, ready for look-ups by the events that carry names."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TypeVar

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.infra.stamp import Stamped
from app.tagging.document import ANY
from app.tagging.models import ForbiddenWord, Sensitivity, Source, Tag, TagCategory, TagSynonym
from app.tagging.naming import Finder, fold, why_forbidden
from app.tagging.rules import VOCABULARY

K = TypeVar("K")


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
    """Folded names to tags. A name of one source goes before the same name of any source.

    Whoever names a tag that was merged means the one it was merged into.
    """

    by_name: dict[tuple[str, str], Named]  # (source, folded name)
    by_label: dict[str, int]  # exactly as written, names before keys
    merged: Mapping[int, int] = field(default_factory=dict)  # tag → the one it stands for
    closed: Mapping[int, frozenset[str]] = field(default_factory=dict)  # tag → who may assert it
    retired: frozenset[int] = frozenset()  # tags that are out of use, also merged ones
    staff: frozenset[int] = frozenset()  # tags that reps do not see, with those merged into them
    hidden_names: frozenset[str] = frozenset()  # whatever these are known as, folded
    forbidden: Mapping[str, str] = field(default_factory=dict)  # words of the company
    branches: Mapping[str, str] = field(default_factory=dict)  # category → the one at its top
    _finders: dict[tuple[str, ...], Finder[Named]] = field(default_factory=dict)

    def meaning(self, source: str, folded: str) -> Named | None:
        """The tag that this name of `source` means, retired or not."""
        return self.by_name.get((source, folded)) or self.by_name.get((ANY, folded))

    def named(self, label: str) -> int | None:
        """The tag of this name or key; else the one that is also known so."""
        found = self.by_label.get(label)
        if found is None:
            tag = self.by_name.get((ANY, fold(label)))
            found = tag.id if tag else None
        return found

    def may(self, source: str, tag_id: int) -> bool:
        """Whether this source may assert the tag; a verdict and the physician always may."""
        allowed = self.closed.get(tag_id)
        always = (Source.VERDICT, Source.PHYSICIAN)
        return allowed is None or source in allowed or source in always

    def why_forbidden(self, text: str) -> str:
        """Why no tag may be called so, by law or by the company; "" if it may."""
        return why_forbidden(text, self.forbidden)

    def finder(self, categories: Sequence[str]) -> Finder[Named]:
        """Finds the names of the active tags of these categories and those below in a text."""
        key = tuple(categories)
        if key not in self._finders:
            self._finders[key] = Finder({
                raw: tag for (source, raw), tag in self.by_name.items()
                if source == ANY and tag.active
                and self.branches.get(tag.category_key, tag.category_key) in categories
            })  # fmt: skip
        return self._finders[key]


def _read(session: Session) -> Lexicon:
    tags = session.execute(
        select(
            Tag.id, Tag.key, Tag.name, Tag.category_key, Tag.active,
            Tag.merged_into_id, Tag.may_assert, Tag.sensitivity,
        )
    ).all()  # fmt: skip
    merged = _ends({tag.id: tag.merged_into_id for tag in tags if tag.merged_into_id})
    named = {t.id: Named(t.id, t.key, t.name, t.category_key, t.active) for t in tags}
    above = session.execute(select(TagCategory.key, TagCategory.parent_key)).all()
    rows = session.execute(select(TagSynonym.source, TagSynonym.raw, TagSynonym.tag_id)).all()
    staff = {t.id for t in tags if t.sensitivity == Sensitivity.STAFF}
    staff |= {tag for tag, stands_for in merged.items() if stands_for in staff}
    labels = {tag.key: tag.id for tag in tags} | {tag.name: tag.id for tag in tags}
    words = session.execute(select(ForbiddenWord.word, ForbiddenWord.reason))
    return Lexicon(
        by_name={(source, raw): named[merged.get(tag, tag)] for source, raw, tag in rows},
        by_label={label: merged.get(tag, tag) for label, tag in labels.items()},
        merged=merged,
        closed={t.id: frozenset(t.may_assert.split(",")) for t in tags if t.may_assert},
        retired=frozenset(t.id for t in tags if not t.active),
        staff=frozenset(staff),
        hidden_names=frozenset(
            [fold(t.name) for t in tags if t.id in staff]
            + [raw for _, raw, tag in rows if merged.get(tag, tag) in staff]
        ),
        forbidden={row.word: row.reason for row in words},
        branches=_ends({key: parent for key, parent in above if parent}),
    )


def _ends(steps: Mapping[K, K]) -> dict[K, K]:
    """Where each of these steps leads in the end."""
    found = {}
    for start in steps:
        here, seen = start, {start}
        while here in steps and steps[here] not in seen:
            here = steps[here]
            seen.add(here)
        found[start] = here
    return found


LEXICON = Stamped(VOCABULARY, _read)
