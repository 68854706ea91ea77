"""Completeness: pulls, the tags of a corp, and how a relation looked when it was read

Revision 0006_completeness, after 0005_operations.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0006_completeness"
down_revision = "0005_operations"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Step to this revision."""
    op.create_table(
        "corp_tag",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("corp_id", sa.String(length=64), nullable=False),
        sa.Column("tag_id", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("group_name", sa.String(length=80), nullable=False),
        sa.Column("changed_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("deleted_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_corp_tag")),
        sa.UniqueConstraint("corp_id", "tag_id", name=op.f("uq_corp_tag_corp_id_tag_id")),
    )
    op.create_table(
        "pull_run",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("kind", sa.String(length=8), nullable=False),
        sa.Column("due_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("calls", sa.Integer(), nullable=False),
        sa.Column("minute", sa.DateTime(timezone=True), nullable=False),
        sa.Column("minute_calls", sa.Integer(), nullable=False),
        sa.Column("there", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("found", sa.JSON(), nullable=False),
        sa.Column("lost", sa.Integer(), nullable=False),
        sa.Column("failed", sa.Integer(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pull_run")),
        sa.UniqueConstraint("kind", "due_at", name=op.f("uq_pull_run_kind_due_at")),
    )
    with op.batch_alter_table("pull_run", schema=None) as batch_op:
        batch_op.create_index("ix_pull_run_finished_at", ["finished_at"], unique=False)
        batch_op.create_index("ix_pull_run_state", ["state"], unique=False)

    op.create_table(
        "pull_subject",
        sa.Column("id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False),
        sa.Column("source", sa.String(length=10), nullable=False),
        sa.Column("account", sa.String(length=64), nullable=False),
        sa.Column("name", sa.String(length=64), nullable=False),
        sa.Column("run_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=True),
        sa.Column("stage", sa.String(length=8), nullable=False),
        sa.Column("cursor", sa.Text(), nullable=False),
        sa.Column("deep", sa.Boolean(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("next_attempt_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("there", sa.Integer(), nullable=False),
        sa.Column("known", sa.Integer(), nullable=False),
        sa.Column("found", sa.JSON(), nullable=False),
        sa.Column("found_total", sa.JSON(), nullable=False),
        sa.Column("found_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("looked_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("deep_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["run_id"], ["pull_run.id"], name=op.f("fk_pull_subject_run_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_pull_subject")),
        sa.UniqueConstraint(
            "source", "account", "name", name=op.f("uq_pull_subject_source_account_name")
        ),
    )
    with op.batch_alter_table("pull_subject", schema=None) as batch_op:
        batch_op.create_index("ix_pull_subject_work", ["stage", "next_attempt_at"], unique=False)

    op.create_table(
        "pull_seen",
        sa.Column(
            "subject_id", sa.BigInteger().with_variant(sa.Integer(), "sqlite"), nullable=False
        ),
        sa.Column("value_hash", sa.LargeBinary(length=32), nullable=False),
        sa.ForeignKeyConstraint(
            ["subject_id"],
            ["pull_subject.id"],
            name=op.f("fk_pull_seen_subject_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("subject_id", "value_hash", name=op.f("pk_pull_seen")),
    )
    with op.batch_alter_table("rep_contact", schema=None) as batch_op:
        batch_op.add_column(sa.Column("mark", sa.LargeBinary(length=32), nullable=True))


def downgrade() -> None:
    """Step back from it."""
    with op.batch_alter_table("rep_contact", schema=None) as batch_op:
        batch_op.drop_column("mark")

    op.drop_table("pull_seen")
    with op.batch_alter_table("pull_subject", schema=None) as batch_op:
        batch_op.drop_index("ix_pull_subject_work")

    op.drop_table("pull_subject")
    with op.batch_alter_table("pull_run", schema=None) as batch_op:
        batch_op.drop_index("ix_pull_run_state")
        batch_op.drop_index("ix_pull_run_finished_at")

    op.drop_table("pull_run")
    op.drop_table("corp_tag")
