"""Who waits to be compared: whoever is new or has changed, and sure pairs that were held back.

How common a name is can be told only when everybody's keys are stored. So while others wait, a
sure pair is a candidate like any other, with a mark; when nobody waits any more, those with a mark
are looked at again, and joined if they are sure still. People may decide on them meanwhile.
"""

from __future__ import annotations

import math
from collections.abc import Sequence

from sqlalchemy import ColumnElement, and_, select, text, update
from sqlalchemy.orm import Session

from app.identity import Physician, owners
from app.linkage.automatic import SURE
from app.linkage.models import LinkCandidate, State

LOCK = 0x4C_49_4E_4B  # any constant
MARK = "held:"  # before the model version of a sure pair that was held back
_SURE_BITS = math.log2(SURE / (1 - SURE)) - 0.01  # scores are rounded


def is_due(session: Session) -> bool:
    """True when somebody has to be looked at."""
    return any(session.execute(one.limit(1)).first() for one in (_WHO, _HELD_IDS))


def others_wait(session: Session) -> bool:
    """True when somebody who lives has changed and nobody has looked."""
    return session.execute(_WHO.where(Physician.live.is_(True)).limit(1)).first() is not None


def due(session: Session, limit: int) -> Sequence[str]:
    """The next of them, held for this transaction and marked as looked at.

    One transaction at a time looks: two would miss each other's keys, which are not committed.
    """
    one_at_a_time(session)
    chosen = _WHO.order_by(Physician.one_id).limit(limit)
    # Tokens and keys may point at whom we hold meanwhile, hence `key_share`.
    found = session.scalars(chosen.with_for_update(skip_locked=True, key_share=True)).all()
    session.execute(
        update(Physician).where(Physician.one_id.in_(found)).values(link_due=False)
        .execution_options(synchronize_session=False)
    )  # fmt: skip
    return found or ([] if others_wait(session) else _held_back(session, limit))


def look_again(session: Session, identifier_ids: Sequence[int]) -> None:
    """Whoever has these identifiers by now is due."""
    who = set(owners(session, set(identifier_ids)).values())
    session.execute(
        update(Physician).where(Physician.one_id.in_(who)).values(link_due=True)
        .execution_options(synchronize_session=False)
    )  # fmt: skip


def hold_back(candidate: LinkCandidate) -> None:
    """It is sure, and is looked at again when nobody waits."""
    candidate.model_version = f"{MARK}{candidate.model_version.removeprefix(MARK)}"[:40]


def one_at_a_time(session: Session) -> None:
    """Only one transaction compares, until it ends. SQLite's writers are alone anyway."""
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text("select pg_advisory_xact_lock(:key)"), {"key": LOCK})


def _held_back(session: Session, limit: int) -> Sequence[str]:
    """Who is in the next sure pairs that were held back; the mark is gone."""
    rows = session.scalars(
        select(LinkCandidate).where(_HELD).order_by(LinkCandidate.id).limit(limit)
        .with_for_update(skip_locked=True).execution_options(populate_existing=True)
    ).all()  # fmt: skip
    for row in rows:
        row.model_version = row.model_version.removeprefix(MARK)
    return sorted(set(owners(session, {one for r in rows for one in (r.a_id, r.b_id)}).values()))


# Written as the partial index is, or no planner would use it.
_WHO = select(Physician.one_id).where(text("physician.link_due = true"))
_HELD: ColumnElement[bool] = and_(
    LinkCandidate.state == State.OPEN, LinkCandidate.score >= _SURE_BITS,
    LinkCandidate.model_version.startswith(MARK),
    LinkCandidate.decided_by.is_(None), LinkCandidate.undone_by.is_(None),
)  # fmt: skip
_HELD_IDS = select(LinkCandidate.id).where(_HELD)
