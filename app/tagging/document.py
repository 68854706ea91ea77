"""The whole vocabulary as one value: what a version keeps, a file holds and a change makes. Pure.

Tags and categories are named by their keys. Names are as look-ups fold them; that a tag is known
under its own name goes without saying.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass, replace
from functools import cached_property
from typing import Any

from app.tagging.naming import bare, fold

ANY = "any"
Name = tuple[str, str]
"""(source, folded name)."""


@dataclass(frozen=True)
class CategoryDef:
    """A branch; `parent` "" at the top. `exclusive`: at most one of its tags holds."""

    key: str
    name: str
    parent: str = ""
    exclusive: bool = False
    position: int = 0


@dataclass(frozen=True)
class TagDef:
    """One tag. `half_life_days` None: it does not fade; `may_assert` empty: every source may."""

    key: str
    name: str
    category: str
    owner: str
    meaning: str = ""
    parent: str = ""
    half_life_days: int | None = None
    sensitivity: str = "normal"
    may_assert: tuple[str, ...] = ()
    mirrored: bool = False
    active: bool = True
    merged_into: str = ""
    names: tuple[Name, ...] = ()

    @property
    def own_name(self) -> Name:
        """The name under which it is known without saying."""
        return ANY, fold(self.name)


Pair = tuple[str, str]
"""Two keys, the smaller first."""


@dataclass(frozen=True)
class Document:
    """Everything; `forbidden`: words of the company and why."""

    categories: tuple[CategoryDef, ...] = ()
    tags: tuple[TagDef, ...] = ()
    opposites: frozenset[Pair] = frozenset()
    forbidden: tuple[tuple[str, str], ...] = ()

    @cached_property
    def by_key(self) -> Mapping[str, TagDef]:
        """Tags by key."""
        return {tag.key: tag for tag in self.tags}

    @cached_property
    def category_by_key(self) -> Mapping[str, CategoryDef]:
        """Categories by key."""
        return {one.key: one for one in self.categories}

    def branch_of(self, key: str) -> list[str]:
        """The category and those that it stands under, from the inside."""
        found: list[str] = []
        while key and key not in found:
            found.append(key)
            one = self.category_by_key.get(key)
            key = one.parent if one else ""
        return found

    def opposites_of(self, key: str) -> set[str]:
        """Keys of the tags that contradict this one."""
        return {b if a == key else a for a, b in self.opposites if key in (a, b)}

    def with_tag(self, tag: TagDef) -> Document:
        """With this tag instead of the one of the same key, or beside the others."""
        if tag.key not in self.by_key:
            return replace(self, tags=(*self.tags, tag))
        return replace(self, tags=tuple(tag if t.key == tag.key else t for t in self.tags))

    def with_opposites(self, key: str, others: Iterable[str]) -> Document:
        """This tag is contradicted by these and by no other."""
        kept = {pair for pair in self.opposites if key not in pair}
        return replace(self, opposites=frozenset(kept | {pair(key, other) for other in others}))

    def with_category(self, category: CategoryDef) -> Document:
        """With this category instead of the one of the same key, or behind the others."""
        key, known = category.key, self.category_by_key
        rows = self.categories if key in known else (*self.categories, category)
        return replace(self, categories=tuple(category if c.key == key else c for c in rows))

    def without_category(self, key: str) -> Document:
        """Without this category."""
        return replace(self, categories=tuple(c for c in self.categories if c.key != key))


def pair(one: str, other: str) -> Pair:
    """Two keys in their order."""
    return (one, other) if one < other else (other, one)


def canonical(document: Document) -> Document:
    """The one form of equal vocabularies: names and tags in their order, no name said twice."""
    tags = [
        replace(
            tag, may_assert=tuple(sorted(set(tag.may_assert))),
            names=tuple(sorted(set(tag.names) - {tag.own_name})),
        )
        for tag in sorted(document.tags, key=lambda tag: tag.key)
    ]  # fmt: skip
    rows = sorted(document.categories, key=lambda one: (one.position, one.key))
    ordered = [replace(one, position=n) for n, one in enumerate(rows)]
    return replace(
        document, categories=tuple(ordered), tags=tuple(tags),
        forbidden=tuple(sorted(document.forbidden)),
    )  # fmt: skip


def to_json(document: Document) -> dict[str, Any]:
    """Plain lists and dictionaries, in canonical order."""
    whole = canonical(document)
    return {
        "categories": [asdict(one) for one in whole.categories],
        "tags": [_tag_to_json(tag) for tag in whole.tags],
        "opposites": [list(one) for one in sorted(whole.opposites)],
        "forbidden": [{"word": word, "reason": reason} for word, reason in whole.forbidden],
    }


def from_json(data: Mapping[str, Any]) -> Document:
    """The reverse. Raises KeyError, TypeError, ValueError for what is none."""
    return canonical(
        Document(
            categories=tuple(CategoryDef(**one) for one in data["categories"]),
            tags=tuple(_tag_from_json(one) for one in data["tags"]),
            opposites=frozenset(pair(str(a), str(b)) for a, b in data.get("opposites", ())),
            forbidden=tuple((bare(w["word"]), w["reason"]) for w in data.get("forbidden", ())),
        )
    )


def to_text(document: Document) -> str:
    """Canonical JSON: equal vocabularies have equal text."""
    return json.dumps(to_json(document), ensure_ascii=False, sort_keys=True, separators=(",", ":"))


def _tag_to_json(tag: TagDef) -> dict[str, Any]:
    told = asdict(tag)
    names = [{"source": source, "name": raw} for source, raw in tag.names]
    return told | {"may_assert": list(tag.may_assert), "names": names}


def _tag_from_json(data: Mapping[str, Any]) -> TagDef:
    names = tuple((one["source"], fold(one["name"])) for one in data.get("names", ()))
    plain = {k: v for k, v in data.items() if k not in ("names", "may_assert")}
    return TagDef(**plain, may_assert=tuple(data.get("may_assert", ())), names=names)
