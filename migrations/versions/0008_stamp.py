"""Stamps: what a process may keep until it changes; and an index of what was tried

Revision 0008_stamp, after 0007_erasure.
"""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0008_stamp"
down_revision = "0007_erasure"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Step to this revision."""
    op.create_table(
        "stamp",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("value", sa.String(length=32), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_stamp")),
    )
    stamp = sa.table("stamp", sa.column("name"), sa.column("value"))
    op.bulk_insert(stamp, [{"name": "vocabulary", "value": secrets.token_hex(16)}])
    tried = sa.text("state = 'pending' and attempts > 0")
    op.create_index(
        "ix_inbox_event_tried", "inbox_event", ["urgent", "next_attempt_at", "id"],
        sqlite_where=tried, postgresql_where=tried,
    )  # fmt: skip


def downgrade() -> None:
    """Step back."""
    op.drop_index("ix_inbox_event_tried", "inbox_event")
    op.drop_table("stamp")
