"""What a source said that may not follows a merged or split tag, and comes back

Revision 0031_refused_moves, after 0030_insights.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0031_refused_moves"
down_revision = "0030_insights"
branch_labels = None
depends_on = None

MOVED = sa.text("moved_by IS NOT NULL")


def upgrade() -> None:
    """Step to this revision."""
    op.add_column("tag_refused", sa.Column("moved_by", sa.BigInteger(), nullable=True))
    op.add_column("tag_refused", sa.Column("moved_to", sa.BigInteger(), nullable=True))
    op.add_column("tag_refused", sa.Column("moved_ref", sa.String(120), nullable=True))
    op.create_index(
        "ix_tag_refused_moved", "tag_refused", ["moved_by"],
        sqlite_where=MOVED, postgresql_where=MOVED,
    )  # fmt: skip


def downgrade() -> None:
    """Step back."""
    op.drop_index("ix_tag_refused_moved", table_name="tag_refused")
    for name in ("moved_ref", "moved_to", "moved_by"):
        op.drop_column("tag_refused", name)
