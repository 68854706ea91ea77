"""Of whom something has changed, and audiences kept ready as bitmaps

Revision 0015_segments, after 0014_names.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0015_segments"
down_revision = "0014_names"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Step to this revision."""
    op.create_table(
        "person_changed",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("identifier_id", sa.BigInteger(), nullable=True),
        sa.Column("one_id", sa.String(length=24), nullable=True),
        sa.Column("at", sa.DateTime(timezone=True), server_default=sa.func.now(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_changed")),
    )
    op.create_table(
        "segment_person",
        sa.Column("bit", BIG_ID, nullable=False),
        sa.Column("one_id", sa.String(length=24), nullable=False),
        sa.Column("facts", sa.LargeBinary(), nullable=False),
        sa.Column("changes_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("bit", name=op.f("pk_segment_person")),
        sa.UniqueConstraint("one_id", name=op.f("uq_segment_person_one_id")),
    )
    op.create_index("ix_segment_person_changes_at", "segment_person", ["changes_at"])
    op.create_table(
        "segment_fact",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("value", sa.String(length=140), nullable=False),
        sa.Column("upto", sa.BigInteger(), nullable=False),
        sa.Column("bitmap", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment_fact")),
        sa.UniqueConstraint("kind", "value", name=op.f("uq_segment_fact_kind_value")),
    )
    op.create_table(
        "segment_change",
        sa.Column("n", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("data", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("n", name=op.f("pk_segment_change")),
    )
    op.create_table(
        "segment_state",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("generation", sa.String(length=32), nullable=False),
        sa.Column("upto", sa.BigInteger(), nullable=False),
        sa.Column("builder", sa.String(length=32), nullable=False),
        sa.Column("builder_seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment_state")),
    )


def downgrade() -> None:
    """Step back."""
    op.drop_table("segment_state")
    op.drop_table("segment_change")
    op.drop_table("segment_fact")
    op.drop_index("ix_segment_person_changes_at", "segment_person")
    op.drop_table("segment_person")
    op.drop_table("person_changed")
