"""Names of Chinese persons as they are compared: without forms of address, and as they sound. Pure.

    clean("张 伟主任") == "张伟"
    surname("欧阳明") == "欧阳"
    pinyin("单晓明") == "shanxiaoming"

Pinyin is without tones and blanks, so that "Zhang Wei" sounds like 张伟. A few characters are read
in another way when they are a surname.
"""

from __future__ import annotations

import re
from functools import lru_cache

from app.hospitals.normalise import plain

LONGEST = 40
_ADDRESSED = re.compile(
    r"(?:副?(?:主任|教授|院长)|(?:主治|住院)?(?:医生|医师)|大夫|老师|博士|硕士|[博硕]导|护士长?|主治|主管"
    r"|专家|先生|女士|小姐)$"
)
_COMPOUND = frozenset(
    "欧阳 司马 上官 诸葛 东方 皇甫 尉迟 公孙 慕容 令狐 宇文 长孙 司徒"
    " 夏侯 轩辕 端木 百里 呼延 南宫 东郭"
    " 西门 独孤 申屠 公羊 澹台 闾丘 太史"
    " 钟离 宗政 濮阳 淳于 单于 万俟 闻人 赫连 鲜于 司空 亓官 仲孙 第五"
    " 司寇 巫马 公西 颛孙 梁丘 左丘 东门 微生".split()
)
_COMMON = frozenset(
    "王李张刘陈杨黄赵吴周徐孙马朱胡郭何高林罗郑梁谢宋唐许韩冯邓曹彭曾肖田董袁潘于蒋蔡余杜叶程苏魏吕丁任沈"
    "姚卢姜崔钟谭陆汪范金石廖贾夏韦付傅方白邹孟熊秦邱江尹薛闫阎段雷侯龙史陶黎贺顾毛郝龚邵万钱严覃武戴莫孔"
    "向汤温康施文牛樊葛邢安齐易乔伍庞颜倪庄聂章鲁岳翟殷詹申欧耿关兰焦俞左柳甘祝包宁尚符舒阮柯纪梅童凌毕单"
    "季裴霍涂成苗谷盛曲翁冉骆蓝路游辛靳欧管柴蒙鲍华喻祁蒲房滕屈饶解牟艾尤阳时穆农司卓古吉缪简车项连芦麦褚"
    "娄窦戚岑景党宫费卜冷晏席卫米柏宗瞿桂全佟应臧闵苟邬边卞姬师和仇栾隋商刁沙荣巫寇桑郎甄丛仲虞敖巩明佘池"
)
_SPOKEN = {
    "单": "shan", "解": "xie", "曾": "zeng", "仇": "qiu", "区": "ou", "查": "zha", "任": "ren",
    "朴": "piao", "盖": "ge", "乐": "yue", "员": "yun", "覃": "qin", "缪": "miao", "翟": "zhai",
    "折": "she", "黑": "he", "种": "chong", "秘": "bi", "繁": "po", "召": "shao", "谌": "chen",
    "冼": "xian", "洗": "xian", "晁": "chao", "訾": "zi", "尉": "wei", "长": "zhang", "盛": "sheng",
    "尉迟": "yuchi", "万俟": "moqi", "单于": "chanyu", "长孙": "zhangsun", "澹台": "tantai",
}  # fmt: skip


@lru_cache(maxsize=200_000)
def clean(text: str) -> str:
    """The name alone; "" when there is none, as in 王医生, which may be anybody of that surname."""
    name = "".join(c for c in plain(text) if c.isalpha())
    while (short := _ADDRESSED.sub("", name)) != name:
        name = short
    return name if 2 <= len(name) <= LONGEST else ""


def surname(name: str) -> str:
    """Of a cleaned name: one character, or two for 欧阳 and its like; "" in foreign letters."""
    if not name or name.isascii():
        return ""
    return name[:2] if name[:2] in _COMPOUND and len(name) > 2 else name[0]


@lru_cache(maxsize=200_000)
def pinyin(name: str) -> str:
    """How a cleaned name sounds, in letters without tones and blanks."""
    return spoken_surname(name) + _sound(name[len(surname(name)) :])


def spoken_surname(name: str) -> str:
    """How the surname sounds; "" without one."""
    first = surname(name)
    return _SPOKEN.get(first) or _sound(first)


def _sound(characters: str) -> str:
    from pypinyin import lazy_pinyin  # here: its dictionary would delay every process and command

    return "".join(lazy_pinyin(characters))


def called(text: str) -> str:
    """What a name has in common with itself however it is written, misheard or cut: how the surname
    sounds; "" where no surname is told."""
    return spoken_surname(clean(text))


def is_name(text: str) -> bool:
    """True for two or three characters with a common surname, which a nickname rarely is."""
    first = surname(text)
    given = len(text) - len(first)
    return 1 <= given <= 2 and (first in _COMMON or first in _COMPOUND)
