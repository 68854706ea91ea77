"""A version of a content says whether it is a safety notice

Revision 0033_purpose, after 0032_deviations.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0033_purpose"
down_revision = "0032_deviations"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Step to this revision."""
    op.add_column(
        "content_version",
        sa.Column("purpose", sa.String(10), nullable=False, server_default="usual"),
    )


def downgrade() -> None:
    """Step back."""
    op.drop_column("content_version", "purpose")
