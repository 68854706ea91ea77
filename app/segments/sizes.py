"""How many are in an audience that a program puts together."""

from __future__ import annotations

from collections.abc import Sequence
from datetime import datetime

from sqlalchemy.orm import Session

from app.segments import sql
from app.segments.answering import ask
from app.segments.asking import FEW
from app.segments.meaning import meaning
from app.segments.nodes import AnyOf, Node


def size(session: Session, tree: Node, now: datetime) -> int:
    """As fast as while somebody types, and as exact. Raises Refused for unknown tags."""
    return sizes(session, [tree], now)[0]


def sizes(session: Session, trees: Sequence[Node], now: datetime) -> list[int]:
    """The same for several at once: names and who waits are looked up once for all."""
    if not trees:
        return []
    meant = meaning(session, AnyOf(tuple(trees)), now)
    found = ask(session, trees, meant, now, FEW)
    if found is None:
        return [len(sql.members(session, tree, meant, now)) for tree in trees]
    return [len(one) for one in found]
