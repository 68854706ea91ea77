"""Names of institutions in one form, so that equal names are equal texts. Pure.

    key("第一人民医院（南區）") == key("第1人民医院(南区)") == "1人民医院南区"

It is conservative: nothing is guessed, no word is left out but 第 before a number. Two names with
the same key are the same name; two names of the same institution may well have different keys.
"""

from __future__ import annotations

import re
import unicodedata
from functools import cache

from opencc import OpenCC

MAX_NAME = 120
MAX_KEY = 240  # folding case may make a name longer
_DIGITS = str.maketrans("〇零一二三四五六七八九", "00123456789")
_NUMBER = re.compile(r"(?:([1-9])百)?0?(?:([1-9])?十)?([1-9])?")
_RUN = re.compile(r"[0-9十百]+")
_ORDINAL = re.compile(r"第+(?=\d)")


@cache
def _simplifier() -> OpenCC:
    return OpenCC("t2s")


def plain(text: str) -> str:
    """One width, one case, simplified characters, no spaces; brackets stay, as ASCII."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    simple: str = _simplifier().convert(unicodedata.normalize("NFKC", folded))
    return "".join(simple.split())


def key(name: str) -> str:
    """What is left when everything that is only a way of writing has gone; "" for nothing."""
    letters = "".join(c for c in plain(name) if c.isalnum())
    return _ORDINAL.sub("", arabic(letters))[:MAX_KEY]


def arabic(text: str) -> str:
    """Chinese numbers below a thousand, and digits read one by one, as 0–9.

    九〇三 → 903, 十二 → 12, 一百二十 → 120; 三门县 becomes 3门县, and does so everywhere.
    """
    return _RUN.sub(_read, text.translate(_DIGITS))


def _read(run: re.Match[str]) -> str:
    text = run.group()
    number = _NUMBER.fullmatch(text)
    if number is None or text.isdigit() or text == "百":
        return text
    hundreds, tens, ones = number.groups()
    ten = int(tens or 1) if "十" in text else 0
    return str(int(hundreds or 0) * 100 + ten * 10 + int(ones or 0))
