"""A rule as a sentence that can be read aloud, in the reader's language. Pure."""

from __future__ import annotations

from collections.abc import Mapping

from app.autotag import phrases
from app.autotag.phrases import Say, put
from app.autotag.rules import Condition, Count, First, Meaning, Recent, Rule, Silent, thing

WHOLE = "%(parts)s的医生，%(gives)s，把握 %(sure)s。"
GIVES, GIVES_EACH = "得到标签「%(name)s」", "得到该标签（%(of)s）"
AND, AND_OF_ONE, INSIDE = "，并且", " 且 ", "属于“%(audience)s”"
NEVER, LAST = "没有%(what)s", "最近一次%(what)s在 %(days)s 天之内"
FIRST, SILENT = "第一次%(what)s在 %(days)s 天之内", "超过 %(days)s 天没有%(what)s"


def sentence(rule: Rule, meaning: Meaning, categories: Mapping[str, str], say: Say = str) -> str:
    """近 30 天打开 ≥ 3 篇内容，并且属于“企微好友”的医生，得到标签「近期活跃」，把握 80%。"""
    parts = [part(condition, meaning, say) for condition in rule.all]
    if rule.audience:
        parts.append(put(say, INSIDE, audience=rule.audience))
    if rule.each:
        of = say("、").join(categories.get(key, key) for key in rule.each)
        gives = put(say, GIVES_EACH, of=of)
    else:
        name = meaning.names.get(meaning.ids.get(rule.gives, 0), rule.gives)
        gives = put(say, GIVES, name=name)
    return put(say, WHOLE, parts=say(AND).join(parts), gives=gives, sure=f"{rule.confidence:.0%}")


def part(condition: Condition, meaning: Meaning, say: Say = str) -> str:
    """One condition."""
    if isinstance(condition, Count):
        return _count(condition, meaning, say)
    what = thing(condition.pick, meaning, say=say)
    if isinstance(condition, Recent):
        return put(say, LAST, what=what, days=condition.days)
    if isinstance(condition, Silent):
        return put(say, SILENT, what=what, days=condition.days)
    if isinstance(condition, First):
        return put(say, FIRST, what=what, days=condition.days)
    then = thing(condition.then, meaning, say=say)
    if condition.within is not None:
        then = put(say, phrases.WITHIN, what=then, days=condition.within)
    return put(say, phrases.THEN, what=what, days=condition.days, then=then)


def _count(condition: Count, meaning: Meaning, say: Say) -> str:
    signs = [("≥ ", condition.at_least)] if condition.at_least else []
    signs += [("≤ ", condition.at_most)] if condition.at_most is not None else []
    told = say(AND_OF_ONE).join(
        thing(condition.pick, meaning, number=number, sign=sign, say=say) for sign, number in signs
    )
    if condition.at_most == 0:
        told = put(say, NEVER, what=thing(condition.pick, meaning, say=say))
    return phrases.window(condition.days, told, say)
