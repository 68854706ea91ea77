"""Imports of tags are taken, and taken back, by workers

Revision 0037_import_work, after 0036_own_page.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0037_import_work"
down_revision = "0036_own_page"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Step to this revision."""
    op.create_table(
        "tag_import_work",
        sa.Column("import_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("columns", sa.JSON(), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=True),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("asked_at", WHEN, nullable=False),
        sa.Column("done", sa.Integer(), nullable=False),
        sa.Column("total", sa.Integer(), nullable=False),
        sa.Column("seen_at", WHEN, nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["tag_import.id"], ondelete="CASCADE",
            name=op.f("fk_tag_import_work_import_id"),
        ),
        sa.PrimaryKeyConstraint("import_id", name=op.f("pk_tag_import_work")),
    )  # fmt: skip


def downgrade() -> None:
    """Step back."""
    op.drop_table("tag_import_work")
