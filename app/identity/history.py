"""Who was one person at a moment of the past: the log of what changed, read again."""

from __future__ import annotations

from collections.abc import Collection
from datetime import datetime

from sqlalchemy import select
from sqlalchemy.orm import Session

from app.identity.models import Identifier, IdentityLog
from app.identity.partition import RULE_VERSION
from app.identity.register import label_of
from app.infra.errors import NotFound

PIECE = 1000
LONGEST = 19  # digits of a number that databases know


def version(session: Session) -> str:
    """`rules.change`: which rules, and the last change of who is who; figures of one version are
    about the same persons."""
    newest = select(IdentityLog.rule_version, IdentityLog.id).order_by(IdentityLog.id.desc())
    row = session.execute(newest.limit(1)).first()
    return f"{row.rule_version}.{row.id}" if row else f"{RULE_VERSION}.0"


def change_of(session: Session, text: str) -> tuple[int, datetime]:
    """The change that a version names, and when it was. Raises NotFound."""
    rules, _, number = text.partition(".")
    known = rules.isdecimal() and number.isdecimal() and len(number) < LONGEST
    row = session.get(IdentityLog, int(number)) if known else None
    if row is None or int(rules) != row.rule_version:
        raise NotFound(f"没有身份版本 {text}，请照报表上写的填写，例如 1.1234。")
    return row.id, row.at


def as_of(
    session: Session,
    moment: datetime,
    only: Collection[int] | None = None,
    *,
    until: int | None = None,
) -> dict[int, str]:
    """Identifier → ONE ID as it was known at `moment`: all of them, or `only` these; after the
    change `until` exactly, when that is said.

    What was learned later about earlier days is not in it: the log tells when we knew. Whatever
    was forgotten since is still a number here, without a value.
    """
    state = _born_with(session, moment, only)
    upto = IdentityLog.at <= moment if until is None else IdentityLog.id <= until
    changes = select(IdentityLog.after).where(upto).order_by(IdentityLog.id)
    for after in session.scalars(changes.execution_options(yield_per=PIECE)):
        for identifier, one_id in after.items():
            if only is None or int(identifier) in only:  # seen afresh since, perhaps
                state[int(identifier)] = one_id
    return state


def _born_with(session: Session, moment: datetime, only: Collection[int] | None) -> dict[int, str]:
    """Alone, an identifier is a person of its own."""
    chosen = select(
        Identifier.id, Identifier.value_hash, Identifier.kind, Identifier.namespace
    ).where(Identifier.first_seen_at <= moment)
    if only is not None:
        chosen = chosen.where(Identifier.id.in_(list(only)))
    rows = session.execute(chosen.execution_options(yield_per=PIECE))
    return {
        row.id: label_of(bytes(row.value_hash), row.kind, row.namespace)
        for row in rows
    }  # fmt: skip
