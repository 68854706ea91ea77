"""Where words begin and end in Chinese text, so that 胸痛中心内部 does not speak of 心内.

rjieba cuts; to its dictionary we add the vocabulary's names, rare enough not to tear ordinary
words apart (`./dev bench words` tries it), and medical words of our own. Loading takes half a
second and 57 MB, and happens when the first name stands in a text.
"""

from __future__ import annotations

import threading
from collections.abc import Iterable
from functools import cache

import rjieba

NAME = 500  # how frequent a name counts as; from 500 to 3,000 the measurement is the same
OWN = 5000
WORDS = (
    "胸痛中心", "卒中中心", "体检中心", "日间病房", "门诊", "会诊", "查房", "随访", "首诊", "复诊",
    "剂量", "起始剂量", "维持剂量", "减量", "停药", "换药", "给药", "疗程", "用法用量", "适应证",
    "禁忌证", "不良事件", "发病率", "发病例数", "患病率", "患病例数", "死亡率", "生存期", "缓解率",
    "射血分数", "清除率", "糖化血红蛋白", "低密度脂蛋白", "尿白蛋白", "血压", "血糖", "血脂",
    "心率", "一线", "二线", "单药", "联用", "双抗", "桥接", "消融", "造影", "支架", "放疗", "化疗",
    "病理", "突变", "活检", "影像", "分期", "转移灶", "脂肪含量", "养老年金", "重要文献",
)  # fmt: skip
"""A small medical dictionary of our own, and words that hide a name."""


class _Cutter:
    """One for the process: names of every vocabulary that was read."""

    def __init__(self) -> None:
        self._jieba = rjieba.Jieba()
        self._lock = threading.Lock()  # it cannot learn while it cuts
        self._known: set[str] = set()
        self._learn(WORDS, OWN)

    def learn(self, names: Iterable[str]) -> None:
        """These are words."""
        with self._lock:
            self._learn(names, NAME)

    def borders(self, text: str) -> frozenset[int]:
        """Where words begin and end."""
        with self._lock:
            cut = self._jieba.tokenize(text)
        return frozenset({0, len(text), *(word[2] for word in cut)})

    def _learn(self, words: Iterable[str], frequency: int) -> None:
        for word in words:
            if word not in self._known:
                self._known.add(word)
                if frequency == NAME or not self._jieba.has_word(word):
                    self._jieba.add_word(word, frequency, "n")


def borders(text: str) -> frozenset[int]:
    """Positions in `text` at which a word begins or ends."""
    return _cutter().borders(text)


def learn(names: Iterable[str]) -> None:
    """From now on these are words."""
    _cutter().learn(names)


_loading = threading.Lock()


@cache
def _load() -> _Cutter:
    return _Cutter()


def _cutter() -> _Cutter:
    with _loading:
        return _load()
