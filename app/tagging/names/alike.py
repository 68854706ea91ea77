"""How likely two names of tags mean the same: to the eye, the ear, and by who carries them. Pure.

    by_sight("慢肾病", "慢性肾病")     characters: contained, left out, one mistyped
    by_sound("心方颤动", "心房颤动")   syllables without tones; pinyin as it is typed, its initials
    together(41, 46, 0.03)            of 46 carriers 41 have the tag, which 3 % of all have

None of them is sure by itself, so they are put together. That the same people have both is no
synonym yet (who treats 房颤 often speaks of 抗凝): it adds to the others and never suffices.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from functools import lru_cache

from rapidfuzz.distance import Indel, Levenshtein

from app.tagging.naming import likeness

CONFIDENT = 0.6
WORTH_SHOWING = 0.3
NARROWER = 0.6  # 1型糖尿病 is 糖尿病, but who folds it so should have thought of it
MARGIN = 0.08  # a suggestion that another is nearly as good as is none to follow blindly
DOUBT = 8.0  # carriers that are assumed to be like everybody: so two persons prove nothing
SIGHT, SOUND, PEOPLE, OPENED = 0.95, 0.85, 0.5, 0.2  # what a full signal counts for

_NOISE = re.compile(
    r"(?:重点|核心|目标|潜力|高潜|客户|医生|医师|患者|病人|相关|意向|关注|兴趣|领域|方向|标签|专家|"
    r"人群|大户|多|类|组|病例|20\d\d年?|[\W_]+|[①-⑳])"
)
_DENIES = "非无不未勿拒否排除外"
_OPPOSED = tuple(
    "高低 上下 左右 急慢 新老 男女 内外 前后 有无 良恶 冷热 早晚 大小 快慢 增减 强弱".split()
)
_FUZZY = (("zh", "z"), ("ch", "c"), ("sh", "s"), ("ng", "n"))


@dataclass(frozen=True, slots=True)
class Signals:
    """What speaks for one tag. `together`, `opened`: 0 … 1 as `together()` gives them."""

    sight: float = 0.0
    sound: float = 0.0
    people: float = 0.0
    opened: float = 0.0

    @property
    def score(self) -> float:
        """0 … 1: each signal takes away its part of the doubt."""
        doubt = 1.0
        for value, counts in zip(
            (self.sight, self.sound, self.people, self.opened), (SIGHT, SOUND, PEOPLE, OPENED),
            strict=True,
        ):  # fmt: skip
            doubt *= 1.0 - counts * value
        return 1.0 - doubt


def by_sight(raw: str, name: str) -> float:
    """0 … 1, of folded names; 0 when what differs makes them contradict each other."""
    bare, plain = _bare(raw), _bare(name)
    found = _sight(raw, name)
    if bare and plain and (bare, plain) != (raw, name):
        found = max(found, 0.97 * _sight(bare, plain))
    if not found or contradict(raw, name):
        return 0.0
    return NARROWER * found if _kinds(raw) and not _kinds(name) else found


def by_sound(raw: str, name: str) -> float:
    """0 … 1, of folded names; letters alone may be pinyin or its initials."""
    theirs = syllables(name)
    if raw == name or len(theirs) < 2:
        return 0.0
    found = _typed(raw, theirs) if raw.isascii() else _heard(syllables(raw), theirs)
    if not found or contradict(raw, name):
        return 0.0
    return NARROWER * found if _kinds(raw) and not _kinds(name) else found


def together(have: int, carriers: int, base: float) -> float:
    """0 … 1: how much more often carriers of a name have the tag than everybody (`base`) has."""
    share = (have + DOUBT * base) / (carriers + DOUBT)
    return max(0.0, (share - base) / (1.0 - base)) if base < 1.0 else 0.0


def contradict(raw: str, name: str) -> bool:
    """Whether what the names do not share says that they mean different things."""
    if any(no in raw and no not in name for no in _DENIES):
        return True
    mine, theirs = _numbers(raw), _numbers(name)
    if mine and theirs and mine != theirs:
        return True
    return any(_differ(raw, name, *pair) for pair in _OPPOSED)


@lru_cache(maxsize=50_000)
def syllables(name: str) -> tuple[str, ...]:
    """How a name sounds, without tones and without what many ears do not tell apart."""
    from pypinyin import lazy_pinyin  # here: its dictionary would delay every process and command

    found = []
    for sound in lazy_pinyin(name):
        for heard, same in _FUZZY:
            sound = sound.replace(heard, same)
        found.append("l" + sound[1:] if sound.startswith("n") else sound)
    return tuple(found)


def _sight(raw: str, name: str) -> float:
    if raw == name:
        return 1.0
    shorter, longer = sorted((raw, name), key=len)
    if len(shorter) < 2:
        return 0.0
    cover = len(shorter) / len(longer)
    if shorter in longer and not (shorter.isascii() and len(shorter) < 4):
        return 0.45 + 0.5 * cover
    found = 0.8 * likeness(raw, name)
    if not found:
        return 0.0  # no character in common
    if not raw.isascii() and _is_left_out(shorter, longer):
        found = max(found, 0.3 + 0.55 * cover)
    if len(shorter) >= 4:
        found = max(found, 1.05 * Levenshtein.normalized_similarity(raw, name) - 0.15)
    return min(found, 0.95) if found >= 0.25 else 0.0


def _is_left_out(shorter: str, longer: str) -> bool:
    """Whether the shorter is the longer without some characters, and begins or ends as it."""
    rest = iter(longer)
    return (shorter[0] == longer[0] or shorter[-1] == longer[-1]) and all(
        letter in rest for letter in shorter
    )


def _heard(mine: tuple[str, ...], theirs: tuple[str, ...]) -> float:
    if mine == theirs:
        return 1.0
    if min(len(mine), len(theirs)) < 3:
        return 0.0
    # Most of what sounds alike in part looks alike in part, and that was counted already.
    near = Indel.normalized_similarity(mine, theirs)
    return 0.7 * near if near >= 0.75 else 0.0


def _typed(raw: str, theirs: tuple[str, ...]) -> float:
    if not raw.isalpha():
        return 0.0
    for heard, same in _FUZZY:
        raw = raw.replace(heard, same)
    if raw == "".join(theirs):
        return 0.95
    initials = "".join(sound[0] for sound in theirs)
    # Two letters may stand for anything, and are many an English abbreviation.
    return {2: 0.35, 3: 0.6}.get(len(initials), 0.8) if raw == initials else 0.0


@lru_cache(maxsize=50_000)
def _bare(name: str) -> str:
    return _NOISE.sub("", name)


def _kinds(text: str) -> bool:
    """Whether it speaks of one kind or stage of something: 1型, 3期."""
    return ("型" in text or "期" in text) and bool(_numbers(text))


@lru_cache(maxsize=50_000)
def _numbers(text: str) -> tuple[str, ...]:
    kinds = "型" in text or "期" in text  # elsewhere 一 is no number: 一线, 统一
    said = text.translate(str.maketrans("一二三四", "1234")) if kinds else text
    return tuple(re.findall(r"\d+", said))


def _differ(raw: str, name: str, one: str, other: str) -> bool:
    for mine, theirs in ((one, other), (other, one)):
        if mine in raw and mine not in name and theirs in name and theirs not in raw:
            return True
    return False
