"""Pairs that may be one physician, the keys under which they meet, and who must be compared

Revision 0013_candidates, after 0012_hospitals.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013_candidates"
down_revision = "0012_hospitals"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Step to this revision."""
    op.create_table(
        "link_candidate",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("a_id", BIG_ID, nullable=False),
        sa.Column("b_id", BIG_ID, nullable=False),
        sa.Column("score", sa.Double(), nullable=False),
        sa.Column("probability", sa.Double(), nullable=False),
        sa.Column("weights", sa.JSON(), nullable=False),
        sa.Column("model_version", sa.String(length=40), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("decided_by", sa.String(length=80), nullable=True),
        sa.Column("decided_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("second_by", sa.String(length=80), nullable=True),
        sa.Column("second_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("undone_by", sa.String(length=80), nullable=True),
        sa.Column("override_id", BIG_ID, nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("updated_at", sa.DateTime(timezone=True), nullable=False),
        sa.CheckConstraint("a_id < b_id", name=op.f("ck_link_candidate_ordered")),
        sa.ForeignKeyConstraint(
            ["a_id"], ["identifier.id"], name=op.f("fk_link_candidate_a_id")
        ),
        sa.ForeignKeyConstraint(
            ["b_id"], ["identifier.id"], name=op.f("fk_link_candidate_b_id")
        ),
        sa.ForeignKeyConstraint(
            ["override_id"], ["identity_override.id"], name=op.f("fk_link_candidate_override_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_candidate")),
        sa.UniqueConstraint("a_id", "b_id", name=op.f("uq_link_candidate_a_id_b_id")),
    )  # fmt: skip
    op.create_index("ix_link_candidate_queue", "link_candidate", ["state", "score", "id"])
    op.create_index("ix_link_candidate_first", "link_candidate", ["decided_by", "decided_at"])
    op.create_index("ix_link_candidate_second", "link_candidate", ["second_by", "second_at"])
    op.create_index("ix_link_candidate_b_id", "link_candidate", ["b_id"])
    op.create_table(
        "link_key",
        sa.Column("token", sa.LargeBinary(length=8), nullable=False),
        sa.Column("one_id", sa.String(length=24), nullable=False),
        sa.ForeignKeyConstraint(
            ["one_id"], ["physician.one_id"], name=op.f("fk_link_key_one_id"), ondelete="CASCADE"
        ),
        sa.PrimaryKeyConstraint("token", "one_id", name=op.f("pk_link_key")),
    )
    op.create_index("ix_link_key_one_id", "link_key", ["one_id"])
    op.create_table(
        "link_model",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("weights", sa.Text(), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_link_model")),
    )
    op.add_column(
        "physician", sa.Column("link_due", sa.Boolean(), server_default=sa.true(), nullable=False)
    )
    due = sa.text("link_due = true")
    op.create_index(
        "ix_physician_link_due", "physician", ["one_id"], sqlite_where=due, postgresql_where=due
    )


def downgrade() -> None:
    """Step back."""
    op.drop_index("ix_physician_link_due", "physician")
    with op.batch_alter_table("physician") as table:
        table.drop_column("link_due")
    op.drop_table("link_model")
    op.drop_table("link_key")
    op.drop_table("link_candidate")
