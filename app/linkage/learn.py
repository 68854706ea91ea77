"""Weights learned from the records themselves, without another engine. Pure.

model = learn(PHYSICIANS, records, version="…", trained_on="…")

No label is needed; those that there are, are used (`em.Labels`).
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Callable, Iterable, Sequence
from itertools import combinations, islice
from typing import TypeVar

from app.infra.errors import Refused
from app.linkage import em
from app.linkage.kit import Kit
from app.linkage.model import Model
from app.linkage.pairs import blocks, candidates
from app.linkage.score import Scorer, probability

F = TypeVar("F")
RANDOM_PAIRS = 400_000  # for u
TAUGHT_PAIRS = 400_000  # of each key, for m
RECORDS = 200_000  # more teach nothing new
TURNS = 3  # of guessing how many match at all
FEWEST = 20
FIRST_GUESS = 0.5


def learn(
    kit: Kit[F],
    records: Sequence[F],
    *,
    version: str,
    trained_on: str,
    labels: em.Labels = em.NOTHING,
    seed: int = 1,
) -> Model:
    """The model of these records. Raises Refused when there are too few to learn from."""
    if len(records) < FEWEST:
        raise Refused(f"至少需要 {FEWEST} 条记录才能训练权重，这里只有 {len(records)} 条。")
    rng = random.Random(seed)  # noqa: S311  for sampling
    if len(records) > RECORDS:
        records = rng.sample(records, RECORDS)
    sizes = [len(levels) for levels in kit.columns.values()]
    u = em.shares(em.count(_random_pairs(kit, records, rng)), sizes)
    taught = []
    names = list(kit.columns)
    for made_of, keys in kit.teachers:
        patterns = _patterns(kit, records, keys)
        skipped = {names.index(column) for column in made_of}
        known = labels.among(skipped)
        if patterns or known.same or known.gone:
            taught.append((*em.learn_m(patterns, u, skipped, known), skipped))
    if not taught:
        raise Refused("没有两条记录在任何字段上相同，无法训练权重。请检查字段对应关系。")
    columns = em.levels_of(kit.columns, em.combine(taught), u)
    model = Model(version, trained_on, FIRST_GUESS, columns, kit.by_frequency)
    for _ in range(TURNS):
        model = Model(
            version, trained_on, _matches_per_record(kit, records, model, labels), columns,
            kit.by_frequency,
        )  # fmt: skip
    return model


def frequencies(kit: Kit[F], records: Sequence[F]) -> dict[str, Counter[str]]:
    """How often each value of the columns by frequency occurs."""
    return {
        column: Counter(value for one in records if (value := kit.value(one, column)))
        for column in kit.by_frequency
    }


def shares_of(
    kit: Kit[F], scorer: Scorer, counted: dict[str, Counter[str]], one: F
) -> dict[str, float]:
    """How common this record's values are, as a scorer wants it."""
    return {
        column: scorer.share(column, counted[column][kit.value(one, column)])
        for column in kit.by_frequency
    }


def _random_pairs(
    kit: Kit[F], records: Sequence[F], rng: random.Random
) -> Iterable[tuple[int, ...]]:
    number = len(records)
    if number * (number - 1) // 2 <= RANDOM_PAIRS:
        yield from (kit.compare(a, b) for a, b in combinations(records, 2))
        return
    for _ in range(RANDOM_PAIRS):
        i, j = rng.randrange(number), rng.randrange(number - 1)
        yield kit.compare(records[i], records[j + (j >= i)])


def _patterns(
    kit: Kit[F], records: Sequence[F], keys: Callable[[F], Iterable[str]]
) -> Counter[tuple[int, ...]]:
    found = candidates(len(records), blocks(records, keys))
    return em.count(kit.compare(records[i], records[j]) for i, j in islice(found, TAUGHT_PAIRS))


def _matches_per_record(
    kit: Kit[F], records: Sequence[F], model: Model, labels: em.Labels
) -> float:
    """From how likely all pairs are that meet anywhere, by what is known so far."""
    scorer = Scorer(model, len(records))
    counted = frequencies(kit, records)
    total = 0.0
    pairs = islice(candidates(len(records), blocks(records, kit.keys)), 3 * TAUGHT_PAIRS)
    for i, j in pairs:
        a, b = records[i], records[j]
        levels = kit.compare(a, b)
        guess = probability(scorer.bits(levels, shares_of(kit, scorer, counted, a)))
        total += labels.share(levels, guess)
    return max(2 * total / len(records), 1 / len(records))
