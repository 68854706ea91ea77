"""What a rep's remark about a contact gives away: “王敏-协和医院心内科 主任医师”. Pure.

Only what follows a fixed form is taken, and with low trust: it is what a rep once typed.
"""

from __future__ import annotations

import re
import unicodedata

from app.identity.names import clean, is_name

_FIRST = re.compile(r"\s*([\u4e00-\u9fff]{2,6})(?![\u4e00-\u9fff])")
_HOSPITAL = re.compile(
    r"[\u4e00-\u9fff]{2,16}?(?:附属[\u4e00-\u9fff]{1,8}医院|人民医院|中心医院|医院|卫生院"
    r"|社区卫生服务中心)"
)
_DEPARTMENTS = (
    "心血管内科", "心内科", "心外科", "神经内科", "神经外科", "肾内科", "内分泌科", "呼吸内科",
    "呼吸科", "肿瘤内科", "肿瘤科", "胸外科", "血液科", "消化内科", "老年科", "老年医学科", "全科",
    "急诊科", "重症医学科", "风湿免疫科", "普外科", "骨科", "药剂科",
)  # fmt: skip
_TITLES = ("副主任医师", "主任医师", "主治医师", "住院医师", "主任药师")


def attributes_in(*texts: str) -> dict[str, str]:
    """hospital, department and title, as far as the texts hold them."""
    text = unicodedata.normalize("NFKC", " ".join(texts))
    found: dict[str, str] = {}
    hospital = _HOSPITAL.search(text)
    if hospital:
        found["hospital"] = hospital.group()
    for attribute, words in (("department", _DEPARTMENTS), ("title", _TITLES)):
        word = next((word for word in words if word in text), "")
        if word:
            found[attribute] = word
    return found


def name_in(remark: str) -> str:
    """The name that a remark begins with, when hospital, department or title follow: without them
    it may be what somebody calls themselves on WeChat. "" where there is none."""
    first = _FIRST.match(unicodedata.normalize("NFKC", remark))
    name = clean(first.group(1)) if first else ""
    return name if is_name(name) and attributes_in(remark) else ""
