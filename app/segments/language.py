"""The words of the audience language, in Chinese and in English, first the one that is written.

CODES["专科"] == CODES["specialty"] == "specialty";  WORDS of a code is the first
"""

from __future__ import annotations

from collections.abc import Mapping

FIELD_WORDS = {
    "specialty": ("专科", "specialty"),
    "hospital": ("医院", "hospital"),
    "level": ("医院等级", "hospital_level"),
    "department": ("科室", "department"),
    "title": ("职称", "title"),
    "city": ("城市", "city"),
    "province": ("省份", "province"),
    "rep": ("代表", "rep"),
}
COUNT_WORDS = {
    "open": ("打开", "opened"),
    "read": ("读完", "read"),
    "msg": ("留言", "messaged"),
    "recv": ("收到", "received"),
}
STEP_WORDS = {
    "got": ("已收到", "received"),
    "opened": ("已打开", "opened"),
    "unopened": ("未打开", "not_opened"),
}
FLAG_WORDS = {
    "wecom": ("企微好友", "wecom_friend"),
    "oa": ("关注公众号", "follower"),
    "all": ("全部", "all"),
    "out": ("已退订", "opted_out"),
}
CONSENT_WORDS = {
    "may_wecom": ("企微推送", "wecom"),
    "may_oa": ("公众号推送", "oa"),
    "out": ("已退订", "opted_out"),
}
SORT_WORDS = {
    "tag": ("标签", "tag"),
    "campaign": ("活动", "campaign"),
    "segment": ("人群", "segment"),
    "list": ("名单", "list"),
    "consent": ("许可", "consent"),
}


def _codes(words: Mapping[str, tuple[str, ...]]) -> dict[str, str]:
    return {word: code for code, of in words.items() for word in of}


FIELDS, COUNTS, STEPS = _codes(FIELD_WORDS), _codes(COUNT_WORDS), _codes(STEP_WORDS)
FLAGS, CONSENTS, SORTS = _codes(FLAG_WORDS), _codes(CONSENT_WORDS), _codes(SORT_WORDS)
OPTED_OUT_TAG = "已退订"  # no tag: the ledger of consents says it
