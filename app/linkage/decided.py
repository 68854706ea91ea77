"""What was decided about pairs, as levels of agreement: labels for the next training.

Whoever was called one person is one by now, and cannot be compared again; so the levels are those
that the candidate kept. What no model had compared, such as a conflict, is compared when somebody
decides it (`note_levels`).
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.linkage.compare import COLUMNS, MISSING, Levels, compare
from app.linkage.look import scorer
from app.linkage.models import LinkCandidate, State
from app.linkage.people import people


@dataclass(frozen=True, slots=True)
class Decided:
    """How many pairs of each pattern of levels people called one person, and two persons; `joined`:
    those that the rule joined, which tell nothing new but are not among the pairs any more."""

    same: Counter[Levels] = field(default_factory=Counter)
    different: Counter[Levels] = field(default_factory=Counter)
    joined: Counter[Levels] = field(default_factory=Counter)


def decided(session: Session) -> Decided:
    """All that holds now: what was taken back is no label."""
    found = Decided()
    by_state = {State.ACCEPTED: found.same, State.REJECTED: found.different,
                State.AUTOMATIC: found.joined}  # fmt: skip
    chosen = select(LinkCandidate.state, LinkCandidate.weights)
    for state, weights in session.execute(chosen.where(LinkCandidate.state.in_(list(by_state)))):
        levels = _levels(weights)
        if levels is not None:
            by_state[State(state)][levels] += 1
    return found


def note_levels(session: Session, candidate: LinkCandidate, a: str, b: str, now: datetime) -> None:
    """Keep how well these two ONE IDs agree, unless a model has compared them before."""
    if _levels(candidate.weights) is not None:
        return
    both = people(session, (a, b))
    if len(both) == 2:
        levels = compare(both[a].features, both[b].features)
        told = scorer(session, now).explain(levels)
        candidate.weights = {**candidate.weights, **told.weights}


def _levels(weights: Mapping[str, Mapping[str, Any]]) -> Levels | None:
    """None when nothing was compared, or by other levels than those of today."""
    found = []
    for column, names in COLUMNS.items():
        level = weights.get(column, {}).get("level")
        if level is not None and level not in names:
            return None
        found.append(MISSING if level is None else names.index(level))
    return tuple(found) if any(level != MISSING for level in found) else None
