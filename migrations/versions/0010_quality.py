"""One row a day about the quality of the identity graph

Revision 0010_quality, after 0009_split.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010_quality"
down_revision = "0009_split"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Step to this revision."""
    op.create_table(
        "identity_quality",
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("day", name=op.f("pk_identity_quality")),
    )


def downgrade() -> None:
    """Step back."""
    op.drop_table("identity_quality")
