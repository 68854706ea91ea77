"""One row of an imported list, checked by itself: its name taken apart, its place named."""

from __future__ import annotations

import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from enum import StrEnum
from typing import Any

from app.hospitals import levels, names, places
from app.hospitals.models import Institution
from app.hospitals.names import Also, Kind
from app.hospitals.normalise import MAX_NAME, key

COLUMNS = {
    "name": ("name", "名称", "医院", "医院名称", "机构", "机构名称", "官方名称", "official_name"),
    "aliases": ("aliases", "alias", "别名", "简称", "曾用名", "其他名称"),
    "english": ("english", "name_en", "英文名", "英文名称"),
    "level": ("level", "等级", "级别", "医院等级", "医院级别"),
    "province": ("province", "省", "省份"),
    "city": ("city", "市", "城市", "地市"),
    "city_code": ("city_code", "城市代码", "行政区划代码", "区划代码"),
    "parent": ("parent", "上级医院", "上级机构", "总院"),
    "campus": ("campus", "院区"),
}
_CODE = re.compile(r"(\d{4})(\d{2})?")
_SEPARATOR = re.compile(r"[;；|、\n]")


class Said(StrEnum):
    """What there is to say about a row. The first five: it is not taken."""

    MISSING = "missing"  # no name
    TOO_LONG = "too_long"
    TOO_GENERAL = "too_general"  # 人民医院, 东院区
    BAD_CODE = "bad_code"
    SEVERAL = "several"  # no city, and the name exists in several
    IS_ALIAS = "is_alias"  # its name is a further name of another institution
    SAME = "same"  # the same institution as an earlier row
    HELD = "held"  # a name in brackets that a person should look at
    TAKEN = "taken"  # a further name that belongs to another institution of this city


REJECTED = frozenset({Said.MISSING, Said.TOO_LONG, Said.TOO_GENERAL, Said.BAD_CODE, Said.SEVERAL})


@dataclass(frozen=True, slots=True)
class Remark:
    """About a line of the file: what, about which name, and which other institution is meant."""

    line: int
    code: Said
    name: str = ""
    other: str = ""

    def as_json(self) -> dict[str, Any]:
        """For the record of the import and for programs."""
        return {"line": self.line, "code": str(self.code), "name": self.name, "other": self.other}


@dataclass(frozen=True, slots=True)
class Row:
    """An institution as the file has it; `aliases` as (name, kind)."""

    line: int
    name: str
    level: str = ""
    province: str = ""
    city: str = ""
    city_code: str = ""
    parent: str = ""
    aliases: tuple[tuple[str, str], ...] = ()
    held: tuple[str, ...] = ()

    @property
    def place(self) -> str:
        """Its city under one form, "" when unknown."""
        return places.place(self.city, self.province)

    def as_json(self) -> dict[str, Any]:
        """To be kept until the import is confirmed."""
        return asdict(self)


def from_json(row: Mapping[str, Any]) -> Row:
    """The other way round."""
    lists = {"aliases": tuple((a, b) for a, b in row["aliases"]), "held": tuple(row["held"])}
    return Row(**(dict(row) | lists))


def check(line: int, cells: Mapping[str, str]) -> Row | Remark:
    """A row by its columns (COLUMNS), or why it cannot be taken."""
    written, campus = cells.get("name", ""), cells.get("campus", "")
    if not written:
        return Remark(line, Said.MISSING)
    if campus and campus not in written:
        written = f"{written}（{campus}）"
    if len(written) > MAX_NAME or any(len(cells.get(c, "")) > 40 for c in ("province", "city")):
        return Remark(line, Said.TOO_LONG, written[:MAX_NAME])
    name = names.read(written)
    if names.is_general(name.base):
        return Remark(line, Said.TOO_GENERAL, written)
    code = _CODE.fullmatch(cells.get("city_code", "") or "0000")
    if code is None or not _fits(code.group(1), cells.get("province", "")):
        return Remark(line, Said.BAD_CODE, written, cells["city_code"])
    aliases = _aliases(name, cells)
    return Row(
        line=line, name=name.official, level=levels.standard(cells.get("level", "")),
        province=cells.get("province", ""), city=cells.get("city", ""),
        city_code=code.group(1).strip("0") and code.group(1),
        parent=cells.get("parent", "") or (name.base if name.campus else ""),
        aliases=tuple((one.name, str(one.kind)) for one in aliases), held=name.held,
    )  # fmt: skip


def fill(institution: Institution, row: Row) -> bool:
    """Take over what the row says and the institution does not; True when something changed."""
    told = {
        "level": row.level, "province": row.province, "city": row.city,
        "city_code": row.city_code, "province_code": places.province_code(row.province),
    }  # fmt: skip
    news = {
        name: text
        for name, text in told.items()
        # a row without a city found its institution by the name alone: it only adds
        if text
        and (row.place or not getattr(institution, name))
        and getattr(institution, name) != text
    }
    for name, text in news.items():
        setattr(institution, name, text)
    return bool(news)


def _aliases(name: names.Name, cells: Mapping[str, str]) -> Iterable[Also]:
    found = list(name.aliases)
    for part in _SEPARATOR.split(cells.get("aliases", "")):
        text = part.strip()
        if text and len(text) <= MAX_NAME and not names.is_general(text):
            also = names.also_of(text) or Also(text, Kind.SHORT)
            found.append(also)
    if english := cells.get("english", "").strip()[:MAX_NAME]:
        found.append(Also(english, Kind.ENGLISH))
    own = key(name.official)
    return {key(also.name): also for also in found if key(also.name) not in ("", own)}.values()


def _fits(code: str, province: str) -> bool:
    """Whether a city's code may lie in this province."""
    known = places.province_code(province)
    return code == "0000" or not known or code.startswith(known)
