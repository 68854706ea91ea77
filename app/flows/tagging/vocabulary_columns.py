"""How a vocabulary stands in a table: its sheets, columns and words."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

TAGS, CATEGORIES, WORDS = "标签", "分类", "禁用词"
COLUMNS = {  # field → how the first line may name it, ours first
    "key": ("编号", "key"), "name": ("名称", "name"), "category": ("分类", "category"),
    "owner": ("负责", "owner"), "meaning": ("说明", "meaning"), "parent": ("上级标签", "parent"),
    "half_life_days": ("半衰期（天）", "半衰期", "half_life_days"),
    "sensitivity": ("可见范围", "sensitivity"), "may_assert": ("允许的来源", "may_assert"),
    "opposites": ("相反标签", "opposites"), "names": ("同义词", "names", "synonyms"),
    "mirrored": ("同步到企微", "mirrored"), "active": ("使用中", "active"),
    "merged_into": ("已并入", "merged_into"),
}  # fmt: skip
CATEGORY_COLUMNS = {
    "key": ("编号", "key"), "name": ("名称", "name"), "parent": ("上级分类", "parent"),
    "exclusive": ("只取其一", "exclusive"), "position": ("顺序", "position"),
}  # fmt: skip
WORD_COLUMNS = {"word": ("禁用词", "word"), "reason": ("原因", "reason")}
YES, NO = ("是", "yes", "true", "1"), ("否", "no", "false", "0")
WORDS_FOR = {
    "owner": {"销售": "sales", "市场": "marketing", "医学": "medical", "系统": "system"},
    "sensitivity": {"代表可见": "normal", "仅内部": "staff"},
}
UNSAFE = ("=", "+", "-", "@", "\t", "\r")  # a spreadsheet would calculate such a cell


def heads(columns: Mapping[str, Sequence[str]]) -> list[str]:
    """The first line, as we write it."""
    return [names[0] for names in columns.values()]


def word(value: bool) -> str:
    """是 or 否."""
    return YES[0] if value else NO[0]


def safe(cell: str) -> str:
    """Never a formula; `unsafe` takes the mark away again."""
    return f"'{cell}" if cell.startswith((*UNSAFE, "'")) else cell


def unsafe(cell: str) -> str:
    """As it was before `safe`."""
    return cell[1:] if cell.startswith("'") else cell
