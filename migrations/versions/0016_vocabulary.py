"""Who may see a tag, who may assert it, what contradicts it, and which tags WeCom mirrors

Revision 0016_vocabulary, after 0015_segments.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0016_vocabulary"
down_revision = "0015_segments"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Step to this revision."""
    op.add_column(
        "tag",
        sa.Column("sensitivity", sa.String(length=12), server_default="normal", nullable=False),
    )
    op.add_column(
        "tag", sa.Column("may_assert", sa.String(length=200), server_default="", nullable=False)
    )
    op.add_column(
        "tag", sa.Column("mirrored", sa.Boolean(), server_default=sa.false(), nullable=False)
    )
    op.create_table(
        "tag_opposite",
        sa.Column("a_id", BIG_ID, nullable=False),
        sa.Column("b_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(["a_id"], ["tag.id"], name=op.f("fk_tag_opposite_a_id")),
        sa.ForeignKeyConstraint(["b_id"], ["tag.id"], name=op.f("fk_tag_opposite_b_id")),
        sa.PrimaryKeyConstraint("a_id", "b_id", name=op.f("pk_tag_opposite")),
    )
    op.create_index("ix_tag_opposite_b_id", "tag_opposite", ["b_id"])


def downgrade() -> None:
    """Step back."""
    op.drop_table("tag_opposite")
    op.drop_column("tag", "mirrored")
    op.drop_column("tag", "may_assert")
    op.drop_column("tag", "sensitivity")
