"""Institutions that a written name might mean, for a person to choose from. Never applied alone.

Similarity alone finds the right hospital seldom and a wrong one often, so what contradicts the
name (see `veto`) is left out, and each suggestion says what it shares.
"""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby

from rapidfuzz import process
from rapidfuzz.distance import Indel, LCSseq
from sqlalchemy import select
from sqlalchemy.orm import Session

from app.hospitals import places, veto
from app.hospitals.models import Institution, InstitutionAlias
from app.hospitals.normalise import key, plain
from app.hospitals.resolve import Asked, Known

BEST = 5
LOOKED_AT = 60  # of the most similar names, before vetoes
LEAST = 0.5
MOST_KEPT = 2000  # names of which the answer stays in the process
_FIELDS = [getattr(InstitutionAlias, field) for field in Known._fields]


@dataclass(frozen=True, slots=True)
class Suggestion:
    """An institution, the name of it that is similar, how much (0–1), and what they share."""

    institution: Institution
    name: str
    score: float
    shared: str
    here: bool | None
    """Whether it is in the city that came with the name; None when that is not known."""


class Pool(tuple[Known, ...]):
    """Every name there is; equal ones have one `mark`."""

    mark: int

    def __new__(cls, names: Iterable[Known]) -> Pool:
        """In one order, so that it does not matter how they were read."""
        made = super().__new__(cls, sorted(names))
        made.mark = hash(tuple(made))
        return made


class _Kept:
    """What was found among the names of one pool: a queue is looked at again and again, and each
    of its names costs a tenth of a second."""

    def __init__(self) -> None:
        self._mark: int | None = None
        self._found: dict[Asked, list[tuple[float, Known]]] = {}

    def best(self, asked: Asked, names: Pool) -> list[tuple[float, Known]]:
        """As `_best`, found once for each name and place until a name comes or goes."""
        if self._mark != names.mark or len(self._found) >= MOST_KEPT:
            self._mark, self._found = names.mark, {}
        found = self._found  # another thread may begin anew meanwhile
        if asked not in found:
            found[asked] = _best(asked, names)
        return found[asked]


_KEPT = _Kept()


def pool(session: Session) -> Pool:
    """Every name there is, to suggest from."""
    rows = session.execute(
        select(*_FIELDS)
        .join(Institution, Institution.id == InstitutionAlias.institution_id)
        .where(Institution.active)
    )
    return Pool(Known(*row) for row in rows)


def suggest(session: Session, asked: Asked, names: Pool) -> list[Suggestion]:
    """The five most likely, best first; the same city before others."""
    best = _KEPT.best(asked, names)
    city = places.place(asked.city, asked.province)
    rows = session.scalars(
        select(Institution).where(Institution.id.in_([known.institution_id for _s, known in best]))
    )
    institutions = {row.id: row for row in rows}
    return [
        Suggestion(
            institutions[known.institution_id], known.name, min(1.0, score),
            shared(asked.text, known.name),
            known.place == city if city and known.place else None,
        )
        for score, known in best
    ]  # fmt: skip


def _best(asked: Asked, names: Sequence[Known]) -> list[tuple[float, Known]]:
    city, within = places.place(asked.city, asked.province), places.province(asked.province)
    whole = key(asked.text)
    near = [
        known for known in names
        if not within or not known.province or known.province == within
    ]  # fmt: skip
    found: dict[int, tuple[float, Known]] = {}
    for score, known in _similar(whole, near):
        total = score + (0.15 if city and known.place == city else 0)
        if total > found.get(known.institution_id, (0.0, known))[0] and _may_be(
            asked, known, whole
        ):
            found[known.institution_id] = (total, known)
    return sorted(found.values(), key=lambda one: (-one[0], one[1].institution_id))[:BEST]


def shared(one: str, other: str) -> str:
    """What two names have in common, in order; what is left out between is `…`."""
    a, b = plain(one), plain(other)
    kept = [
        at
        for op in LCSseq.opcodes(a, b)
        if op.tag == "equal"
        for at in range(op.src_start, op.src_end)
    ]
    runs = groupby(enumerate(kept), key=lambda pair: pair[1] - pair[0])
    return "…".join("".join(a[at] for _n, at in run) for _gap, run in runs)


def _may_be(asked: Asked, known: Known, whole: str) -> bool:
    return known.key == whole or not veto.differ(asked.text, known.name)


def _similar(whole: str, names: Sequence[Known]) -> Iterator[tuple[float, Known]]:
    """Similar names; an abbreviation keeps its characters in order (北医三院)."""
    keys = [known.key for known in names]
    for scorer in (Indel.normalized_similarity, LCSseq.similarity):
        for _key, _score, at in process.extract(whole, keys, scorer=scorer, limit=LOOKED_AT):
            alike = Indel.normalized_similarity(whole, keys[at])
            kept = LCSseq.similarity(whole, keys[at]) / max(1, min(len(whole), len(keys[at])))
            score = (alike + kept) / 2
            if score >= LEAST:
                yield score, names[at]
