"""Stamps: what a process may keep until it changes

Revision 0008_stamp, after 0007_erasure.
"""

from __future__ import annotations

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


def downgrade() -> None:
    """Step back."""
    op.drop_table("stamp")
