"""The names that sources wrote: what each means is kept once, for all physicians who have it.

    note(session, text, city, province, now)     a physician has this hospital: which is it
    settle(session, rows)                        look again, after the table of names changed

`note` holds a shared lock while it adds a name, and whoever changes the table of names an
exclusive one (`changing`): so no name is kept by an older table than the one that it waited for.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import NamedTuple

from sqlalchemy import bindparam, select, text
from sqlalchemy.orm import Session

from app.hospitals.models import Written
from app.hospitals.normalise import key
from app.hospitals.resolve import Asked, keys_of, resolve, resolve_many
from app.infra.db import insert_once
from app.infra.direct import Direct

LOCK = 0x48_4F_53_50  # any constant
AT_ONCE = 500


def note(session: Session, written: str, city: str, province: str, now: datetime) -> int | None:
    """The institution that this means, as far as we know; a new name is kept for review."""
    if not written:
        return None
    asked = {"text": written, "city": city, "province": province}
    known = _KEPT.first(session, asked)
    if known is not None:
        return known.institution_id
    _lock(session, "pg_advisory_xact_lock_shared")
    found = resolve(session, written, city, province).institution_id
    whole = key(written)
    row = asked | {
        "key": whole, "compound": keys_of(written) != [whole], "institution_id": found,
        "decision": "", "first_seen_at": now,
    }  # fmt: skip
    insert_once(session, Written, row, "text", "city", "province")
    return found


def changing(session: Session) -> None:
    """Call before the table of names is read in order to change it, once in a transaction."""
    _lock(session, "pg_advisory_xact_lock")


def settle(session: Session, keys: Iterable[str]) -> list[int]:
    """Look again at written names with these keys. Gives the ids of those that changed."""
    wanted = sorted(set(keys))
    changed: list[int] = []
    for start in range(0, len(wanted), AT_ONCE):
        few = Written.key.in_(wanted[start : start + AT_ONCE])
        changed += _look_again(session, session.scalars(select(Written).where(few)).all())
    some = session.scalars(select(Written).where(Written.compound)).all() if wanted else []
    return changed + _look_again(session, some)


def settle_after(session: Session, last: int) -> tuple[int | None, int]:
    """Look again at the next few after row `last`: (the last one looked at, how many changed)."""
    rows = session.scalars(
        select(Written).where(Written.id > last).order_by(Written.id).limit(AT_ONCE)
    ).all()
    return (rows[-1].id if rows else None), len(_look_again(session, rows))


def _look_again(session: Session, rows: Sequence[Written]) -> list[int]:
    found = resolve_many(session, (Asked(row.text, row.city, row.province) for row in rows))
    changed = []
    for row, resolution in zip(rows, found, strict=True):
        if row.institution_id != resolution.institution_id:
            row.institution_id = resolution.institution_id
            changed.append(row.id)
    session.flush()
    return changed


def _lock(session: Session, how: str) -> None:
    if session.get_bind().dialect.name == "postgresql":
        session.execute(text(f"select {how}(:key)"), {"key": LOCK})


class _Kept(NamedTuple):
    institution_id: int | None


_KEPT = Direct(
    select(Written.institution_id).where(
        Written.text == bindparam("text"),
        Written.city == bindparam("city"),
        Written.province == bindparam("province"),
    ),
    _Kept,
)
