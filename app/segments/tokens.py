"""Cutting an expression into pieces, each with its place. Pure."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass

from app.segments.nodes import Unparseable

NAME = r'(?:"(?P<{0}quoted>(?:[^"]|"")+)"|(?P<{0}name>[^\s()（）≥≤><=且或"]+))'
KINDS = ("open", "close", "counted", "tag", "named", "step", "least", "field", "and", "or", "not",
         "word")  # fmt: skip
_TOKEN = re.compile(
    rf"""\s*(?:
      (?P<open>[(（])|(?P<close>[)）])
      |(?P<counted>
        (?:近\s*(?P<days>\d{{1,3}})\s*天\s*(?P<never>未|没有|没)?\s*(?P<what>打开|读完|留言|收到)过?
          |(?:last|past)\s*(?P<edays>\d{{1,3}})\s*d(?:ays?)?\s+(?P<enever>not\s+)?
           (?P<ewhat>opened|read|messaged|received)\b)
        (?:\s*(?P<op>>=|≥|<=|≤|==|=|＝|>|<)\s*(?P<times>\d{{1,3}})(?!\d)
          |\s*(?P<low>\d{{1,3}})\s*(?:-|–|~|～|到|至|to)\s*(?P<high>\d{{1,3}})(?!\d))?(?:\s*次)?)
      |(?P<tag>(?:标签|tag)\s*[:：]\s*{NAME.format("t")})
      |(?P<named>(?P<sort>活动|人群|名单|许可|campaign|segment|list|consent)\s*[:：]\s*
        {NAME.format("n")})
      |(?P<step>已收到|已打开|未打开|received\b|opened\b|not[\s_]opened\b)
      |(?P<least>(?:>=|≥)\s*(?P<weight>0?\.\d+|1(?:\.0+)?|0)(?![\d.]))
      |(?P<field>(?![非不])[^\s()（）=＝:：≥≤><且或]+)\s*[=＝]\s*
        (?:"(?P<qvalue>(?:[^"]|"")+)"|(?P<value>[^\s()（）且或"]+))
      |(?P<and>且|与|and\b|AND\b)|(?P<or>或|or\b|OR\b)|(?P<not>非|不|not\b|NOT\b)
      |(?P<word>[^\s()（）且或]+)
    )""",
    re.VERBOSE,
)


@dataclass(frozen=True, slots=True)
class Piece:
    """One word, number, name or sign."""

    kind: str
    match: re.Match[str]
    at: int

    @property
    def text(self) -> str:
        """As it is written."""
        return self.match.group().strip()

    def name(self, which: str) -> str:
        """A name that stands in it, with or without quotes."""
        quoted = self.match.group(f"{which}quoted")
        plain: str = self.match.group(f"{which}name") if quoted is None else ""
        return plain if quoted is None else quoted.replace('""', '"')


def pieces(text: str) -> Iterator[Piece]:
    """All pieces in order. Raises Unparseable."""
    position, end = 0, len(text.rstrip())
    while position < end:
        match = _TOKEN.match(text, position)
        if match is None or match.end() == position:
            raise Unparseable(position, "看不懂这里的写法")
        kind = next(name for name in KINDS if match.group(name))
        start = match.start() + len(match.group()) - len(match.group().lstrip())
        yield Piece(kind, match, start)
        position = match.end()
