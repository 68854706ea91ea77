"""Blind-indexed keys of physicians: who else is worth comparing, found along an index."""

from __future__ import annotations

from collections.abc import Iterable

from sqlalchemy import BindParameter, bindparam, delete, func, select
from sqlalchemy.orm import Session

from app.infra import crypto
from app.infra.db import insert_all
from app.linkage import block
from app.linkage.features import Features
from app.linkage.models import LinkKey

BYTES = 8


def tokens(one: Features) -> list[bytes]:
    """The keys of a physician as they are stored; that of the name first."""
    return [_token(key) for key in block.keys(one)]


def store(session: Session, one_id: str, found: Iterable[bytes]) -> None:
    """Write down under which keys somebody is found; under none any more without any."""
    session.execute(_FORGET, {"one_id": one_id})
    rows = [{"token": token, "one_id": one_id} for token in sorted(set(found))]
    insert_all(session, LinkKey, rows, "token", "one_id")


def others(session: Session, one_id: str, found: list[bytes]) -> tuple[set[str], int]:
    """Who shares a key that is not everybody's, and how many have the same name."""
    if not found:
        return set(), 0
    counted = dict(session.execute(_COUNT, {"tokens": found}).all())
    usable = [token for token, number in counted.items() if number <= block.MOST]
    meets = set(session.scalars(_WHO, {"tokens": usable})) if usable else set()
    return meets - {one_id}, counted.get(found[0], 0)


def _token(key: str) -> bytes:
    return crypto.blind_index(key, "link_key")[:BYTES]


_TOKENS: BindParameter[bytes] = bindparam("tokens", expanding=True)
_FORGET = delete(LinkKey).where(LinkKey.one_id == bindparam("one_id"))
_COUNT = (
    select(LinkKey.token, func.count()).where(LinkKey.token.in_(_TOKENS)).group_by(LinkKey.token)
)
_WHO = select(LinkKey.one_id).where(LinkKey.token.in_(_TOKENS)).distinct()
