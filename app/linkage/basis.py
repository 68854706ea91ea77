"""What a decision about two persons rests on, as a keyed mark: another mark is another question.

Two persons have to agree that two registered physicians are one. If somebody else's hospital came
in between, or evidence was taken back, they would have agreed about two different things.
"""

from __future__ import annotations

import json
from collections.abc import Collection
from typing import Any

from sqlalchemy import or_, select
from sqlalchemy.orm import Session

from app.identity import ATTRIBUTES, Identifier, Physician
from app.identity.models import Evidence
from app.infra import crypto

LENGTH = 32


def basis(session: Session, one_ids: Collection[str]) -> str:
    """The mark of what is known now of these ONE IDs: what is shown of them, whose identifiers
    are theirs, and what sources have said about these."""
    ids = sorted(one_ids)
    shown = select(Physician.one_id, *(getattr(Physician, name) for name in ATTRIBUTES))
    theirs = select(Identifier.id, Identifier.one_id, Identifier.status)
    people = session.execute(shown.where(Physician.one_id.in_(ids)).order_by(Physician.one_id))
    members = session.execute(theirs.where(Identifier.one_id.in_(ids)).order_by(Identifier.id))
    known: list[Any] = [[list(row) for row in people], [list(row) for row in members]]
    known.append(_said(session, [row[0] for row in known[1]]))
    text = json.dumps(known, ensure_ascii=False, default=str)
    return crypto.blind_index(text, "link_candidate.basis").hex()[:LENGTH]


def _said(session: Session, ids: Collection[int]) -> list[list[Any]]:
    about = or_(Evidence.a_id.in_(ids), Evidence.b_id.in_(ids))
    columns = Evidence.a_id, Evidence.b_id, Evidence.kind, Evidence.source, Evidence.trust
    said = select(*columns, Evidence.at).where(about, Evidence.active.is_(True))
    return [list(row) for row in session.execute(said.order_by(Evidence.id))]
