"""Names of tags: one spelling for look-ups, what is forbidden, what looks alike. Pure."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Collection, Iterable, Iterator, Mapping
from functools import lru_cache
from typing import Generic, TypeVar

from app.tagging import segmenting
from app.tagging.forbidden import FORBIDDEN

T = TypeVar("T")

LONGEST = 80
LONGEST_DENIAL = 8  # characters before a name
ALIKE = 0.34  # a smaller likeness is not worth showing
_PUNCTUATION = re.compile(r"[\W_]+")


def fold(text: str) -> str:
    """One spelling for look-ups: NFKC, lower case, without blanks; folding it again changes
    nothing."""
    small = unicodedata.normalize("NFKC", text).lower()
    return "".join(unicodedata.normalize("NFKC", small).split())[:LONGEST]


def bare(text: str) -> str:
    """As forbidden words are written and looked for: folded, and without signs."""
    return _PUNCTUATION.sub("", fold(text))


def says(text: str, names: Collection[str]) -> bool:
    """Whether it writes one of these folded names between 「 and 」: alone or behind the name of
    its group, perhaps cut by the length of a line."""
    for piece in text.split("「")[1:]:
        said = piece.split("」")[0]
        for part in (said, *said.split(" / ")):
            if fold(part) in names:
                return True
            if part.endswith("…") and any(n.startswith(fold(part[:-1])) for n in names):
                return True
    return False


def why_forbidden(text: str, more: Mapping[str, str] = FORBIDDEN) -> str:
    """Why no tag may be called so, or ""; blanks and signs between the characters hide nothing.

    `more`: words that the company forbids beside those of the law, and why.
    """
    hidden = bare(text)
    for words in (FORBIDDEN, more):
        word = next((word for word in words if word in hidden), "")
        if word:
            return f"标签不能包含“{word}”：{words[word].rstrip('。')}。"
    return ""


def likeness(one: str, other: str) -> float:
    """0 … 1, the share of common characters and pairs of characters."""
    mine, theirs = _pieces(one), _pieces(other)
    return 2 * len(mine & theirs) / (len(mine) + len(theirs)) if mine and theirs else 0.0


def most_alike(raw: str, names: Iterable[tuple[str, int]], limit: int) -> list[int]:
    """Ids of the names that look most like `raw`, each once, best first."""
    best: dict[int, float] = {}
    for name, key in names:
        best[key] = max(best.get(key, 0.0), likeness(raw, name))
    ranked = sorted(best.items(), key=lambda item: (-item[1], item[0]))
    return [key for key, value in ranked[:limit] if value >= ALIKE]


# Right before a name these deny it; but "有没有房颤资料" asks for it.
_NOT_BEFORE = re.compile(
    r"(?:不关注|不看|不做|不是|不涉及|不需要|不用|不要|不想看|(?<!有)没有|无|非|除了)$"
)
_NOT_AFTER = re.compile(
    r"(?:方面|的?内容|资料)?(?:不感兴趣|没兴趣|不关注|不需要|就不用|不用了|除外)"
)


class Finder(Generic[T]):
    """Finds names in texts; `names` says what each of them stands for."""

    def __init__(self, names: Mapping[str, T]) -> None:
        self._names = {name: meaning for name, meaning in names.items() if len(name) >= 2}
        self._unknown = [name for name in self._names if not name.isascii()]
        longest_first = sorted(self._names, key=lambda name: (-len(name), name))
        self._any = re.compile("|".join(map(_pattern, longest_first))) if self._names else None

    def find(self, text: str) -> list[T]:
        """What `text` speaks of, in order of first mention.

        At each place the longest name counts (非小细胞肺癌 is not also 小细胞肺癌), names in Latin
        letters only as whole words, one that is part of two other words (胸痛中心内部 is not 心内)
        or denied right before or after it not at all.
        """
        said = unicodedata.normalize("NFKC", text).lower()
        return list(dict.fromkeys(meaning for meaning, _, _ in self.places(said)))

    def places(self, said: str) -> Iterator[tuple[T, int, int]]:
        """The same with each place, `said[start:end]`, in a text that is NFKC and lower case."""
        borders: frozenset[int] | None = None
        for match in self._any.finditer(said) if self._any is not None else ():
            if borders is None:  # most texts name nothing
                borders = self._borders(said)
            if not _are_words(said, match.start(), match.end(), borders):
                continue
            before = said[max(0, match.start() - LONGEST_DENIAL) : match.start()]
            if not (_NOT_BEFORE.search(before) or _NOT_AFTER.match(said, match.end())):
                yield self._names[match.group()], match.start(), match.end()

    def _borders(self, said: str) -> frozenset[int]:
        if self._unknown:
            segmenting.learn(self._unknown)
            self._unknown = []
        return segmenting.borders(said)


def _are_words(text: str, start: int, end: int, borders: Collection[int]) -> bool:
    """True when no Chinese word goes over one of these two places."""
    return all(
        place in borders or text[place - 1].isascii() or text[place : place + 1].isascii()
        for place in (start, end)
    )


def _pattern(name: str) -> str:
    head = r"(?<![a-z0-9])" if re.match(r"[a-z0-9]", name) else ""
    tail = r"(?![a-z0-9])" if re.search(r"[a-z0-9]$", name) else ""
    return f"{head}{re.escape(name)}{tail}"


@lru_cache(maxsize=10_000)  # every name is compared with all of a vocabulary
def _pieces(text: str) -> frozenset[str]:
    folded = fold(text)
    return frozenset(folded).union(folded[i : i + 2] for i in range(len(folded) - 1))
