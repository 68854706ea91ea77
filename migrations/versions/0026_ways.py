"""The way of a suggestion, and how physicians wish to be reached

Revision 0026_ways, after 0023_learning.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026_ways"
down_revision = "0023_learning"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Step to this revision."""
    op.add_column(
        "suggestion", sa.Column("way", sa.String(length=12), server_default="", nullable=False)
    )
    op.create_table(
        "contact_wish",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("identifier_id", BIG_ID, nullable=False),
        sa.Column("way", sa.String(10), nullable=False),
        sa.Column("source", sa.String(40), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["identifier_id"], ["identifier.id"], ondelete="CASCADE",
            name=op.f("fk_contact_wish_identifier_id_identifier"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_contact_wish")),
        sa.UniqueConstraint("identifier_id", name=op.f("uq_contact_wish_identifier_id")),
    )  # fmt: skip


def downgrade() -> None:
    """Step back."""
    op.drop_table("contact_wish")
    op.drop_column("suggestion", "way")
