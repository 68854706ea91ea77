"""Professional titles under one name, from a closed list; nothing is guessed. Pure."""

from __future__ import annotations

import re

from app.hospitals.normalise import plain

# Highest first: of several titles in one text the highest counts.
_LIST = """
主任医师 主任 正高 正高级 主任医生 主任中医师 主任级医师 正主任医师 正高级职称
副主任医师 副主任 副高 副高级 副主任医生 副主任中医师 副主任级医师 副高级职称
主治医师 主治 主治医生 主治中医师 中级 中级职称 主管医师 讲师级主治医师
住院医师 住院 住院医生 医师 医生 中医师 初级 住培医师 规培医师 规培生 初级职称 住院总医师 住院总
助理医师 执业助理医师 助理医生 医士 助理中医师 执业助理
主任药师 主任中药师
副主任药师 副主任中药师
主管药师 主管中药师
药师 中药师 临床药师
主任技师
副主任技师
主管技师
技师
主任护师
副主任护师
主管护师
护师
护士 执业护士 注册护士
"""
_SEPARATOR = re.compile(r"[/、,;·&+|()]|兼|和|及")


def standard(text: str) -> str | None:
    """The standard title in a text as 副高, 主任医师、教授; None when none is known.

    Academic and administrative titles (教授, 科主任) are none of these.
    """
    found = [_KNOWN[part] for part in _SEPARATOR.split(plain(text)) if part in _KNOWN]
    return min(found, key=names().index) if found else None


def names() -> tuple[str, ...]:
    """The closed list, highest first."""
    return tuple(dict.fromkeys(_KNOWN.values()))


_KNOWN = {word: line.split()[0] for line in _LIST.strip().splitlines() for word in line.split()}
