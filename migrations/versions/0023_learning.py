"""What physicians' and reps' answers have taught the scorer

Revision 0023_learning, after 0022_online.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0023_learning"
down_revision = "0022_online"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Step to this revision."""
    op.create_table(
        "learned_response",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("answers", sa.Integer(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_learned_response")),
        sa.UniqueConstraint("day", name=op.f("uq_learned_response_day")),
    )


def downgrade() -> None:
    """Step back."""
    op.drop_table("learned_response")
