"""The audience language: `标签:房颤 且 (专科 = 心内科 或 城市 = 云岭市) 且 非 标签:已退订`. Pure.

    expression = term {或 term};  term = factor {且 factor}
    factor     = 非 factor | ( expression ) | 标签:NAME [≥ 0.5] | FIELD = VALUE
               | 近 N 天打开 ≥ K | 企微好友 | 关注公众号 | 全部

Words also in English: and, or, not, tag:. Names with blanks, brackets, 且 or 或 in them stand in
"quotes". Errors say where and what was expected.
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

FIELDS = {
    "专科": "specialty", "医院": "hospital", "科室": "department", "职称": "title",
    "城市": "city", "省份": "province", "代表": "rep", "specialty": "specialty",
    "hospital": "hospital", "department": "department", "title": "title", "city": "city",
    "province": "province", "rep": "rep",
}  # fmt: skip
FIELD_NAMES = {code: name for name, code in list(FIELDS.items())[:7]}
DEFAULT_WEIGHT = 0.2
MAX_LENGTH, MAX_DEPTH = 2000, 40
_TOKEN = re.compile(
    r"""\s*(?:
      (?P<open>[(（])|(?P<close>[)）])
      |(?P<recent>近\s*(?P<days>\d{1,3})\s*天打开\s*(?:>=|≥)\s*(?P<times>\d{1,3}))
      |(?P<tag>(?:标签|tag)\s*[:：]\s*(?:"(?P<quoted>[^"]+)"|(?P<name>[^\s()（）≥>=且或]+)))
      |(?P<least>(?:>=|≥)\s*(?P<weight>0?\.\d+|1(?:\.0+)?|0))
      |(?P<field>[^\s()（）=＝:：≥>]+)\s*[=＝]\s*(?:"(?P<qvalue>[^"]+)"|(?P<value>[^\s()（）且或]+))
      |(?P<and>且|与|and\b|AND\b)|(?P<or>或|or\b|OR\b)|(?P<not>非|不|not\b|NOT\b)
      |(?P<word>[^\s()（）且或]+)
    )""",
    re.VERBOSE,
)


class Unparseable(ValueError):
    """The expression cannot be read; `str()` is a sentence with the place."""

    def __init__(self, position: int, expected: str) -> None:
        super().__init__(f"第 {position + 1} 个字附近：{expected}")
        self.position = position


@dataclass(frozen=True, slots=True)
class TagIs:
    """The tag holds with at least this weight."""

    name: str
    at_least: float = DEFAULT_WEIGHT


@dataclass(frozen=True, slots=True)
class FieldIs:
    """An attribute has this value; `rep` compares the rep's userid or name."""

    field: str
    value: str


@dataclass(frozen=True, slots=True)
class Opened:
    """Opened content at least `times` in the last `days`."""

    days: int
    times: int


@dataclass(frozen=True, slots=True)
class Reachable:
    """`wecom`: connected with a rep; `oa`: follows the Official Account; `all`: everybody."""

    channel: str


@dataclass(frozen=True, slots=True)
class Not:
    """The opposite."""

    inner: Node


@dataclass(frozen=True, slots=True)
class All:
    """Every part holds."""

    parts: tuple[Node, ...]


@dataclass(frozen=True, slots=True)
class AnyOf:
    """At least one part holds."""

    parts: tuple[Node, ...]


Node = TagIs | FieldIs | Opened | Reachable | Not | All | AnyOf
WORDS = {"企微好友": "wecom", "关注公众号": "oa", "全部": "all", "all": "all"}


@dataclass(frozen=True, slots=True)
class _Piece:
    kind: str
    match: re.Match[str]
    at: int


def parse(text: str) -> Node:
    """The expression as a tree. Raises Unparseable."""
    if not text.strip():
        raise Unparseable(0, "请填写条件，例如 标签:房颤；选择所有医生写 全部")
    if len(text) > MAX_LENGTH:
        raise Unparseable(MAX_LENGTH, "条件太长")
    parser = _Parser(list(_pieces(text)), len(text))
    tree = parser.either(0)
    parser.expect_end()
    return tree


def tag_names(node: Node) -> set[str]:
    """Every tag that an expression names."""
    if isinstance(node, TagIs):
        return {node.name}
    if isinstance(node, Not):
        return tag_names(node.inner)
    if isinstance(node, All | AnyOf):
        return set().union(*(tag_names(part) for part in node.parts))
    return set()


def rep_names(node: Node) -> set[str]:
    """Every rep that an expression names, by userid or name."""
    if isinstance(node, FieldIs):
        return {node.value} if node.field == "rep" else set()
    if isinstance(node, Not):
        return rep_names(node.inner)
    if isinstance(node, All | AnyOf):
        return set().union(*(rep_names(part) for part in node.parts))
    return set()


def describe(node: Node) -> str:
    """The tree in words, as it was understood."""
    if isinstance(node, TagIs):
        strength = "" if node.at_least == DEFAULT_WEIGHT else f"（强度 ≥ {node.at_least:g}）"
        return f"有标签「{node.name}」{strength}"
    if isinstance(node, FieldIs):
        return f"{FIELD_NAMES[node.field]}是「{node.value}」"
    if isinstance(node, Opened):
        return f"近 {node.days} 天打开过至少 {node.times} 次"
    if isinstance(node, Reachable):
        return {"wecom": "是企微好友", "oa": "关注了公众号", "all": "所有医生"}[node.channel]
    if isinstance(node, Not):
        return f"不满足（{describe(node.inner)}）"
    word = "，并且" if isinstance(node, All) else "，或者"
    return word.join(
        f"（{describe(part)}）" if isinstance(part, All | AnyOf) else describe(part)
        for part in node.parts
    )


def _pieces(text: str) -> Iterator[_Piece]:
    position = 0
    while position < len(text.rstrip()):
        match = _TOKEN.match(text, position)
        if match is None or match.end() == position:
            raise Unparseable(position, "看不懂这里的写法")
        kind = next(
            name
            for name in (
                "open", "close", "recent", "tag", "least", "field", "and", "or", "not", "word",
            )
            if match.group(name)
        )  # fmt: skip
        start = match.start() + len(match.group()) - len(match.group().lstrip())
        yield _Piece(kind, match, start)
        position = match.end()


class _Parser:
    def __init__(self, pieces: list[_Piece], length: int) -> None:
        self.pieces = pieces
        self.length = length
        self.next = 0

    def either(self, depth: int) -> Node:
        parts = [self.both(depth)]
        while self._take("or"):
            parts.append(self.both(depth))
        return parts[0] if len(parts) == 1 else AnyOf(tuple(parts))

    def both(self, depth: int) -> Node:
        parts = [self.factor(depth)]
        while self._take("and"):
            parts.append(self.factor(depth))
        return parts[0] if len(parts) == 1 else All(tuple(parts))

    def factor(self, depth: int) -> Node:
        if depth > MAX_DEPTH:
            raise Unparseable(self._here(), "括号或“非”嵌套太深")
        if self._take("not"):
            return Not(self.factor(depth + 1))
        if self._take("open"):
            inner = self.either(depth + 1)
            if not self._take("close"):
                raise Unparseable(self._here(), "缺少右括号 )")
            return inner
        return self._leaf()

    def expect_end(self) -> None:
        if self.next < len(self.pieces):
            if self.pieces[self.next].match.group().strip()[0] in "≥>":
                raise Unparseable(self._here(), "“≥”后面需要 0 到 1 之间的数，例如 ≥ 0.5")
            raise Unparseable(self._here(), "这里需要 且、或，或者结束")

    def _leaf(self) -> Node:
        piece = self._take("tag", "field", "recent", "word")
        if piece is None:
            raise Unparseable(self._here(), "这里需要一个条件，例如 标签:房颤 或 专科 = 心内科")
        match = piece.match
        if piece.kind == "tag":
            least = self._take("least")
            weight = float(least.match.group("weight")) if least else DEFAULT_WEIGHT
            return TagIs(match.group("quoted") or match.group("name"), weight)
        if piece.kind == "recent":
            return Opened(int(match.group("days")), int(match.group("times")))
        if piece.kind == "field":
            name = FIELDS.get(match.group("field"))
            if name is None:
                known = "、".join(list(FIELDS)[:7])
                raise Unparseable(piece.at, f"没有“{match.group('field')}”这个属性，可用：{known}")
            return FieldIs(name, match.group("qvalue") or match.group("value"))
        word = match.group("word")
        if word in WORDS:
            return Reachable(WORDS[word])
        if word.rstrip(":：") in ("标签", "tag"):
            raise Unparseable(piece.at, "“标签:”后面需要标签的名字")
        if word.startswith("近"):
            raise Unparseable(piece.at, "这里要写成 近 30 天打开 ≥ 2")
        raise Unparseable(piece.at, f"看不懂“{word}”；标签要写成 标签:{word}")

    def _take(self, *kinds: str) -> _Piece | None:
        if self.next < len(self.pieces) and self.pieces[self.next].kind in kinds:
            self.next += 1
            return self.pieces[self.next - 1]
        return None

    def _here(self) -> int:
        return self.pieces[self.next].at if self.next < len(self.pieces) else self.length
