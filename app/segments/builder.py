"""A tree as the builder of the page shows it, and back. Pure.

A group is `{"join": "all" | "any", "not": bool, "items": [...]}`, everything else
`{"leaf": kind, "not": bool, …fields}`. A group of one item is that item, so that somebody who
takes the others out has not to take the group out as well.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict
from typing import Any

from app.hospitals.levels import standard
from app.segments.language import CONSENT_WORDS, COUNT_WORDS, FIELD_WORDS, FLAG_WORDS, STEP_WORDS
from app.segments.nodes import (
    MAX_DEPTH,
    All,
    AnyOf,
    CampaignIs,
    Counted,
    FieldIs,
    ListIs,
    Node,
    Not,
    Reachable,
    SegmentIs,
    TagIs,
)

Model = dict[str, Any]
LEAVES: dict[str, type[Any]] = {
    "tag": TagIs, "field": FieldIs, "count": Counted, "flag": Reachable, "campaign": CampaignIs,
    "list": ListIs, "segment": SegmentIs,
}  # fmt: skip
NAMES = {kind: name for name, kind in LEAVES.items()}
MOST_DAYS, MOST_TIMES, LONGEST = 999, 999, 140
_CHOICES = {
    "what": COUNT_WORDS, "field": FIELD_WORDS, "step": STEP_WORDS,
    "channel": FLAG_WORDS | CONSENT_WORDS,
}  # fmt: skip


class Unbuildable(ValueError):
    """What the builder sent is no expression; `str()` is a sentence that says what is missing."""


def to_model(node: Node, negated: bool = False) -> Model:
    """As the builder shows it; the top is always a group."""
    model = _model(node, negated)
    return model if "join" in model else {"join": "all", "not": False, "items": [model]}


def _model(node: Node, negated: bool) -> Model:
    if isinstance(node, Not):
        if not negated:
            return _model(node.inner, True)
        return {"join": "all", "not": True, "items": [_model(node, False)]}
    if isinstance(node, All | AnyOf):
        join = "all" if isinstance(node, All) else "any"
        return {"join": join, "not": negated, "items": [_model(p, False) for p in node.parts]}
    return {"leaf": NAMES[type(node)], "not": negated, **asdict(node)}


def to_tree(model: Any, depth: int = 0) -> Node:
    """The tree that the builder shows. Raises Unbuildable."""
    if not isinstance(model, Mapping) or depth > MAX_DEPTH:
        raise Unbuildable("看不懂这个条件，请刷新页面后重试。")
    node = _group(model, depth) if "join" in model else _leaf(model)
    return Not(node) if model.get("not") else node


def _group(model: Mapping[str, Any], depth: int) -> Node:
    items = model.get("items")
    if not isinstance(items, list) or not items:
        raise Unbuildable("有一组还没有条件，请添加条件或删除这一组。")
    parts = tuple(to_tree(item, depth + 1) for item in items)
    if len(parts) == 1:
        return parts[0]
    return AnyOf(parts) if model["join"] == "any" else All(parts)


def _leaf(model: Mapping[str, Any]) -> Node:
    kind = LEAVES.get(str(model.get("leaf")))
    if kind is None:
        raise Unbuildable("看不懂这个条件，请刷新页面后重试。")
    given = {name: model.get(name) for name in kind.__slots__ if name in model}
    for name, choices in _CHOICES.items():
        if name in kind.__slots__ and given.get(name) not in choices:
            raise Unbuildable("有一个条件没有选完，请补充。")
    for name in ("name", "value"):
        if name in kind.__slots__ and not _is_name(given.get(name)):
            raise Unbuildable("有一个条件还没有选名称，请补充。")
    _check_numbers(kind, given)
    if given.get("field") == "level":
        given["value"] = standard(str(given["value"]))
    leaf: Node = kind(**given)
    return leaf


def _is_name(text: Any) -> bool:
    return isinstance(text, str) and bool(text.strip()) and len(text) <= LONGEST


def _check_numbers(kind: type[Any], given: dict[str, Any]) -> None:
    if kind is TagIs and "at_least" in given:
        weight = given["at_least"]
        if not isinstance(weight, int | float) or not 0 <= weight <= 1:
            raise Unbuildable("标签的强度是 0 到 1 之间的数。")
        given["at_least"] = float(weight)
    if kind is Counted:
        least, most = given.get("least", 1), given.get("most")
        numbers = [given.get("days"), least, *([] if most is None else [most])]
        if not all(isinstance(n, int) and not isinstance(n, bool) and 0 <= n <= MOST_TIMES
                   for n in numbers):  # fmt: skip
            raise Unbuildable(f"天数和次数是 0 到 {MOST_DAYS} 的整数。")
        if most is not None and least > most:
            raise Unbuildable("次数的范围前大后小，请对调。")
