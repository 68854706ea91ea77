"""How many are in an audience that a program puts together."""

from __future__ import annotations

from datetime import datetime

from sqlalchemy.orm import Session

from app.segments import sql
from app.segments.answering import ask
from app.segments.asking import FEW
from app.segments.meaning import meaning
from app.segments.nodes import Node


def size(session: Session, tree: Node, now: datetime) -> int:
    """As fast as while somebody types, and as exact. Raises Refused for unknown tags."""
    meant = meaning(session, tree, now)
    found = ask(session, [tree], meant, now, FEW)
    return len(sql.members(session, tree, meant, now)) if found is None else len(found[0])
