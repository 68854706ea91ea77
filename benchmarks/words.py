"""How well tags are found in what people write: the product's finder beside word segmentation.

    python -m benchmarks.words [--json]

jieba and rjieba cut the text into words, with the vocabulary's names as a user dictionary; a word
that is a name counts, unless it is denied as the product's finder sees it. They are measured when
they are installed; the product uses rjieba only to see where words begin and end.
"""

from __future__ import annotations

import argparse
import importlib
import json
import resource
import sys
import time
import unicodedata
from collections.abc import Callable, Iterable, Sequence
from typing import Any

from app.tagging import naming
from app.tagging.starter import SPOKEN, TAGS
from benchmarks._word_set import HARD, made

NAMES = {
    naming.fold(raw): entry.key
    for entry in TAGS if entry.category in SPOKEN for raw in (entry.name, *entry.synonyms)
}  # fmt: skip
Find = Callable[[str], Iterable[str]]
REPEAT = 20


def product() -> Find:
    """What the product does: names that begin and end where words do."""
    return naming.Finder(NAMES).find


def names_only() -> Find:
    """The same without a look at words."""
    everything = naming.Finder(NAMES)._any
    assert everything is not None

    def find(text: str) -> Iterable[str]:
        said = unicodedata.normalize("NFKC", text).lower()
        return _known(said, ((match.group(), match.start()) for match in everything.finditer(said)))

    return find


def jieba() -> Find:
    """The classic, in Python."""
    module = importlib.import_module("jieba")
    module.setLogLevel(60)
    for name in NAMES:
        module.add_word(name, freq=100_000)

    def find(text: str) -> Iterable[str]:
        said = unicodedata.normalize("NFKC", text).lower()
        return _known(said, ((word, start) for word, start, _ in module.tokenize(said)))

    return find


def rjieba() -> Find:
    """The same in Rust."""
    module = importlib.import_module("rjieba")
    cutter = module.Jieba()
    for name in NAMES:
        cutter.add_word(name, 100_000, "n")

    def find(text: str) -> Iterable[str]:
        said = unicodedata.normalize("NFKC", text).lower()
        return _known(said, ((one[0], one[1]) for one in cutter.tokenize(said)))

    return find


def _known(said: str, words: Iterable[tuple[str, int]]) -> list[str]:
    found: dict[str, None] = {}
    for word, start in words:
        if word in NAMES and not _denied(said, start, start + len(word)):
            found.setdefault(NAMES[word])
    return list(found)


def _denied(said: str, start: int, end: int) -> bool:
    before, after = naming._NOT_BEFORE, naming._NOT_AFTER
    return bool(before.search(said[:start]) or after.match(said, end))


def measure(find: Find, cases: Sequence[tuple[str, tuple[str, ...]]]) -> dict[str, Any]:
    """Precision, recall and F1 over all tags, and the wrong sentences."""
    right = said = wanted = 0
    wrong = []
    for text, keys in cases:
        got = set(find(text))
        right, said, wanted = right + len(got & set(keys)), said + len(got), wanted + len(keys)
        if got != set(keys):
            wrong.append((text, sorted(got - set(keys)), sorted(set(keys) - got)))
    precision, recall = right / (said or 1), right / (wanted or 1)
    f1 = 2 * precision * recall / ((precision + recall) or 1)
    return {"precision": precision, "recall": recall, "f1": f1, "wrong": wrong}


def main(arguments: list[str] | None = None) -> int:
    """Run, print a table, and with --json one JSON object on the last line."""
    parser = argparse.ArgumentParser(prog="bench words", description=__doc__)
    parser.add_argument("--json", action="store_true", help="one JSON object on the last line")
    parser.add_argument("--wrong", action="store_true", help="show the sentences that went wrong")
    options = parser.parse_args(arguments)
    everyday = list(made({name: key for name, key in NAMES.items() if len(name) > 1}))
    told: dict[str, Any] = {"hard": len(HARD), "everyday": len(everyday), "ways": {}}
    print(f"{'':11}{'hard P':>8}{'R':>8}{'F1':>8}{'every. P':>10}{'R':>8}{'F1':>8}"
          f"{'µs':>9}{'start s':>9}{'MB':>7}")  # fmt: skip
    for make in (names_only, product, rjieba, jieba):
        try:
            row = _row(make, everyday, options.wrong)
        except ImportError as problem:
            print(f"{make.__name__:11} {problem.name} is not installed")
            continue
        told["ways"][make.__name__] = row
        print(f"{make.__name__:11}{row['hard']['precision']:8.3f}{row['hard']['recall']:8.3f}"
              f"{row['hard']['f1']:8.3f}{row['everyday']['precision']:10.3f}"
              f"{row['everyday']['recall']:8.3f}{row['everyday']['f1']:8.3f}{row['us']:9.1f}"
              f"{row['start_s']:9.2f}{row['mb']:7.0f}")  # fmt: skip
    if options.json:
        print(json.dumps({"bench": "words", **told}, ensure_ascii=False))
    return 0


def _row(make: Callable[[], Find], everyday: Sequence[Any], show: bool) -> dict[str, Any]:
    before, begun = _rss_mb(), time.perf_counter()
    find = make()
    list(find("请问"))
    start_s = time.perf_counter() - begun
    cases = [*HARD, *everyday]
    begun = time.perf_counter()
    for _ in range(REPEAT):
        for text, _keys in cases:
            list(find(text))
    each = (time.perf_counter() - begun) / len(cases) / REPEAT
    row: dict[str, Any] = {"start_s": start_s, "us": each * 1e6, "mb": _rss_mb() - before}
    for name, of in (("hard", HARD), ("everyday", everyday)):
        row[name] = measure(find, of)
        wrong = row[name].pop("wrong")
        for text, more, less in wrong if show else ():
            print(
                f"    {make.__name__}: {text}  too much: {more}  missing: {less}", file=sys.stderr
            )
    return row


def _rss_mb() -> float:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024


if __name__ == "__main__":
    sys.exit(main())
