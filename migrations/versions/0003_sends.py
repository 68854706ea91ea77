"""Limits, breakers and paces of sending; a message's turn and an index for what is too late

Revision 0003_sends, after 0002_content_versions.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0003_sends"
down_revision = "0002_content_versions"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Step to this revision."""
    op.create_table(
        "send_bucket",
        sa.Column("bucket", sa.String(length=16), nullable=False),
        sa.Column("account", sa.String(length=40), nullable=False),
        sa.Column("subject", sa.String(length=80), nullable=False),
        sa.Column("level", sa.Float(53), nullable=False),
        sa.Column("ready_at", sa.Float(53), nullable=False),
        sa.PrimaryKeyConstraint("bucket", "account", "subject", name=op.f("pk_send_bucket")),
    )
    op.create_index("ix_send_bucket_ready_at", "send_bucket", ["ready_at"], unique=False)
    op.create_table(
        "api_breaker",
        sa.Column("account", sa.String(length=40), nullable=False),
        sa.Column("api", sa.String(length=64), nullable=False),
        sa.Column("failures", sa.JSON(), nullable=False),
        sa.Column("why", sa.String(length=10), nullable=False),
        sa.Column("strikes", sa.Integer(), nullable=False),
        sa.Column("since", sa.DateTime(timezone=True), nullable=True),
        sa.Column("until", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("account", "api", name=op.f("pk_api_breaker")),
    )
    op.create_table(
        "send_pace",
        sa.Column("account", sa.String(length=40), nullable=False),
        sa.Column("slots", sa.Float(53), nullable=True),
        sa.Column("lowered_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("account", name=op.f("pk_send_pace")),
    )
    with op.batch_alter_table("dispatch", schema=None) as batch_op:
        batch_op.add_column(sa.Column("turn", sa.Integer(), server_default="0", nullable=False))
        batch_op.create_index("ix_dispatch_stale", ["state", "not_after"], unique=False)


def downgrade() -> None:
    """Step back to the revision before."""
    with op.batch_alter_table("dispatch", schema=None) as batch_op:
        batch_op.drop_index("ix_dispatch_stale")
        batch_op.drop_column("turn")
    op.drop_table("send_pace")
    op.drop_table("api_breaker")
    op.drop_index("ix_send_bucket_ready_at", table_name="send_bucket")
    op.drop_table("send_bucket")
