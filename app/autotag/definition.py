"""Rules as JSON, and what a rule must keep to. Pure.

    {"gives": "b-active", "all": [{"is": "count", "act": "opened", "at_least": 3, "days": 30}],
     "audience": "专科 = 心内科", "confidence": 0.8}
    {"each": ["disease", "topic"], "all": [{"is": "count", "act": "read", "tagged": "*", …}], …}

`read` raises Refused with a sentence that says what to change.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from app.autotag.deeds import Act
from app.autotag.rules import (
    EACH,
    OF_CONTENT,
    Condition,
    Count,
    First,
    Pick,
    Recent,
    Rule,
    Silent,
    Then,
    picks,
)
from app.infra.errors import Refused

LONGEST_DAYS, MOST_TIMES, MOST_CONDITIONS = 999, 999, 5
MOST_WORDS, LONGEST_WORD, LONGEST_AUDIENCE = 30, 20, 2000
AGAIN_CONFIDENCE, AGAIN_TIMES = 0.5, 2
SAID_ALREADY = frozenset((Act.OPENED, Act.READ, Act.SHARED))
KINDS: Mapping[str, type[Condition]] = {
    "count": Count, "recent": Recent, "silent": Silent, "first": First, "then": Then,
}  # fmt: skip
SIMPLE: Mapping[str, type[Recent | Silent | First]] = {
    "recent": Recent, "silent": Silent, "first": First,
}  # fmt: skip
_NAMES = {kind: name for name, kind in KINDS.items()}


def read(data: Mapping[str, Any]) -> Rule:
    """The rule of this definition. Raises Refused."""
    if not isinstance(data, Mapping):
        raise Refused("规则的定义应当是一个 JSON 对象。")
    unknown = set(data) - {"gives", "each", "all", "audience", "confidence"}
    if unknown:
        raise Refused(f"规则里有不认识的项：{'、'.join(sorted(map(str, unknown)))}。")
    parts = data.get("all")
    if not isinstance(parts, list) or not 1 <= len(parts) <= MOST_CONDITIONS:
        raise Refused(f"规则需要 1 到 {MOST_CONDITIONS} 个条件。")
    rule = Rule(
        gives=_text(data, "gives", 60), all=tuple(_condition(part) for part in parts),
        each=_texts(data.get("each") or [], "each"),
        audience=_text(data, "audience", LONGEST_AUDIENCE), confidence=_confidence(data),
    )  # fmt: skip
    _check(rule)
    return rule


def write(rule: Rule) -> dict[str, Any]:
    """What `read` takes; without what is empty."""
    told: dict[str, Any] = {"each": list(rule.each)} if rule.each else {"gives": rule.gives}
    told["all"] = [_told(condition) for condition in rule.all]
    if rule.audience:
        told["audience"] = rule.audience
    return told | {"confidence": rule.confidence}


def repeats(rule: Rule) -> bool:
    """True when it counts deeds of which each alone asserts the tag already: reading a content
    gives the tags of the content."""
    return any(
        pick.act in SAID_ALREADY
        and pick.tagged
        and pick.tagged == (EACH if rule.each else rule.gives)
        for pick in picks(rule)
    )


def check_repeats(rule: Rule) -> None:
    """What is said already may only be said to be repeated. Raises Refused."""
    if rule.confidence > AGAIN_CONFIDENCE:
        raise Refused(
            "单次阅读或留言已经是这个标签的证据，规则只补充“反复出现”这一点："
            f"请把把握度设为 {AGAIN_CONFIDENCE:g} 或更低。"
        )
    if not any(isinstance(c, Count) and c.at_least >= AGAIN_TIMES for c in rule.all):
        raise Refused(f"单次阅读或留言已经是这个标签的证据，请把次数设为 {AGAIN_TIMES} 或更多。")


def _check(rule: Rule) -> None:
    if bool(rule.gives) == bool(rule.each):
        raise Refused("请选择规则给出哪个标签，或者选择“分类中的每个标签”。")
    each = [pick for pick in picks(rule) if pick.tagged == EACH]
    if rule.each and not each:
        raise Refused("给出“分类中的每个标签”时，至少一个条件要写“带有该标签的内容”。")
    if each and not rule.each:
        raise Refused("“带有该标签的内容”只用于给出“分类中的每个标签”的规则。")
    for pick in picks(rule):
        if (pick.tagged or pick.length) and pick.act not in OF_CONTENT:
            raise Refused("只有打开、读完、传开、收到内容的条件可以限定内容的标签或长度。")
        if pick.words and pick.act is not Act.MESSAGE:
            raise Refused("只有留言的条件可以限定词语。")
    for condition in rule.all:
        if isinstance(condition, Count) and not condition.at_least and condition.at_most is None:
            raise Refused("“至少 0 次”总是成立，请写次数的下限或上限。")
        if isinstance(condition, Count) and condition.at_most is not None:
            _check_most(condition)
    if repeats(rule):
        check_repeats(rule)


def _check_most(condition: Count) -> None:
    assert condition.at_most is not None
    if condition.at_most < condition.at_least:
        raise Refused("次数的上限不能小于下限。")


def _condition(data: Any) -> Condition:
    if not isinstance(data, Mapping) or data.get("is") not in KINDS:
        raise Refused(f"条件的 is 应当是 {'、'.join(KINDS)} 之一。")
    allowed = {"is", "act", "tagged", "length", "words", "at_least", "at_most", "days", "then",
               "within"}  # fmt: skip
    if unknown := set(data) - allowed:
        raise Refused(f"条件里有不认识的项：{'、'.join(sorted(map(str, unknown)))}。")
    pick = _pick(data)
    if data["is"] == "count":
        least = _number(data, "at_least", 0, MOST_TIMES)
        most = _number(data, "at_most", 0, MOST_TIMES) if data.get("at_most") is not None else None
        days = _number(data, "days", 1, LONGEST_DAYS) if data.get("days") is not None else None
        return Count(pick, least, days, most)
    days = _number(data, "days", 1, LONGEST_DAYS)
    if data["is"] == "then":
        within = (
            _number(data, "within", 1, LONGEST_DAYS) if data.get("within") is not None else None
        )
        then = data.get("then")
        if not isinstance(then, Mapping):
            raise Refused("“先后”的条件需要写明随后发生什么（then）。")
        return Then(pick, _pick(then), days, within)
    return SIMPLE[data["is"]](pick, days)


def _pick(data: Mapping[str, Any]) -> Pick:
    act = data.get("act")
    if act not in set(Act):
        raise Refused(f"行为应当是 {'、'.join(Act)} 之一。")
    length = _text(data, "length", 10)
    if length not in ("", "short", "long"):
        raise Refused("内容长度应当是 short、long 或留空。")
    words = _texts(data.get("words") or [], "words")
    if len(words) > MOST_WORDS or any(len(word) > LONGEST_WORD for word in words):
        raise Refused(f"最多 {MOST_WORDS} 个词，每个最多 {LONGEST_WORD} 字。")
    return Pick(Act(act), _text(data, "tagged", 60), length, tuple(w.lower() for w in words))


def _told(condition: Condition) -> dict[str, Any]:
    told: dict[str, Any] = {"is": _NAMES[type(condition)]} | _told_pick(condition.pick)
    if isinstance(condition, Count):
        told["at_least"] = condition.at_least
        if condition.at_most is not None:
            told["at_most"] = condition.at_most
    if condition.days is not None:
        told["days"] = condition.days
    if isinstance(condition, Then):
        told["then"] = _told_pick(condition.then)
        if condition.within is not None:
            told["within"] = condition.within
    return told


def _told_pick(pick: Pick) -> dict[str, Any]:
    told: dict[str, Any] = {"act": pick.act.value}
    for name in ("tagged", "length"):
        if getattr(pick, name):
            told[name] = getattr(pick, name)
    return told | ({"words": list(pick.words)} if pick.words else {})


def _number(data: Mapping[str, Any], name: str, low: int, high: int) -> int:
    value = data.get(name)
    if not isinstance(value, int) or isinstance(value, bool) or not low <= value <= high:
        names = {"at_least": "次数", "at_most": "次数上限", "days": "天数", "within": "最近的天数"}
        raise Refused(f"{names[name]}应当是 {low} 到 {high} 的整数。")
    return value


def _confidence(data: Mapping[str, Any]) -> float:
    value = data.get("confidence", 0.8)
    if not isinstance(value, int | float) or isinstance(value, bool) or not 0.05 <= value <= 1:
        raise Refused("把握度应当在 0.05 和 1 之间。")
    return float(value)


def _text(data: Mapping[str, Any], name: str, most: int) -> str:
    value = data.get(name) or ""
    if not isinstance(value, str) or len(value) > most:
        raise Refused(f"{name} 应当是不超过 {most} 字的文字。")
    return value.strip()


def _texts(value: Any, name: str) -> tuple[str, ...]:
    if not isinstance(value, list) or not all(isinstance(one, str) for one in value):
        raise Refused(f"{name} 应当是文字的列表。")
    return tuple(dict.fromkeys(one.strip() for one in value if one.strip()))
