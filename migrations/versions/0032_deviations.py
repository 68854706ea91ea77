"""Old decisions whose deviations are still there are found without walking a month

Revision 0032_deviations, after 0031_refused_moves.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0032_deviations"
down_revision = "0031_refused_moves"
branch_labels = None
depends_on = None

STORED = sa.text("deviations IS NOT NULL")


def upgrade() -> None:
    """Step to this revision."""
    op.create_index(
        "ix_decision_deviations", "decision", ["day"],
        sqlite_where=STORED, postgresql_where=STORED,
    )  # fmt: skip


def downgrade() -> None:
    """Step back."""
    op.drop_index("ix_decision_deviations", table_name="decision")
