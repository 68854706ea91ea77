"""The texts of which sentences about deeds are put together, and reading one back. Pure.

A tag keeps as its evidence the Chinese sentence that these texts make. A page in another language
says the same texts with the same words: `say` gives a text in the reader's language, with its
places still open. So sentences of old need nothing but themselves.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping, Sequence
from functools import cache

from app.autotag.deeds import Act

Say = Callable[[str], str]

DOES: Mapping[Act, str] = {
    Act.OPENED: "打开%(n)s%(content)s", Act.READ: "读完%(n)s%(content)s",
    Act.SHARED: "传开%(n)s%(content)s", Act.MESSAGE: "留言%(n)s%(words)s",
    Act.MENU: "使用公众号菜单%(n)s", Act.SCAN: "扫码%(n)s", Act.FOLLOWED: "关注公众号%(n)s",
    Act.ADDED: "添加代表%(n)s", Act.SENT: "收到%(n)s%(content)s",
    Act.UNOPENED: "收到而未打开%(n)s%(content)s", Act.ANY: "互动%(n)s",
}  # fmt: skip
CONTENT, TAGGED, EACH = "%(length)s内容", "%(length)s「%(name)s」内容", "各标签"
LENGTHS = {"": "", "short": "三分钟内的", "long": "五分钟以上的"}
MENTIONING, OR = "（提到“%(said)s”）", "”或“"
PIECE, PIECES = " %(sign)s1 篇", " %(sign)s%(number)s 篇"
TIME, TIMES = " %(sign)s1 次", " %(sign)s%(number)s 次"

WITHIN, EVER = "近 %(days)s 天%(what)s", "累计%(what)s"
TODAY, YESTERDAY, AGO = "今天%(what)s", "昨天%(what)s", "%(days)s 天前%(what)s"
FIRST, SILENT = "第一次%(what)s", "已有 %(days)s 天没有%(what)s"
THEN = "%(what)s后 %(days)s 天内%(then)s"
COMMA = "，"

_KINDS: Mapping[str, Sequence[str]] = {  # what a place can hold, when that is text of ours
    "part": (WITHIN, EVER, TODAY, YESTERDAY, AGO, SILENT, THEN),
    "what": (FIRST, *DOES.values()),
    "then": tuple(DOES.values()),
    "n": ("", PIECE, PIECES, TIME, TIMES),
    "content": (TAGGED, CONTENT),
    "length": tuple(LENGTHS.values()),
    "words": ("", MENTIONING),
}
_HOLDS = {
    "days": r"\d+", "number": r"\d+", "sign": "", "n": r"(?: \d+ \w)?", "words": "(?:（.*）)?",
    "length": "|".join(LENGTHS.values()),
}  # fmt: skip
_PLACE = re.compile(r"%\\\((\w+)\\\)s")


def put(say: Say, text: str, **values: object) -> str:
    """The text with its values; both in the reader's language."""
    return say(text) % values if text else ""


def times(number: int, sign: str, of_content: bool, say: Say = str) -> str:
    """How often: ` ≥ 3 篇`."""
    one, many = (PIECE, PIECES) if of_content else (TIME, TIMES)
    return put(say, one if number == 1 else many, sign=sign, number=number)


def window(days: int | None, what: str, say: Say = str) -> str:
    """In the last days; None: ever."""
    return put(say, EVER if days is None else WITHIN, days=days, what=what)


def ago(days: int, what: str) -> str:
    """So many days ago."""
    return put(str, {0: TODAY, 1: YESTERDAY}.get(days, AGO), days=days, what=what)


def retold(evidence: str, say: Say) -> str | None:
    """The evidence of a rule in the reader's language; None when it is not made of these texts. A
    comma may stand in a name or in words as well: a part ends where it is one of our texts."""
    starts = [0, *(found.end() for found in re.finditer(COMMA, evidence))]
    told: dict[int, str] = {}  # from such a place to the end
    for start in reversed(starts):
        for after in (*(n for n in starts if n > start), len(evidence) + 1):
            whole = after > len(evidence)
            part = _retold("part", evidence[start : after - 1], say)
            if part is not None and (whole or after in told):
                told[start] = part if whole else f"{part}{say(COMMA)}{told[after]}"
                break
    return told.get(0)


def _retold(place: str, text: str, say: Say) -> str | None:
    """What stands at such a place; None when it can be none of the texts for it."""
    if place == "said":
        return text.replace(OR, say(OR))
    if place not in _KINDS:
        return text
    for one in _KINDS[place]:
        for found in filter(None, (each.fullmatch(text) for each in _patterns(one))):
            values = {name: _retold(name, said, say) for name, said in found.groupdict().items()}
            if None not in values.values():
                return put(say, one, **values)
    return None


@cache
def _patterns(text: str) -> list[re.Pattern[str]]:
    """With as much as possible in the first of its places, and with as little."""
    return [_pattern(text, ".*"), _pattern(text, ".*?")]


def _pattern(text: str, anything: str) -> re.Pattern[str]:
    held = _PLACE.sub(
        lambda place: f"(?P<{place[1]}>{_HOLDS.get(place[1], anything)})", re.escape(text)
    )
    return re.compile(held, re.DOTALL)
