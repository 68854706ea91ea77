"""One change of the vocabulary as a person makes it: a vocabulary in, another one out. Pure.

What a change cannot be raises Refused; whether the result is sound is `checking`'s to say.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import replace
from typing import Any

from app.infra.errors import NotFound, Refused
from app.tagging.document import ANY, CategoryDef, Document, Name, TagDef
from app.tagging.forbidden import FORBIDDEN
from app.tagging.naming import bare, fold

PLAIN = ("name", "category", "owner", "meaning", "parent", "half_life_days", "sensitivity",
         "may_assert", "mirrored", "names")  # fmt: skip


def added(document: Document, tag: TagDef, opposites: Iterable[str] = ()) -> Document:
    """With a new tag."""
    if tag.key in document.by_key:
        raise Refused(f"编号 {tag.key} 已经被标签“{document.by_key[tag.key].name}”使用，请换一个。")
    return document.with_tag(tag).with_opposites(tag.key, opposites)


def revised(document: Document, key: str, values: Mapping[str, Any]) -> Document:
    """With these fields of a tag: those of `PLAIN`, and `opposites` (keys). A name that it had is
    still understood."""
    tag = _get(document, key)
    plain = {name: values[name] for name in PLAIN if name in values}
    fresh = replace(tag, **plain)
    if fold(fresh.name) != fold(tag.name):
        fresh = replace(fresh, names=(*fresh.names, tag.own_name))
    result = document.with_tag(fresh)
    if "opposites" in values:
        result = result.with_opposites(key, values["opposites"])
    return result


def retired(document: Document, key: str) -> Document:
    """With this tag out of use."""
    return document.with_tag(replace(_get(document, key), active=False))


def revived(document: Document, key: str) -> Document:
    """With this tag in use again, for itself."""
    return document.with_tag(replace(_get(document, key), active=True, merged_into=""))


def merged(document: Document, key: str, into: str) -> Document:
    """With one tag standing for the other: its names mean that one, what was narrower than it is
    narrower than that one, and what contradicted it contradicts that one."""
    old, new = _get(document, key), _get(document, into)
    if key == into:
        raise Refused("请选择另一个标签作为合并的去向。")
    if not old.active or not new.active:
        raise Refused("两个标签都要在使用中才能合并。")
    if new.parent == key:
        document = document.with_tag(replace(new, parent=old.parent))
    for tag in document.tags:
        if tag.parent == key and tag.key != into:
            document = document.with_tag(replace(tag, parent=into))
    others = (document.opposites_of(into) | document.opposites_of(key)) - {key, into}
    document = document.with_opposites(into, others)
    return document.with_tag(replace(old, active=False, merged_into=into, mirrored=False))


def names_moved(document: Document, key: str, names: Iterable[Name], to: str) -> Document:
    """With these names of one tag as names of another; its own name moves for one source only."""
    source_tag, wanted = _get(document, key), set(names)
    document = document.with_tag(
        replace(source_tag, names=tuple(n for n in source_tag.names if n not in wanted))
    )
    target = _get(document, to)
    return document.with_tag(replace(target, names=(*target.names, *sorted(wanted))))


def category_set(document: Document, category: CategoryDef, *, new: bool) -> Document:
    """With a category, new or changed."""
    if new and category.key in document.category_by_key:
        raise Refused(f"分类编号 {category.key} 已经存在，请换一个。")
    if not new and category.key not in document.category_by_key:
        raise NotFound("没有这个分类。")
    return document.with_category(category)


def category_removed(document: Document, key: str) -> Document:
    """Without a category that is empty."""
    if key not in document.category_by_key:
        raise NotFound("没有这个分类。")
    if any(tag.category == key for tag in document.tags):
        raise Refused("这个分类里还有标签（包括已停用的），请先把它们移到别的分类。")
    if any(one.parent == key for one in document.categories):
        raise Refused("这个分类还有下级分类，请先移动它们。")
    return document.without_category(key)


def forbidden_set(document: Document, word: str, reason: str) -> Document:
    """With a word that no tag may carry; an empty reason takes a word of the company away."""
    found = bare(word)
    words = dict(document.forbidden)
    if found in FORBIDDEN:
        raise Refused(f"“{found}”是内置的禁用词，始终有效。")
    if reason.strip():
        words[found] = reason.strip()
    elif words.pop(found, None) is None:
        raise Refused(f"请写明为什么不能使用“{word.strip()}”。")
    return replace(document, forbidden=tuple(sorted(words.items())))


def like(document: Document, older: Document) -> Document:
    """`older` again: tags that it did not know are retired, and give way where names collide."""
    taken = {name for tag in older.tags for name in (tag.own_name, *tag.names)}
    for tag in document.tags:
        if tag.key in older.by_key:
            continue
        name = f"{tag.name[:30]}（{tag.key}"[:39] + "）" if tag.own_name in taken else tag.name
        names = tuple(n for n in tag.names if n not in taken)
        older = older.with_tag(
            replace(tag, name=name, names=names, active=False, merged_into="", mirrored=False)
        )
    known = {one.key for one in older.categories}
    used = {tag.category for tag in older.tags} - known
    for one in document.categories:
        if one.key in used:
            parent = one.parent if one.parent in known else ""
            older = older.with_category(replace(one, parent=parent))
    return older


def parsed_names(text: str) -> tuple[Name, ...]:
    """Names as a person types them: `心衰；HF；crm:心功能不全`, for every source or one."""
    found: list[Name] = []
    for piece in text.replace("\n", "；").replace(";", "；").replace("、", "；").split("；"):
        source, mark, name = piece.strip().partition(":")
        known = mark and source.strip().isascii() and source.strip().replace("_", "").isalpha()
        found.append((source.strip(), fold(name)) if known else (ANY, fold(piece)))
    return tuple(dict.fromkeys(name for name in found if name[1]))


def written_names(names: Iterable[Name]) -> str:
    """The reverse."""
    return "；".join(raw if source == ANY else f"{source}:{raw}" for source, raw in sorted(names))


def _get(document: Document, key: str) -> TagDef:
    if key not in document.by_key:
        raise NotFound(f"没有标签“{key}”。")
    return document.by_key[key]
