"""Schedules know their next time; one scheduler leads

Revision 0004_schedules, after 0003_sends.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0004_schedules"
down_revision = "0003_sends"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Step to this revision."""
    op.create_table(
        "leader",
        sa.Column("name", sa.String(length=40), nullable=False),
        sa.Column("term", sa.BigInteger(), nullable=False),
        sa.Column("holder", sa.String(length=80), nullable=False),
        sa.Column("expires_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_leader")),
    )
    with op.batch_alter_table("schedule", schema=None) as batch_op:
        batch_op.add_column(sa.Column("max_catch_up", sa.Integer(), nullable=True))
        batch_op.add_column(sa.Column("since", sa.DateTime(timezone=True), nullable=True))
        batch_op.add_column(sa.Column("next_due_at", sa.DateTime(timezone=True), nullable=True))
    # An active schedule is looked at by the next tick, which finds its next time.
    op.execute("UPDATE schedule SET max_catch_up = 5, since = watermark")
    op.execute("UPDATE schedule SET next_due_at = watermark WHERE active")
    with op.batch_alter_table("schedule", schema=None) as batch_op:
        batch_op.alter_column("max_catch_up", existing_type=sa.Integer(), nullable=False)
        batch_op.alter_column("since", existing_type=sa.DateTime(timezone=True), nullable=False)
        batch_op.create_index("ix_schedule_next_due_at", ["next_due_at"], unique=False)
        batch_op.create_index("ix_schedule_watermark", ["watermark"], unique=False)
    with op.batch_alter_table("schedule_run", schema=None) as batch_op:
        batch_op.add_column(sa.Column("term", sa.BigInteger(), nullable=True))
    op.execute("UPDATE schedule_run SET term = 0")
    with op.batch_alter_table("schedule_run", schema=None) as batch_op:
        batch_op.alter_column("term", existing_type=sa.BigInteger(), nullable=False)
        batch_op.create_index("ix_schedule_run_work", ["state", "next_attempt_at"], unique=False)


def downgrade() -> None:
    """Step back."""
    op.execute("DELETE FROM schedule_run WHERE state = 'missed'")
    with op.batch_alter_table("schedule_run", schema=None) as batch_op:
        batch_op.drop_index("ix_schedule_run_work")
        batch_op.drop_column("term")
    with op.batch_alter_table("schedule", schema=None) as batch_op:
        batch_op.drop_index("ix_schedule_watermark")
        batch_op.drop_index("ix_schedule_next_due_at")
        batch_op.drop_column("next_due_at")
        batch_op.drop_column("since")
        batch_op.drop_column("max_catch_up")
    op.drop_table("leader")
