"""Who of a few is in an audience that is written down."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from contextlib import suppress
from datetime import datetime

from sqlalchemy.orm import Session

from app.infra.errors import Refused
from app.segments.facts import Meant, holds
from app.segments.gather import gather
from app.segments.meaning import meaning
from app.segments.nodes import Node, Unparseable
from app.segments.parse import parse


def of_these(
    session: Session, texts: Iterable[str], one_ids: Sequence[str], now: datetime
) -> dict[str, set[str]]:
    """Those of `one_ids` for whom each expression holds; who they are is read once for all.

    An expression that names what does not exist (any more) holds for nobody.
    """
    found: dict[str, set[str]] = {text: set() for text in texts}
    meant: dict[str, tuple[Node, Meant]] = {}
    for text in found:
        with suppress(Unparseable, Refused):
            tree = parse(text)
            meant[text] = tree, meaning(session, tree, now)
    if meant:
        for one in gather(session, one_ids, now):
            for text, (tree, means) in meant.items():
                if holds(tree, one, means):
                    found[text].add(one.one_id)
    return found
