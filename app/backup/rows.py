"""How many rows there are, and whether a database holds anything yet."""

from __future__ import annotations

from sqlalchemy import func, inspect, literal, select, table
from sqlalchemy.orm import Session

MAIN = (
    "inbox_event", "physician", "identifier", "tag_assertion", "touchpoint", "consent_entry",
    "content", "suggestion", "campaign", "dispatch", "user_account", "audit_entry",
)  # fmt: skip
NOT_DATA = frozenset({"alembic_version", "process_beat"})


def count_rows(session: Session) -> dict[str, int]:
    """Rows of every table, exactly."""
    return {
        name: session.scalars(select(func.count()).select_from(table(name))).one()
        for name in _tables(session)
    }


def holds_data(session: Session) -> bool:
    """True when any table but the technical ones has a row."""
    return any(
        session.scalar(select(literal(1)).select_from(table(name)).limit(1)) is not None
        for name in _tables(session)
        if name not in NOT_DATA
    )


def _tables(session: Session) -> list[str]:
    return sorted(inspect(session.connection()).get_table_names())
