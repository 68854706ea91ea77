"""A message that is under way when its person is erased loses its payload when it is over

Revision 0007_erasure, after 0006_completeness.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0007_erasure"
down_revision = "0006_completeness"
branch_labels = None
depends_on = None

WANTED = sa.text("erase")


def upgrade() -> None:
    """Step to this revision."""
    op.add_column(
        "dispatch", sa.Column("erase", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.create_index(
        "ix_dispatch_erase", "dispatch", ["id"], unique=False,
        sqlite_where=WANTED, postgresql_where=WANTED,
    )  # fmt: skip


def downgrade() -> None:
    """Step back from this revision."""
    op.drop_index("ix_dispatch_erase", table_name="dispatch")
    op.drop_column("dispatch", "erase")
