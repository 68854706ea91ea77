"""What the first of two persons saw is kept; evidence has one index less

Revision 0022_online, after 0021_audiences. Evidence about an identifier is found along the index
of pairs, which begins with it.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0022_online"
down_revision = "0021_audiences"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Step to this revision."""
    op.add_column("link_candidate", sa.Column("basis", sa.String(length=32), nullable=True))
    op.drop_index("ix_evidence_a_id", table_name="evidence")


def downgrade() -> None:
    """Step back."""
    op.create_index("ix_evidence_a_id", "evidence", ["a_id"])
    op.drop_column("link_candidate", "basis")
