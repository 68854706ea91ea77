"""How well a linkage agrees with the truth. Pure.

    figures(truth, found)     two labels for each record: which person it is, and which was found

Pairwise counts pairs of records that are one person. B-cubed is the mean over records (not over
clusters) of how much of a record's cluster is right, and how much of its person was found. An
exact cluster has all records of a person and no other; persons with one record count.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Hashable, Sequence
from dataclasses import asdict, dataclass


@dataclass(frozen=True, slots=True)
class Rate:
    """Precision, recall, and their harmonic mean: 0 to 1."""

    precision: float
    recall: float

    @property
    def f1(self) -> float:
        """0 when both are."""
        both = self.precision + self.recall
        return 2 * self.precision * self.recall / both if both else 0.0


@dataclass(frozen=True, slots=True)
class Figures:
    """All of it. `largest`: records of the largest cluster found; `largest_true`: of a person."""

    records: int
    persons: int
    clusters: int
    pairwise: Rate
    b_cubed: Rate
    exact: Rate
    largest: int
    largest_true: int

    def as_json(self) -> dict[str, object]:
        """Plain values, with each F1."""
        data = asdict(self)
        for name in ("pairwise", "b_cubed", "exact"):
            rate: Rate = getattr(self, name)
            data[name] = {
                "precision": round(rate.precision, 6), "recall": round(rate.recall, 6),
                "f1": round(rate.f1, 6),
            }  # fmt: skip
        return data


def figures(truth: Sequence[Hashable], found: Sequence[Hashable]) -> Figures:
    """Compare two labellings of the same records, in the same order. Raises ValueError."""
    if len(truth) != len(found) or not truth:
        raise ValueError("both labellings must be of the same records, at least one")
    real, made = Counter(truth), Counter(found)
    both = Counter(zip(truth, found, strict=True))
    shared = _pairs(both)
    right = sum(n * n / made[label] for (_, label), n in both.items()) / len(truth)
    reached = sum(n * n / real[label] for (label, _), n in both.items()) / len(truth)
    exact = sum(n == real[a] == made[b] for (a, b), n in both.items())
    return Figures(
        records=len(truth), persons=len(real), clusters=len(made),
        pairwise=Rate(_share(shared, _pairs(made)), _share(shared, _pairs(real))),
        b_cubed=Rate(right, reached), exact=Rate(exact / len(made), exact / len(real)),
        largest=max(made.values()), largest_true=max(real.values()),
    )  # fmt: skip


def over_merged(found: Sequence[Hashable], marks: Sequence[Sequence[tuple[str, str]]]) -> int:
    """Clusters that hold two values of a mark of which a person has one: (kind, value)."""
    seen: dict[tuple[Hashable, str], str] = {}
    bad: set[Hashable] = set()
    for label, of_record in zip(found, marks, strict=True):
        for kind, value in of_record:
            if seen.setdefault((label, kind), value) != value:
                bad.add(label)
    return len(bad)


def _pairs(counted: Counter[Hashable] | Counter[tuple[Hashable, Hashable]]) -> int:
    return sum(n * (n - 1) // 2 for n in counted.values())


def _share(part: int, whole: int) -> float:
    """Of nothing, nothing was wrong."""
    return part / whole if whole else 1.0
