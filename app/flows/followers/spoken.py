"""What somebody who writes to the Official Account wants from us. Pure."""

from __future__ import annotations

import re
import unicodedata
from enum import StrEnum


class Wish(StrEnum):
    """The kinds of messages that are answered differently."""

    STOP = "stop"
    RESUME = "resume"
    THANKS = "thanks"
    OWN = "own"  # the physician's own page
    PERSON = "person"
    SEARCH = "search"


STOP = frozenset(
    "退订 td t 取消订阅 停止推送 不要再发 不要再发了 别再发了 拒收 unsubscribe stop".split()
)
RESUME = frozenset("恢复 重新订阅 恢复订阅 恢复推送 继续推送 resume start".split())
THANKS = frozenset("谢谢 谢谢您 谢谢你 多谢 感谢 好的 好的谢谢 收到 知道了 嗯 好 ok 赞".split())
OWN = frozenset(
    "我的信息 我的偏好 我的信息与偏好 我的资料 我的标签 我的数据 偏好设置 个人信息 mydata".split()
)
_PERSON = re.compile(
    r"人工|客服|联系我|有人吗|找人|(?:请|让|找|叫|联系|要)(?:我的|一下|你们的?)?(?:医药)?代表"
    r"|(?:给我|回)(?:打|个)?电话|加(?:我|个)?微信"
)
_HARM = re.compile(
    r"(?:患者|病人|用药|服药|服用|用了|吃了|注射).{0,30}?"
    r"(?:不良反应|副作用|过敏|皮疹|出血|肝损|休克|昏迷|死亡|抢救)"
)
_SIGNS = re.compile(r"[\s。，！？、~.!?,…“”\"'【】\[\]]+")


def wish_of(text: str) -> Wish:
    """What the text asks for; a wish to stop, or to see what we know, counts only when
    it is the whole message."""
    word = _SIGNS.sub("", unicodedata.normalize("NFKC", text).lower())
    if word in STOP:
        return Wish.STOP
    if word in RESUME:
        return Wish.RESUME
    if word in THANKS:
        return Wish.THANKS
    if word in OWN:
        return Wish.OWN
    return Wish.PERSON if _PERSON.search(text) else Wish.SEARCH


def tells_of_harm(text: str) -> bool:
    """True when the text seems to report that a medicine harmed a patient: a person must look."""
    return bool(_HARM.search(text))
