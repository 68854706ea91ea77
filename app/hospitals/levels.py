"""Levels of hospitals under one form: 三甲 is 三级甲等. Pure."""

from __future__ import annotations

import re

from app.hospitals.normalise import plain

MAX_LEVEL = 20
_LEVEL = re.compile(r"([一二三123])[级极]?(特|甲|乙|丙)?等?(?:综合|专科)?(?:医院)?")
_NUMBER = str.maketrans("123", "一二三")


def standard(text: str) -> str:
    """`三级甲等`, `二级`, `未定级`, "" for nothing; anything else as it is written."""
    told = plain(text).strip(".。")
    found = _LEVEL.fullmatch(told)
    if found and (found[2] or len(told) > 1):
        return f"{found[1].translate(_NUMBER)}级{f'{found[2]}等' if found[2] else ''}"
    return "未定级" if told.startswith("未定级") else told[:MAX_LEVEL]
