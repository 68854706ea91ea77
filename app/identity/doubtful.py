"""Which raw components may be stored otherwise than evidence and judgements say: all at one look.

So that of millions only those are computed again, by `rebuild`, that may be wrong: where a stored
ONE ID, status, redirect or conflict is not what `bulk.outline` gives, and where only `partition`
can tell. What changes meanwhile was computed by who changed it, and is at worst computed once more.
Needs numpy and scipy (`bulk.available`).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

from sqlalchemy import and_, exists, or_, select
from sqlalchemy.orm import Session

from app.identity import bulk
from app.identity.arrays import LABEL, STATUSES, Stored, Tell, read
from app.identity.models import Conflict, Identifier, IdentifierStatus, Override, Physician
from app.identity.partition import RULES
from app.identity.register import label_of
from app.identity.resolve import MAX_COMPONENT


@dataclass(frozen=True, slots=True)
class Doubtful:
    """Raw components to compute again; how many there are at all, of how much evidence."""

    components: list[int]
    looked: int
    evidence: int


def doubtful(session: Session, tell: Tell = lambda _text: None) -> Doubtful:
    """Look at everybody. Raises ValueError when there are too many for one look."""
    import numpy as np

    graph, stored = read(session, tell)
    outline = bulk.outline(graph)
    wrong = outline.hard | _differ(graph, stored, outline)
    raw, sizes = np.unique(stored.component, return_counts=True)
    too_large = np.isin(stored.component, raw[sizes > MAX_COMPONENT])
    left_alone = stored.status == STATUSES.index(IdentifierStatus.QUARANTINED)
    found = set(np.unique(stored.component[np.where(too_large, ~left_alone, wrong)]).tolist())
    tell(f"who is who computed, {len(found):,} of {len(raw):,} groups to look at closely")
    for statement in (_JUDGED, _IN_A_WINDOW, _KEPT_APART, _LED_ELSEWHERE, _NOBODY):
        found.update(session.scalars(statement))
    return Doubtful(sorted(found), len(raw), len(graph.a))


def _differ(graph: bulk.Graph, stored: Stored, outline: bulk.Outline) -> Any:
    """Nodes that are not stored as they should be."""
    import numpy as np

    active, blocked, shared = (
        STATUSES.index(one)
        for one in (IdentifierStatus.ACTIVE, IdentifierStatus.BLOCKED, IdentifierStatus.SHARED)
    )
    status = np.where(graph.blocked, blocked, np.where(outline.shared, shared, active))
    anchors = np.unique(outline.anchor)
    one_id = np.zeros(len(stored.one_id), dtype=LABEL)
    one_id[anchors] = [
        label_of(graph.key[one].tobytes(), bulk.KINDS[graph.kind[one]].value,
                 stored.namespaces[graph.namespace[one]]).encode()
        for one in anchors.tolist()
    ]  # fmt: skip
    return (stored.status != status) | (stored.one_id != one_id[outline.anchor])


_IS_OWN = Identifier.one_id == Physician.one_id
_HOLDS = Override.kind.in_(("must", "cannot")), Override.retracted_at.is_(None)
_JUDGED = select(Identifier.component_id).where(
    Identifier.id.in_(select(Override.a_id).where(*_HOLDS).union(
        select(Override.b_id).where(*_HOLDS, Override.b_id.is_not(None))
    ))
)  # fmt: skip
_IN_A_WINDOW = select(Identifier.component_id).where(
    Identifier.kind.in_([kind.value for kind, rule in RULES.items() if rule.window])
)
_KEPT_APART = select(Identifier.component_id).join(Conflict, Conflict.a_id == Identifier.id)
_LED_ELSEWHERE = (
    select(Identifier.component_id)
    .join(Physician, Physician.anchor_id == Identifier.id)
    .where(
        or_(
            and_(_IS_OWN, or_(Physician.redirect_to.is_not(None), Physician.live.is_(False))),
            and_(~_IS_OWN, Physician.redirect_to.is_distinct_from(Identifier.one_id)),
            and_(~_IS_OWN, Physician.live.is_(True)),
        )
    )
)
_NOBODY = select(Identifier.component_id).where(
    ~exists().where(Physician.one_id == Identifier.one_id)
)
