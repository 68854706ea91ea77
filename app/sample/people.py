"""Invented reps and physicians: names, hospitals and identifiers, deterministic from a seed."""

from __future__ import annotations

import random
import string
from dataclasses import dataclass
from datetime import datetime, timedelta

SURNAMES = "王李张刘陈杨赵黄周吴徐孙胡朱高林何郭马罗梁宋郑谢韩唐冯于董萧程曹袁邓许傅沈曾彭吕"
GIVEN = "文静明辉晓雯建国丽华思远海燕志强雪梅子涵俊杰雨桐嘉怡浩然诗涵泽宇欣怡立新佳宁启航若兰"
COMPOUND = ("欧阳", "上官", "诸葛", "司马")

# Cities and hospitals do not exist.
CITIES = (
    ("云岭省", "云岭市"),
    ("云岭省", "青石市"),
    ("海岚省", "海岚市"),
    ("海岚省", "望潮市"),
    ("北原省", "北原市"),
    ("北原省", "松河市"),
)
HOSPITALS = (
    "示例市第一人民医院",
    "示例市中心医院",
    "示例大学附属医院",
    "示例市中医院",
    "示例市胸科医院",
)
TITLES = (("主任医师", 2), ("副主任医师", 4), ("主治医师", 6), ("住院医师", 2))
DEPARTMENTS = {
    "心血管": (("心内科", 5), ("心外科", 1), ("全科医学科", 2), ("老年医学科", 1)),
    "肿瘤": (("肿瘤内科", 4), ("呼吸与危重症医学科", 3), ("胸外科", 2), ("放疗科", 1)),
}
REP_TEAMS = (("心血管一组", "心血管"), ("心血管二组", "心血管"), ("肿瘤一组", "肿瘤"))
REPS = (
    "陈晓彤", "林致远", "周雨桐", "吴承泽", "郑若溪",
    "许嘉言", "何思齐", "沈清和", "罗一鸣", "梁书宁",
    "宋知微", "唐景行", "韩江雪", "冯予安",
)  # fmt: skip
BASE62 = string.ascii_letters + string.digits


@dataclass(frozen=True, slots=True)
class SampleRep:
    """A rep and the therapy area of the team."""

    userid: str
    name: str
    team: str
    area: str


@dataclass(frozen=True, slots=True)
class SamplePhysician:
    """A physician with all identities; None where the company does not know one."""

    key: str
    name: str
    title: str
    specialty: str
    department: str
    hospital: str
    city: str
    province: str
    area: str
    licence_no: str | None
    crm_id: str | None
    phone: str | None
    unionid: str
    external_userid: str | None
    openid: str | None
    rep_userids: tuple[str, ...]
    since: datetime
    favourite_hour: int
    eagerness: float  # 0–1: how readily this person opens what arrives


def reps() -> tuple[SampleRep, ...]:
    """Fourteen reps in three teams; the first five are in each of the heart teams."""
    built = []
    for index, name in enumerate(REPS):
        team, area = REP_TEAMS[min(index // 5, 2)]
        built.append(SampleRep(f"rep{index + 1:02d}", name, team, area))
    return tuple(built)


def physicians(
    rng: random.Random, count: int, team: tuple[SampleRep, ...], today: datetime
) -> tuple[SamplePhysician, ...]:
    """`count` physicians, each with several identities, shared out among the reps."""
    return tuple(_physician(rng, index, team, today) for index in range(count))


def _physician(
    rng: random.Random, index: int, team: tuple[SampleRep, ...], today: datetime
) -> SamplePhysician:
    rep = team[index % len(team)]
    province, city = CITIES[index // len(team) % len(CITIES)]
    contact = rng.random() < 0.85
    follower = not contact or rng.random() < 0.6
    others = [other.userid for other in team if other.area == rep.area and other != rep]
    extra = (rng.choice(others),) if contact and rng.random() < 0.12 else ()
    known_to_crm = rng.random() < 0.9
    department = _weighted(rng, DEPARTMENTS[rep.area])
    return SamplePhysician(
        key=f"p{index + 1:04d}",
        name=_name(rng),
        title=_weighted(rng, TITLES),
        specialty=rep.area,
        department=department,
        hospital=called(rng.choice(HOSPITALS), city),
        city=city,
        province=province,
        area=rep.area,
        licence_no=f"{rng.randrange(10**14, 10**15)}" if known_to_crm else None,
        crm_id=f"HCP-{index + 1:05d}" if known_to_crm else None,
        phone=f"199{index:04d}{rng.randrange(10**4):04d}" if rng.random() < 0.97 else None,
        unionid="oU" + _opaque(rng, 26),
        external_userid="wm" + _opaque(rng, 30) if contact else None,
        openid="oA" + _opaque(rng, 26) if follower else None,
        rep_userids=(rep.userid, *extra) if contact else (),
        since=today - timedelta(days=rng.randrange(62, 700), minutes=rng.randrange(600)),
        favourite_hour=rng.choice((7, 8, 12, 12, 13, 18, 20, 21, 21, 22)),
        eagerness=rng.betavariate(1.6, 2.6),
    )


def called(pattern: str, city: str) -> str:
    """What one of HOSPITALS is called in a city."""
    return pattern.replace("示例市", city).replace("示例大学", f"{city[:-1]}大学")


def _name(rng: random.Random) -> str:
    surname = rng.choice(COMPOUND) if rng.random() < 0.02 else rng.choice(SURNAMES)
    given = rng.choice(GIVEN) + (rng.choice(GIVEN) if rng.random() < 0.75 else "")
    return surname + given


def _opaque(rng: random.Random, length: int) -> str:
    return "".join(rng.choices(BASE62, k=length))


def _weighted(rng: random.Random, choices: tuple[tuple[str, int], ...]) -> str:
    return rng.choices([name for name, _ in choices], [weight for _, weight in choices])[0]
