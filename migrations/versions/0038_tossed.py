"""Fortnights of the holdout are counted without walking over all decisions

Revision 0038_tossed, after 0037_import_work.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0038_tossed"
down_revision = "0037_import_work"
branch_labels = None
depends_on = None

TOSSED = sa.text("holdout > 0")


def upgrade() -> None:
    """Step to this revision."""
    op.create_index(
        "ix_decision_tossed", "decision", ["day", "held", "id"],
        sqlite_where=TOSSED, postgresql_where=TOSSED,
    )  # fmt: skip


def downgrade() -> None:
    """Step back."""
    op.drop_index("ix_decision_tossed", table_name="decision")
