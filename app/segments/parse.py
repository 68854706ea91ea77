"""The audience language: `专科 = 肿瘤 且 近30天打开 ≥ 2 且 非 标签:已退订`. Pure.

    expression = term {或 term};  term = factor {且 factor}
    factor     = 非 factor | ( expression ) | 标签:NAME [≥ 0.5] | FIELD = VALUE
               | 近 N 天 打开|读完|留言|收到 [≥ K | ≤ K | = K | < K | > K | K-M] | 近 N 天未打开
               | 活动:NAME 已收到|已打开|未打开 | 人群:NAME | 名单:NAME
               | 许可:企微推送|公众号推送 | 已退订 | 企微好友 | 关注公众号 | 全部

Every word also in English (`language.py`). Names with blanks, brackets, 且 or 或 in them stand in
"quotes", a quote in them is doubled. Errors say where and what was expected. `wording.py` writes a
tree back.
"""

from __future__ import annotations

from app.hospitals.levels import standard
from app.segments.language import (
    CONSENT_WORDS,
    CONSENTS,
    COUNTS,
    FIELD_WORDS,
    FIELDS,
    FLAGS,
    OPTED_OUT_TAG,
    SORTS,
    STEPS,
)
from app.segments.nodes import (
    DEFAULT_WEIGHT,
    MAX_DEPTH,
    MAX_LENGTH,
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
    Unparseable,
)
from app.segments.tokens import Piece, pieces

MOST_TIMES = 999


def parse(text: str, *, fresh: bool = False) -> Node:
    """The expression as a tree. `fresh`: it is being written; 近0天, which older releases took and
    saved, is refused then. Raises Unparseable."""
    if not text.strip():
        raise Unparseable(0, "请填写条件，例如 标签:房颤；选择所有医生写 全部")
    if len(text) > MAX_LENGTH:
        raise Unparseable(MAX_LENGTH, "条件太长")
    parser = _Parser(list(pieces(text)), len(text), 1 if fresh else 0)
    tree = parser.either(0)
    parser.expect_end()
    return tree


class _Parser:
    def __init__(self, found: list[Piece], length: int, least_days: int) -> None:
        self.pieces = found
        self.length = length
        self.least_days = least_days
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
        if self.next >= len(self.pieces):
            return
        first = self.pieces[self.next].text[0]
        if self.next and self.pieces[self.next - 1].kind == "counted" and first in "≥≤><=＝":
            raise Unparseable(self._here(), f"次数要写成 0 到 {MOST_TIMES} 的整数，例如 ≥ 2")
        if first in "≥>":
            raise Unparseable(self._here(), "“≥”后面需要 0 到 1 之间的数，例如 ≥ 0.5")
        if first in "≤<":
            raise Unparseable(self._here(), "标签弱于 0.5 要写成 非 标签:名称 ≥ 0.5")
        raise Unparseable(self._here(), "这里需要 且、或，或者结束")

    def _leaf(self) -> Node:
        piece = self._take("tag", "named", "field", "counted", "word")
        if piece is None:
            raise Unparseable(self._here(), "这里需要一个条件，例如 标签:房颤 或 专科 = 心内科")
        if piece.kind == "tag":
            return self._tag(piece.name("t"))
        if piece.kind == "named":
            return self._named(piece, SORTS[piece.match.group("sort")], piece.name("n"))
        if piece.kind == "counted":
            return self._counted(piece)
        return _field(piece) if piece.kind == "field" else _word(piece)

    def _tag(self, name: str) -> Node:
        if name == OPTED_OUT_TAG:
            return Reachable("out")
        least = self._take("least")
        return TagIs(name, float(least.match.group("weight")) if least else DEFAULT_WEIGHT)

    def _counted(self, piece: Piece) -> Node:
        node = _counted(piece)
        if node.days < self.least_days:
            raise Unparseable(piece.at, "近 0 天里一天也没有，请写 1 到 999 天；近 1 天是今天")
        return node

    def _named(self, piece: Piece, sort: str, name: str) -> Node:
        if sort == "segment":
            return SegmentIs(name)
        if sort == "list":
            return ListIs(name)
        if sort == "consent":
            if name not in CONSENTS:
                known = "、".join(words[0] for words in CONSENT_WORDS.values())
                raise Unparseable(piece.at, f"没有“{name}”这种许可，可用：{known}")
            return Reachable(CONSENTS[name])
        step = self._take("step")
        if step is None:
            raise Unparseable(self._here(), f"活动:{name} 后面需要 已收到、已打开 或 未打开")
        return CampaignIs(name, STEPS[step.text.replace(" ", "_")])

    def _take(self, *kinds: str) -> Piece | None:
        if self.next < len(self.pieces) and self.pieces[self.next].kind in kinds:
            self.next += 1
            return self.pieces[self.next - 1]
        return None

    def _here(self) -> int:
        return self.pieces[self.next].at if self.next < len(self.pieces) else self.length


def _counted(piece: Piece) -> Counted:
    said = piece.match.group
    what, days = COUNTS[said("what") or said("ewhat")], int(said("days") or said("edays"))
    bounded = said("times") or said("low")
    if said("never") or said("enever"):
        if bounded:
            raise Unparseable(piece.at, "写了“未”就不能再写次数")
        return Counted(what, days, 0, 0)
    if said("low"):
        low, high = int(said("low")), int(said("high"))
        if low > high:
            raise Unparseable(piece.at, f"范围 {low}-{high} 前大后小")
        return Counted(what, days, low, high)
    times = int(said("times") or 1)
    if said("op") == "<" and not times:
        raise Unparseable(piece.at, "次数不会小于 0")
    least, most = {
        ">=": (times, None), ">": (times + 1, None), "<=": (0, times), "<": (0, times - 1),
        "=": (times, times),
    }[_sign(said("op"))]  # fmt: skip
    return Counted(what, days, least, most)


def _sign(written: str | None) -> str:
    same = {None: ">=", "≥": ">=", "≤": "<=", "==": "=", "＝": "="}
    return same.get(written, written or "")


def _field(piece: Piece) -> Node:
    name = piece.match.group("field")
    field = FIELDS.get(name)
    if field is None:
        known = "、".join(words[0] for words in FIELD_WORDS.values())
        raise Unparseable(piece.at, f"没有“{name}”这个属性，可用：{known}")
    quoted = piece.match.group("qvalue")
    value = piece.match.group("value") if quoted is None else quoted.replace('""', '"')
    return FieldIs(field, standard(value) if field == "level" else value)


def _word(piece: Piece) -> Node:
    word = piece.match.group("word")
    if word in FLAGS:
        return Reachable(FLAGS[word])
    if word.rstrip(":：") in SORTS:
        kind = word.rstrip(":：")
        raise Unparseable(piece.at, f"“{kind}:”后面需要{kind}的名字")
    if word.startswith("近") and "转发" in word:
        raise Unparseable(piece.at, "没有“转发”的数据：微信不告诉我们医生把页面转给了谁")
    if word.startswith(("近", "last", "past")):
        raise Unparseable(piece.at, "这里要写成 近 30 天打开 ≥ 2，不超过 999 天；"
                                    "也可以是 读完、留言、收到")  # fmt: skip
    if word.rstrip("=＝") in FIELDS:
        name = word.rstrip("=＝")
        raise Unparseable(piece.at, f"“{name}”后面需要一个值，例如 {name} = …")
    raise Unparseable(piece.at, f"看不懂“{word}”；标签要写成 标签:{word}")
