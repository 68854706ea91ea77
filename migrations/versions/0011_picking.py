"""Indexes along which the next messages are found without sorting all that wait

Revision 0011_picking, after 0010_quality.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011_picking"
down_revision = "0010_quality"
branch_labels = None
depends_on = None

IN_TIME = ["not_before", "id"]
DUE = ["state", *IN_TIME, "way", "app_key", "rep_id", "maybe_sent"]
FIRST = {
    "way": ("way = 'welcome'", ["app_key", "rep_id"]),
    "maybe_sent": ("maybe_sent = true", ["way", "app_key", "rep_id"]),
}


def upgrade() -> None:
    """Step to this revision."""
    op.drop_index("ix_dispatch_due", table_name="dispatch")
    op.create_index("ix_dispatch_due", "dispatch", DUE)
    for column, (which, others) in FIRST.items():
        where = sa.text(f"state = 'queued' and {which}")
        op.create_index(
            f"ix_dispatch_first_{column}", "dispatch", ["state", column, *IN_TIME, *others],
            sqlite_where=where, postgresql_where=where,
        )  # fmt: skip


def downgrade() -> None:
    """Step back."""
    for column in FIRST:
        op.drop_index(f"ix_dispatch_first_{column}", table_name="dispatch")
    op.drop_index("ix_dispatch_due", table_name="dispatch")
    op.create_index("ix_dispatch_due", "dispatch", ["state", "not_before"])
