"""The product's own linkage over the rows of any file: identifiers first, then likeness. Pure.

Rows of physicians (a column means a name) are linked as the product does: identifiers by the rules
of ONE ID, then the persons that result are scored and joined. Rows of anything else are compared
by what their columns hold, with weights learned from the file itself.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from app.infra.errors import Refused
from app.linkage.automatic import may_join
from app.linkage.block import MOST
from app.linkage.cluster import cluster
from app.linkage.features import features
from app.linkage.fields import LONGEST_BLOCK, Field, kit_of, normal
from app.linkage.identified import Person, persons_of
from app.linkage.kit import PHYSICIANS, Kit
from app.linkage.learn import frequencies, learn, shares_of
from app.linkage.model import Model, default
from app.linkage.pairs import blocks, candidates
from app.linkage.score import Scorer, probability

OURS = ("name", "hospital", "department", "title", "city")
KEPT_FROM = -10.0  # bits: whatever is less likely is not kept in memory
Table = Sequence[Mapping[str, str]]
Tell = Callable[[str], None]


@dataclass(frozen=True, slots=True)
class Linked:
    """Labels of the rows, in their order, after each step; the last one is the result.

    `marks`: what a row holds of which a person has one only. `pairs`: how many were scored.
    """

    steps: Mapping[str, Sequence[int]]
    marks: Sequence[Sequence[tuple[str, str]]]
    pairs: int
    model: Model

    @property
    def labels(self) -> Sequence[int]:
        """The result."""
        return list(self.steps.values())[-1]


def link(
    table: Table,
    meanings: Mapping[str, str],
    *,
    least: float = 0.0,
    source: str = "",
    model: Model | None = None,
    tell: Tell = lambda _text: None,
) -> Linked:
    """Who is one person in this table. `meanings`: column → one of ours, or a `Field`.

    `least`: bits from which two are one (0: as likely as not). `source`: the column of a source
    that holds everybody once. Raises Refused when nothing can be compared.
    """
    if "name" in meanings.values():
        return _link_physicians(table, meanings, least, source, model or default(), tell)
    return _link_rows(table, meanings, least, source, tell)


def _link_physicians(
    table: Table, meanings: Mapping[str, str], least: float, source: str, model: Model, tell: Tell
) -> Linked:
    columns = {meaning: column for column, meaning in meanings.items()}
    persons = persons_of(table, columns, source)
    tell(f"{len(persons):,} persons by identifiers")
    values = [said(table, person.rows, columns) for person in persons]
    records = [
        features(known, person.phones) for known, person in zip(values, persons, strict=True)
    ]
    scored, bits, scorer = _scored(PHYSICIANS, records, model, MOST)
    tell(f"{len(scored):,} pairs")
    marks = [person.marks for person in persons]
    sure = []
    for score, i, j in scored:
        levels = PHYSICIANS.compare(records[i], records[j])
        hospitals = (values[i].get("hospital", ""), values[j].get("hospital", ""))
        if may_join(levels, probability(score), hospitals):
            sure.append((score, i, j))
    steps = {
        "identifiers": range(len(persons)),
        "automatic": cluster(len(records), sure, bits, least=least, marks=marks),
        "all candidates": cluster(len(records), scored, bits, least=least, marks=marks),
    }
    return Linked(
        {name: _spread(labels, persons, len(table)) for name, labels in steps.items()},
        _marks_of_rows(persons, len(table)), len(scored), scorer.model,
    )  # fmt: skip


def _link_rows(
    table: Table, meanings: Mapping[str, str], least: float, source: str, tell: Tell
) -> Linked:
    fields = {column: Field(kind) for column, kind in meanings.items() if kind in set(Field)}
    if not fields:
        raise Refused("没有一列可以比较。用 --map 列名=text、date、code 或 choice 说明每列是什么。")
    records = [
        tuple(normal(kind, row.get(column, "")) for column, kind in fields.items()) for row in table
    ]
    kit = kit_of(fields, records)
    model = learn(kit, records, version="learned", trained_on="the file itself")
    tell("weights learned")
    scored, bits, _ = _scored(kit, records, model, LONGEST_BLOCK)
    tell(f"{len(scored):,} pairs")
    marks = [{f"source:{row[source]}": str(n)} if source else {} for n, row in enumerate(table)]
    labels = cluster(len(records), scored, bits, least=least, marks=marks)
    rows = [tuple(one.items()) for one in marks]
    return Linked({"all candidates": labels}, rows, len(scored), model)


def _scored(
    kit: Kit[Any], records: Sequence[Any], model: Model, most: int
) -> tuple[list[tuple[float, int, int]], Callable[[int, int], float], Scorer]:
    scorer = Scorer(model, len(records))
    counted = frequencies(kit, records)

    def bits(i: int, j: int) -> float:
        a, b = records[i], records[j]
        levels = kit.compare(a, b)
        total = scorer.bits(levels)
        if total < KEPT_FROM or 0 not in levels:
            return total
        return total + sum(
            scorer.rarity(column, levels, share)
            for column, share in shares_of(kit, scorer, counted, a).items()
        )

    found = candidates(len(records), blocks(records, kit.keys, most))
    return [(s, i, j) for i, j in found if (s := bits(i, j)) >= KEPT_FROM], bits, scorer


def said(table: Table, rows: Sequence[int], columns: Mapping[str, str]) -> dict[str, str]:
    """The last word of these rows about each attribute, as the newest survives in the product.

    `columns`: ours → column.
    """
    found: dict[str, str] = {}
    for row in rows:
        for meaning in OURS:
            if meaning in columns and (text := table[row].get(columns[meaning], "").strip()):
                found[meaning] = text
    return found


def _spread(labels: Sequence[int], persons: Sequence[Person], rows: int) -> list[int]:
    found = [0] * rows
    for person, label in zip(persons, labels, strict=True):
        for row in person.rows:
            found[row] = label
    return found


def _marks_of_rows(persons: Sequence[Person], rows: int) -> list[tuple[tuple[str, str], ...]]:
    found: list[tuple[tuple[str, str], ...]] = [()] * rows
    for person in persons:
        for row, marks in zip(person.rows, person.marks_of_rows, strict=True):
            found[row] = marks
    return found
