"""What a written name says besides the name: further names in brackets, and a campus. Pure.

    read("漯河市第一人民医院（漯河市中心医院）")   one more name
    read("同济医院（光谷院区）")                  a campus of 同济医院
    read("深圳市宝安区中心医院(原西乡人民医院)")   a former name

A research institute, an online hospital or a network of clinics in brackets is another
institution more often than another name: it is held back for a person.
"""

from __future__ import annotations

import re
import unicodedata
from dataclasses import dataclass
from enum import StrEnum

from app.hospitals.normalise import arabic

_BRACKET = re.compile(r"[(\[〔【]([^()\[\]〔〕【】]*)[)\]〕】]")
_SEPARATOR = re.compile(r"[、,;|]")
_SAID = re.compile(
    r"^(?:(?P<former>原名|曾用名|曾名|原(?!平|州|阳))|(?:又名|又称|亦称|即|挂牌|加挂)"
    r"|(?P<short>简称))[::]?"
)
_INSTITUTION = re.compile(
    r"(?:医院|医医|卫生院|保健院|中心|附院|[一二三四五六七八九十\d]院|卫生服务站|门诊部)$"
)
_CAMPUS = re.compile(r"(?:院区|校区|分院|分部|[东南西北新老本总][院区部])$")
_AT_END = re.compile(
    r"^(?P<base>.+?(?:医院|保健院|卫生院|中心|集团|附一院|附二院))[/-]?"
    r"(?P<campus>[^医]{0,10}?(?:院区|校区|分院|分部)|[东南西北新老](?:院|区|部)|本部)$"
)
_HELD = re.compile(
    r"研究|医共体|医联体|集团|互联网|网络医院|计划生育|定点|培训|考试|鉴定|站$|疾病预防|急救|筹|在建"
)
_GENERAL = re.compile(
    r"(?:第\d{1,2}(?!\d)|(?<!\d)\d(?!\d)|人民|中心|综合|总|附属|职工|中西医结合|中医|妇幼|妇女|妇产"
    r"|儿童|保健|计划生育|口腔|肿瘤|精神|卫生|传染|病|眼科|骨科|康复|(?:蒙|藏|维吾尔|哈萨克|壮|傣|回|民族)医"
    r"|社区|服务|校|医院|院区?|医|[东南西北新老本](?=院|区|部)|区|部)*"
)
_HAN = re.compile("[\u4e00-\u9fff]")
_CHINESE = str.maketrans("()", "（）")
_UNPLACED = re.compile(r"^[省市县区镇乡院校]")


class Kind(StrEnum):
    """What an alias is to its institution."""

    OFFICIAL = "official"
    FORMER = "former"
    PARALLEL = "parallel"
    SHORT = "short"
    ENGLISH = "english"
    CAMPUS = "campus"
    REPORTED = "reported"  # written so by a source, and confirmed by a person


@dataclass(frozen=True, slots=True)
class Also:
    """One more name."""

    name: str
    kind: Kind


@dataclass(frozen=True, slots=True)
class Name:
    """A written name taken apart. `campus` is "" for the whole; `base` is then the same name."""

    official: str
    base: str
    campus: str = ""
    aliases: tuple[Also, ...] = ()
    held: tuple[str, ...] = ()
    """Names in brackets that a person should look at."""


def read(text: str) -> Name:
    """Take a written name apart; brackets that are neither a name nor a campus stay in it."""
    whole = " ".join(unicodedata.normalize("NFKC", text).split())
    aliases: list[Also] = []
    held: list[str] = []

    def sort_out(bracket: re.Match[str]) -> str:
        parts = [part.strip() for part in _SEPARATOR.split(bracket.group(1))]
        found = [also for part in parts if (also := also_of(part)) is not None]
        if not found or len(found) < len([part for part in parts if part]):
            return bracket.group()
        for also in found:
            if _HELD.search(also.name) or is_general(also.name):
                held.append(also.name)
            else:
                aliases.append(also)
        return ""

    official = _BRACKET.sub(sort_out, whole).strip()
    if not official or not bracketless(official):
        return Name(_shown(whole), _shown(whole))
    base, campus = _campus_of(official)
    return Name(
        _shown(official),
        _shown(base),
        campus,
        tuple(dict.fromkeys(aliases)),
        tuple(dict.fromkeys(held)),
    )


def _shown(name: str) -> str:
    """With brackets as Chinese writes them."""
    return name.translate(_CHINESE) if _HAN.search(name) else name


def also_of(part: str) -> Also | None:
    """A further name as written in brackets or in a column; None when it is no institution."""
    said = _SAID.match(part)
    name = part[said.end() :].strip() if said else part
    if len(name) < 3 or _CAMPUS.search(name) or not (_INSTITUTION.search(name) or "研究" in name):
        return None
    if said and said["former"]:
        return Also(name, Kind.FORMER)
    return Also(name, Kind.SHORT if said and said["short"] else Kind.PARALLEL)


def is_general(name: str) -> bool:
    """True for 人民医院, 第二中医院, 东院区: what many places have, and nothing of its own."""
    return _GENERAL.fullmatch(arabic("".join(c for c in name if c.isalnum()))) is not None


def is_unplaced(name: str) -> bool:
    """True for 市传染病医院: it means something inside its city only."""
    return is_general(name) or _UNPLACED.match(name) is not None


def bracketless(name: str) -> str:
    """The name without any bracket."""
    return _BRACKET.sub("", name).strip()


def _campus_of(official: str) -> tuple[str, str]:
    """(institution, campus) of 同济医院(光谷院区), 同济医院光谷院区 or 武汉大学人民医院(东院)."""
    for bracket in _BRACKET.finditer(official):
        inside = bracket.group(1).strip()
        if _CAMPUS.search(inside):
            rest = (official[: bracket.start()] + official[bracket.end() :]).strip()
            return (rest, inside) if _INSTITUTION.search(rest) else (official, "")
    found = _AT_END.match(official)
    return (found["base"], found["campus"]) if found else (official, "")
