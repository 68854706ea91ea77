"""What is otherwise in one vocabulary than in another, and whose audiences may change. Pure."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import asdict, dataclass, fields, replace
from typing import Any

from app.tagging.document import CategoryDef, Document, TagDef, canonical

COUNTS = ("category", "parent", "half_life_days", "active", "merged_into")
"""Fields of a tag that say how strongly it holds, and for whom."""


@dataclass(frozen=True, slots=True)
class Change:
    """`of`: tag, category, opposite, forbidden. `field` "": all of it began (`before` None) or
    ended (`after` None)."""

    of: str
    key: str
    name: str
    field: str
    before: Any
    after: Any

    def as_json(self) -> dict[str, Any]:
        """For the version's row."""
        return asdict(self)


def changes(before: Document, after: Document) -> list[Change]:
    """Every difference, categories first; equal vocabularies have none."""
    old, new = canonical(before), canonical(after)
    found = list(_rows("category", old.category_by_key, new.category_by_key, ("position",)))
    found += _rows("tag", old.by_key, new.by_key, ())
    names = {tag.key: tag.name for tag in (*old.tags, *new.tags)}
    for a, b in sorted(old.opposites ^ new.opposites):
        there = (a, b) in old.opposites
        told = f"{names.get(a, a)} ↔ {names.get(b, b)}"
        found.append(Change("opposite", f"{a} {b}", told, "", told if there else None,
                            None if there else told))  # fmt: skip
    old_words, new_words = dict(old.forbidden), dict(new.forbidden)
    for word in sorted(old_words.keys() | new_words.keys()):
        was, now = old_words.get(word), new_words.get(word)
        if was != now:
            found.append(Change("forbidden", word, word, "", was, now))
    return found


def reversed_on(now: Document, before: Document, after: Document) -> tuple[Document, list[Change]]:
    """`now` with the step from `before` to `after` taken back, and what stands in the way: what is
    no more as that step left it. A tag that the step added is retired, for tags are never lost."""
    kept: list[Change] = []
    result = now
    for change in changes(before, after):
        if change.of == "tag":
            result = _tag_back(result, change, kept)
        elif change.of == "category":
            result = _category_back(result, before, change, kept)
        elif change.of == "opposite":
            a, b = change.key.split(" ")
            others = result.opposites - {(a, b)}
            was = {(a, b)} if change.before is not None else set()
            result = replace(result, opposites=others | was)
        else:
            words = {w: r for w, r in result.forbidden if w != change.key}
            if change.before is not None:
                words[change.key] = change.before
            result = replace(result, forbidden=tuple(sorted(words.items())))
    return result, kept


def touched(before: Document, after: Document) -> set[str]:
    """Keys of the tags whose carriers may be in other audiences afterwards: what counts changed,
    or it did for a tag that is broader, narrower, or excludes them."""
    exclusive = {
        key
        for key in before.category_by_key.keys() | after.category_by_key.keys()
        if _excludes(before, key) != _excludes(after, key)
    }
    found = {
        tag.key
        for tag in after.tags
        if tag.category in exclusive or _counts(before.by_key.get(tag.key)) != _counts(tag)
    }
    found |= {key for one in before.opposites ^ after.opposites for key in one}
    for document in (before, after):
        branches = {document.by_key[key].category for key in found if key in document.by_key}
        rivals = {c for c in branches if _excludes(document, c)}
        found |= {tag.key for tag in document.tags if tag.category in rivals}
        found |= _narrower(document, found)
    return found


def _narrower(document: Document, keys: Iterable[str]) -> set[str]:
    found: set[str] = set()
    layer = set(keys)
    while layer:
        layer = {tag.key for tag in document.tags if tag.parent in layer} - found
        found |= layer
    return found


def _excludes(document: Document, key: str) -> bool:
    category = document.category_by_key.get(key)
    return category is not None and category.exclusive


def _counts(tag: TagDef | None) -> list[Any]:
    return [getattr(tag, name) for name in COUNTS] if tag else [None, None, None, False, ""]


def _rows(
    of: str,
    old: Mapping[str, TagDef] | Mapping[str, CategoryDef],
    new: Mapping[str, TagDef] | Mapping[str, CategoryDef],
    without: tuple[str, ...],
) -> Iterator[Change]:
    for key in sorted(old.keys() | new.keys()):
        was, now = old.get(key), new.get(key)
        if was is None or now is None:
            one = was or now
            assert one is not None
            yield Change(of, key, one.name, "", was and asdict(was), now and asdict(now))
            continue
        for field in fields(now):
            a, b = getattr(was, field.name), getattr(now, field.name)
            if a != b and field.name not in without:
                yield Change(of, key, now.name, field.name, _plain(a), _plain(b))


def _plain(value: Any) -> Any:
    if isinstance(value, tuple):
        return [list(one) if isinstance(one, tuple) else one for one in value]
    return value


def _tag_back(document: Document, change: Change, kept: list[Change]) -> Document:
    tag = document.by_key.get(change.key)
    if tag is None or change.after is None:
        kept.append(change)
        return document
    if not change.field:
        return document.with_tag(replace(tag, active=False))
    if change.field == "names":
        was, then = set(map(tuple, change.before)), set(map(tuple, change.after))
        back = (set(tag.names) - (then - was)) | (was - then)
        return document.with_tag(replace(tag, names=tuple(sorted(back))))
    if _plain(getattr(tag, change.field)) != change.after:
        kept.append(change)
        return document
    value = tuple(change.before) if isinstance(change.before, list) else change.before
    fields_back: dict[str, Any] = {change.field: value}
    return document.with_tag(replace(tag, **fields_back))


def _category_back(
    document: Document, before: Document, change: Change, kept: list[Change]
) -> Document:
    category = document.category_by_key.get(change.key)
    if change.after is None:
        return document.with_category(before.category_by_key[change.key])
    if category is None or (
        change.field and getattr(category, change.field) != change.after
    ):  # fmt: skip
        kept.append(change)
        return document
    if change.field:
        return document.with_category(replace(category, **{change.field: change.before}))
    used = any(tag.category == change.key for tag in document.tags)
    return document if used else document.without_category(change.key)
