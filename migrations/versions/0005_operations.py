"""Signs of life of processes; indexes for the figures of the operations page

Revision 0005_operations, after 0004_schedules.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0005_operations"
down_revision = "0004_schedules"
branch_labels = None
depends_on = None

PENDING = sa.text("state = 'pending'")


def upgrade() -> None:
    """Step to this revision."""
    op.create_table(
        "process_beat",
        sa.Column("name", sa.String(length=120), nullable=False),
        sa.Column("kind", sa.String(length=12), nullable=False),
        sa.Column("host", sa.String(length=80), nullable=False),
        sa.Column("pid", sa.Integer(), nullable=False),
        sa.Column("version", sa.String(length=40), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("beat_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("skew_s", sa.Double(), nullable=False),
        sa.PrimaryKeyConstraint("name", name=op.f("pk_process_beat")),
    )
    op.create_index(
        "ix_inbox_event_waiting", "inbox_event", ["received_at"], unique=False,
        sqlite_where=PENDING, postgresql_where=PENDING,
    )  # fmt: skip
    op.create_index("ix_schedule_run_due_at", "schedule_run", ["due_at", "state"], unique=False)


def downgrade() -> None:
    """Step back from this revision."""
    op.drop_index("ix_schedule_run_due_at", table_name="schedule_run")
    op.drop_index("ix_inbox_event_waiting", table_name="inbox_event")
    op.drop_table("process_beat")
