"""Invented physicians as several systems know them, seeded, with who is who; to measure linkage by.

Surnames come by their frequency and hospitals from the reference data beside the project; given
names are drawn from common characters. A physician is in the CRM once at most and in up to four
other sources, written as people write: titles in the name, homophones, short names of hospitals,
synonyms of departments, phones with a slip. Planted: one hospital department in ten registers its
own phone instead of the physician's, one row in two hundred has 13800000000, and one contact in
five hundred is tied to the CRM number of somebody else.
"""

from __future__ import annotations

import csv
import random
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from pypinyin import lazy_pinyin

from app.hospitals import departments, titles

DATA = Path(__file__).parents[2] / "shared" / "data"
COLUMNS = ("id", "source", "name", "hospital", "department", "title", "city", "phone", "licence_no",
           "crm_id", "unionid", "wecom_external_userid", "openid")  # fmt: skip
SOURCES = (("crm", 0.9), ("wecom", 0.6), ("oa", 0.35), ("meeting", 0.4), ("website", 0.2))
NOBODYS_PHONE = "13800000000"
CLINICS, NOBODYS, WRONG = 0.10, 0.005, 0.002
GIVEN = (
    "伟芳娜敏静丽强磊军洋勇艳杰娟涛明超秀霞平刚桂英华玉兰红建国文辉力斌峰鹏飞龙浩宇轩然梓涵欣怡佳琪晓燕春梅"
    "雪琳玲云莉凤洁琴晶倩婷颖慧琼瑶萍莹雯丹蓉薇菲宁康健志新海波东林森阳光亮永胜利成学才德良庆福祥瑞宝金银铁钢"
    "山川河江湖松柏竹石青兰芝蕾蓓冰霜晨曦旭昊天乐诗书画琳琅珊珍珠翠碧仁义礼智信忠孝诚廉俊彦博雅正毅恒达远航"
)
DOCTORS = ("主任医师", "副主任医师", "主治医师", "住院医师")


class NoData(Exception):
    """The reference data is not beside the project."""


@dataclass(frozen=True, slots=True)
class Hospital:
    """One of the list."""

    name: str
    city: str


@dataclass
class Physician:
    """As the world knows them."""

    number: int
    name: str
    hospital: Hospital
    department: str
    title: str
    phone: str
    other_phone: str
    clinic_phone: str


class World:
    """So many physicians; the same for the same seed."""

    def __init__(self, physicians: int, seed: int = 7) -> None:
        if not DATA.exists():
            raise NoData("the reference data (../shared/data) is not beside the project")
        self.rng = random.Random(seed)
        self._hospitals = _hospitals()
        self._surnames, self._weights = _surnames()
        self._given = list(dict.fromkeys(GIVEN))
        self._often = [1 / (10 + n) for n in range(len(self._given))]
        self._alike = _homophones(self._given)
        self._departments = [n for n in departments.names() if "科" in n][:45]
        self._also = _synonyms(departments._KNOWN)
        self._titles = _synonyms(titles._KNOWN)
        self._clinics: dict[tuple[str, str], str] = {}
        self.physicians = [self._physician(number) for number in range(physicians)]

    def rows(self) -> Iterator[tuple[int, dict[str, str]]]:
        """(which physician, the row), in a random order."""
        rows = [(p.number, row) for p in self.physicians for row in self._rows_of(p)]
        self.rng.shuffle(rows)
        for number, (truth, row) in enumerate(rows):
            yield truth, {"id": str(number), **row}

    def _physician(self, number: int) -> Physician:
        rng = self.rng
        length = 1 if rng.random() < 0.18 else 2
        given = "".join(rng.choices(self._given, self._often, k=length))
        surname = rng.choices(self._surnames, cum_weights=self._weights)[0]
        hospital = self._place()
        department = rng.choice(self._departments)
        return Physician(
            number, surname + given, hospital, department, rng.choice(DOCTORS), self._phone(),
            self._phone(), self._clinic(hospital, department),
        )  # fmt: skip

    def _place(self) -> Hospital:
        """Few of the list have most of the physicians."""
        return self._hospitals[int(len(self._hospitals) * self.rng.random() ** 2)]

    def _clinic(self, hospital: Hospital, department: str) -> str:
        """The phone of the department, where that is what is registered; "" elsewhere."""
        where = (hospital.name, department)
        if where not in self._clinics:
            self._clinics[where] = self._phone() if self.rng.random() < CLINICS else ""
        return self._clinics[where]

    def _phone(self) -> str:
        """From ranges of numbers as operators have them: the first seven digits say little."""
        rng = self.rng
        return f"{rng.choice(('139', '138', '186', '177', '150'))}{rng.randrange(10**8):08d}"

    def _rows_of(self, one: Physician) -> Iterator[dict[str, str]]:
        rng = self.rng
        unionid = f"oU{one.number}"
        for source, share in SOURCES:
            if rng.random() >= share:
                continue
            row = self._written(one, careful=source == "crm")
            row["source"] = source
            if source == "crm":
                row["crm_id"] = f"HCP{one.number:08d}"
                if rng.random() < 0.7:
                    row["licence_no"] = f"1{one.number * 7919 % 10**14:014d}"
            elif source == "wecom":
                row["wecom_external_userid"] = f"wm{one.number}"
                if rng.random() < 0.7:
                    row["unionid"] = unionid
                if rng.random() < WRONG:
                    row["crm_id"] = f"HCP{rng.randrange(len(self.physicians)):08d}"
            elif source == "oa":
                row |= {"openid": f"oA{one.number}"} | (
                    {"unionid": unionid} if rng.random() < 0.6 else {}
                )
            yield row

    def _written(self, one: Physician, *, careful: bool) -> dict[str, str]:
        rng, slip = self.rng, 0.1 if careful else 1.0
        row = {
            "name": self._name(one.name, slip), "city": one.hospital.city,
            "hospital": self._hospital(one.hospital, slip),
            "department": rng.choice(self._also[self._department(one, slip)]),
            "title": self._title(one, slip),
        }  # fmt: skip
        for column, missing in (("city", 0.3), ("hospital", 0.1), ("department", 0.15),
                                ("title", 0.25)):  # fmt: skip
            if rng.random() < missing * slip:
                row[column] = ""
        if rng.random() < (0.8 if careful else 0.6):
            row["phone"] = self._phone_of(one, slip)
        return row

    def _department(self, one: Physician, slip: float) -> str:
        """Now and then it is where somebody was before."""
        moved = self.rng.random() < 0.03 * slip
        return self.rng.choice(self._departments) if moved else one.department

    def _title(self, one: Physician, slip: float) -> str:
        """Now and then it is that before the last promotion."""
        step = DOCTORS.index(one.title)
        if self.rng.random() < 0.08 * slip and step + 1 < len(DOCTORS):
            step += 1
        title = DOCTORS[step]
        return self.rng.choice(self._titles[title]) if self.rng.random() < 0.4 else title

    def _name(self, name: str, slip: float) -> str:
        rng = self.rng
        spot = rng.randrange(1, len(name))
        dice = rng.random() / slip
        if dice < 0.03:
            same = self._alike.get(name[spot], name[spot])
            name = name[:spot] + rng.choice(same) + name[spot + 1 :]
        elif dice < 0.04:
            name = name[:spot] + rng.choice(self._given) + name[spot + 1 :]
        elif dice < 0.09:
            name += rng.choice(("医生", "主任", "教授", "老师"))
        return name

    def _hospital(self, one: Hospital, slip: float) -> str:
        dice = self.rng.random() / slip
        short = one.name.removeprefix(one.city)
        if dice < 0.15 and len(short) >= 5:
            return short
        if dice < 0.20:
            return one.name.replace("第一", "第1").replace("第二", "第2").replace("(", "（")
        if dice < 0.24:
            return self._place().name  # moved, or practises in two places
        return one.name

    def _phone_of(self, one: Physician, slip: float) -> str:
        rng = self.rng
        if rng.random() < NOBODYS:
            return NOBODYS_PHONE
        if one.clinic_phone and rng.random() < 0.9:
            return one.clinic_phone
        if rng.random() < 0.08 * slip:
            return one.other_phone
        if rng.random() < 0.02 * slip:
            spot = rng.randrange(3, 11)
            return one.phone[:spot] + str(rng.randrange(10)) + one.phone[spot + 1 :]
        return one.phone


def _hospitals() -> list[Hospital]:
    with (DATA / "hospitals_cn" / "hospitals.csv").open(encoding="utf-8") as file:
        return [Hospital(row["name"], row["city"]) for row in csv.DictReader(file)]


def _surnames() -> tuple[list[str], list[float]]:
    names, weights, total = [], [], 0.0
    with (DATA / "names_cn" / "surnames_tf.csv").open(encoding="utf-8") as file:
        for row in csv.DictReader(file):
            total += float(row["tf"])
            names.append(row["surname"])
            weights.append(total)
    return names, weights


def _homophones(characters: list[str]) -> dict[str, str]:
    groups: dict[str, str] = defaultdict(str)
    for character in characters:
        groups[lazy_pinyin(character)[0]] += character
    return {c: others for c in characters if (others := groups[lazy_pinyin(c)[0]].replace(c, ""))}


def _synonyms(known: dict[str, str]) -> dict[str, list[str]]:
    found: dict[str, list[str]] = defaultdict(list)
    for word, name in known.items():
        if word.isascii() or len(word) == 1:
            continue
        found[name] += [name, word + "科" if name.endswith("科") else word]
    return found
