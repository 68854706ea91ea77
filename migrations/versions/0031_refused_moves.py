"""What a source said that may not follows its tag; columns of a list's file are chosen

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
    op.add_column("segment_list", sa.Column("sheet", sa.LargeBinary(), nullable=True))
    op.add_column("segment_list", sa.Column("header_mark", sa.String(64), nullable=True))
    op.add_column("segment_list", sa.Column("columns", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Step back."""
    for name in ("columns", "header_mark", "sheet"):
        op.drop_column("segment_list", name)
    op.drop_index("ix_tag_refused_moved", table_name="tag_refused")
    for name in ("moved_ref", "moved_to", "moved_by"):
        op.drop_column("tag_refused", name)
