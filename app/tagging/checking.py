"""What is wrong with a vocabulary, each with what to do about it. Pure."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Iterator, Mapping
from dataclasses import dataclass

from app.tagging.document import ANY, Document, TagDef
from app.tagging.models import Owner, Sensitivity, Source
from app.tagging.naming import LONGEST, fold, why_forbidden

LONGEST_NAME, LONGEST_KEY, LONGEST_CATEGORY, LONGEST_WORD = 40, 60, 40, 40
MOST_DAYS = 3650
SOURCES = frozenset({ANY, *Source})
RESERVED = frozenset({"versions", "export", "import", "categories", "forbidden"})  # addresses
_KEY = re.compile(r"[a-z0-9][a-z0-9-]*")


@dataclass(frozen=True, slots=True)
class Problem:
    """`code` for programs; `key`: the tag or category; `text`: a Chinese sentence."""

    code: str
    key: str
    text: str


def problems(document: Document) -> list[Problem]:
    """Everything that is wrong, in the order of the vocabulary."""
    found = [*_categories(document), *_words(document)]
    for tag in document.tags:
        found += _of_tag(document, tag)
    return [*found, *_names(document), *_opposites(document)]


def new_problems(before: Document, after: Document) -> list[Problem]:
    """Those that a change brings: what was wrong before keeps nobody from mending other things."""
    known = set(problems(before))
    return [one for one in problems(after) if one not in known]


def _categories(document: Document) -> Iterator[Problem]:
    parents = {one.key: one.parent for one in document.categories}
    names = Counter(fold(one.name) for one in document.categories)
    keys = Counter(one.key for one in document.categories)
    for one in document.categories:
        if not _is_key(one.key, LONGEST_CATEGORY) or keys[one.key] > 1:
            told = f"分类编号“{one.key}”要唯一，由小写字母、数字和连字符组成，不超过 40 个字符。"
            yield Problem("category_key", one.key, told)
        if not one.name.strip() or len(one.name) > LONGEST_NAME or names[fold(one.name)] > 1:
            told = f"分类“{one.name or one.key}”的名称不能为空、重复或超过 40 个字。"
            yield Problem("category_name", one.key, told)
        if one.parent and one.parent not in parents:
            yield Problem("category_parent", one.key,
                          f"分类“{one.name}”的上级“{one.parent}”不存在。")  # fmt: skip
        elif _circular(one.key, parents):
            yield Problem("category_cycle", one.key,
                          f"分类“{one.name}”不能放在自己的下级里面。")  # fmt: skip


def _of_tag(document: Document, tag: TagDef) -> Iterator[Problem]:
    told: list[tuple[bool, str, str]] = [
        (not _is_key(tag.key, LONGEST_KEY) or tag.key in RESERVED, "key",
         f"标签编号“{tag.key}”要由小写字母、数字和连字符组成，不超过 {LONGEST_KEY} 个字符，"
         f"也不能是 {'、'.join(sorted(RESERVED))}。"),
        (not tag.name.strip() or len(tag.name) > LONGEST_NAME, "name",
         f"标签 {tag.key} 的名称不能为空或超过 {LONGEST_NAME} 个字。"),
        (tag.category not in document.category_by_key, "category",
         f"标签“{tag.name}”的分类“{tag.category}”不存在，请先建立这个分类。"),
        (tag.owner not in set(Owner), "owner",
         f"标签“{tag.name}”的负责方“{tag.owner}”不存在，可用：sales、marketing、medical、system。"),
        (tag.sensitivity not in set(Sensitivity), "sensitivity",
         f"标签“{tag.name}”的可见范围“{tag.sensitivity}”不存在，可用：normal、staff。"),
        (tag.half_life_days is not None and not 1 <= tag.half_life_days <= MOST_DAYS, "half_life",
         f"标签“{tag.name}”的半衰期要在 1 到 {MOST_DAYS} 天之间，不衰减请留空。"),
    ]  # fmt: skip
    yield from (Problem(code, tag.key, text) for wrong, code, text in told if wrong)
    for source in tag.may_assert:
        if source not in set(Source):
            yield Problem("may_assert", tag.key,
                          f"标签“{tag.name}”允许的来源“{source}”不存在。")  # fmt: skip
    yield from _relatives(document, tag)
    if tag.active:
        words = dict(document.forbidden)
        for text in dict.fromkeys((tag.name, *(raw for _, raw in tag.names))):
            if why := why_forbidden(text, words):
                yield Problem("forbidden", tag.key, f"“{text}”：{why}")


def _relatives(document: Document, tag: TagDef) -> Iterator[Problem]:
    parents = {one.key: one.parent for one in document.tags}
    merged = {one.key: one.merged_into for one in document.tags}
    if tag.parent and tag.parent not in parents:
        yield Problem("parent", tag.key, f"标签“{tag.name}”的上级标签“{tag.parent}”不存在。")
    elif _circular(tag.key, parents):
        yield Problem("cycle", tag.key, f"标签“{tag.name}”的上级标签绕了一圈又回到自己。")
    if tag.merged_into and (
        tag.active or tag.merged_into not in merged or _circular(tag.key, merged)
    ):
        told = f"标签“{tag.name}”不能并入“{tag.merged_into}”：去向要存在，本标签要先停用。"
        yield Problem("merged", tag.key, told)


def _names(document: Document) -> Iterator[Problem]:
    """A name means one tag. The name of a tag holds for every source."""
    keys = Counter(tag.key for tag in document.tags)
    for key in sorted(key for key, n in keys.items() if n > 1):
        yield Problem("key_twice", key, f"标签编号“{key}”出现了不止一次。")
    owners: dict[tuple[str, str], TagDef] = {}
    for tag in document.tags:
        for name in dict.fromkeys((tag.own_name, *tag.names)):
            source, raw = name
            if name != tag.own_name and _is_wrong(name):
                told = f"标签“{tag.name}”的同义词“{raw}”不能为空或太长，来源“{source}”要存在。"
                yield Problem("synonym", tag.key, told)
            other = owners.setdefault(name, tag)
            if other.key != tag.key:
                yield Problem("name_twice", tag.key, _twice(raw, other, tag))


def _is_wrong(name: tuple[str, str]) -> bool:
    source, raw = name
    return not raw or len(raw) > LONGEST or source not in SOURCES


def _twice(raw: str, other: TagDef, tag: TagDef) -> str:
    if other.name == tag.name:
        resting = "" if other.active and tag.active else "（其中一个已停用，可以恢复它）"
        return f"标签 {other.key} 和 {tag.key} 都叫“{tag.name}”{resting}，请给一个换名称。"
    return f"名称“{raw}”同时属于标签“{other.name}”和“{tag.name}”，请只保留一处。"


def _opposites(document: Document) -> Iterator[Problem]:
    known = document.by_key
    for a, b in sorted(document.opposites):
        if a not in known or b not in known or a == b:
            yield Problem("opposite", a, f"相反标签“{a}”和“{b}”要是两个存在的标签。")
        elif b in _above(known, a) or a in _above(known, b):
            told = f"“{known[a].name}”和“{known[b].name}”是上下级，不能互为相反标签。"
            yield Problem("opposite", a, told)


def _words(document: Document) -> Iterator[Problem]:
    for word, reason in document.forbidden:
        if not 2 <= len(word) <= LONGEST_WORD or not reason.strip() or len(reason) > 200:
            told = f"禁用词“{word}”要有 2 到 40 个字，并写明原因（不超过 200 字）。"
            yield Problem("word", word, told)


def _above(known: Mapping[str, TagDef], key: str) -> set[str]:
    found: set[str] = set()
    while (key := known[key].parent if key in known else "") and key not in found:
        found.add(key)
    return found


def _circular(key: str, next_of: Mapping[str, str]) -> bool:
    """True when going up from `key` comes back to it."""
    seen: set[str] = set()
    here = next_of.get(key, "")
    while here and here not in seen:
        if here == key:
            return True
        seen.add(here)
        here = next_of.get(here, "")
    return False


def _is_key(text: str, longest: int) -> bool:
    return len(text) <= longest and bool(_KEY.fullmatch(text))
