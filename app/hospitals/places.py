"""Provinces and cities under one form, with the codes of provinces (GB/T 2260). Pure.

Cities change their codes and their counties more often than a program is released: theirs come
with the imported file.
"""

from __future__ import annotations

import re

from app.hospitals.normalise import plain

_CODES = (
    "11北京 12天津 13河北 14山西 15内蒙古 21辽宁 22吉林 23黑龙江 31上海 32江苏 33浙江 34安徽 "
    "35福建 36江西 37山东 41河南 42湖北 43湖南 44广东 45广西 46海南 50重庆 51四川 52贵州 53云南 "
    "54西藏 61陕西 62甘肃 63青海 64宁夏 65新疆 71台湾 81香港 82澳门"
)
PROVINCES = {entry[2:]: entry[:2] for entry in _CODES.split()}
_ALONE = frozenset({"北京", "天津", "上海", "重庆", "香港", "澳门"})
_NO_CITY = frozenset({"市辖区", "县", "市辖县", "省直辖县级行政区划", "自治区直辖县级行政区划"})
_PROVINCE_END = re.compile(r"(?:壮族自治区|回族自治区|维吾尔自治区|特别行政区|自治区|省|市)$")
_PEOPLE = "|".join(
    "蒙古 回 藏 维吾尔 苗 彝 壮 布依 朝鲜 满 侗 瑶 白 土家 哈尼 哈萨克 傣 黎 傈僳 羌 景颇 "
    "柯尔克孜 土".split()
)
_CITY_END = re.compile(
    rf"(?<=..)(?:(?:(?:{_PEOPLE})族)*自治[州县]|(?<=..)(?:市|地区|盟|林区|县|州))$"
)
_STATES = re.compile(rf"^(.{{2,}}?)(?:蒙古|柯尔克孜|哈萨克|(?:{_PEOPLE})族|各族)+自治[州县]$")


def province(text: str) -> str:
    """`广西` of 广西壮族自治区; what is no province stays as it is written."""
    short = _PROVINCE_END.sub("", plain(text))
    return short if short in PROVINCES else plain(text)


def province_code(text: str) -> str:
    """The two digits of a province, or ""."""
    return PROVINCES.get(province(text), "")


def place(city: str, within: str = "") -> str:
    """`恩施` of 恩施土家族苗族自治州; a municipality is its own city; "" when it is unknown."""
    name = plain(city)
    if not name or name in _NO_CITY:
        alone = province(within)
        return alone if alone in _ALONE else ""
    state = _STATES.match(name)
    return state.group(1) if state else _CITY_END.sub("", name)
