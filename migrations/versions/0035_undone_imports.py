"""Imports of tags can be undone: what a tool said of each physician before and after

Revision 0035_undone_imports, after 0034_quality_more.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0035_undone_imports"
down_revision = "0034_quality_more"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Step to this revision."""
    op.add_column("tag_import", sa.Column("undone_at", WHEN, nullable=True))
    op.add_column("tag_import", sa.Column("undone_by", sa.String(80), nullable=True))
    op.add_column("tag_import", sa.Column("undone_reason", sa.LargeBinary(), nullable=True))
    op.create_table(
        "tag_import_change",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("import_id", BIG_ID, nullable=False),
        sa.Column("identifier_id", BIG_ID, nullable=False),
        sa.Column("before", sa.JSON(), nullable=False),
        sa.Column("names", sa.JSON(), nullable=False),
        sa.ForeignKeyConstraint(
            ["import_id"], ["tag_import.id"], ondelete="CASCADE",
            name=op.f("fk_tag_import_change_import_id"),
        ),
        sa.ForeignKeyConstraint(
            ["identifier_id"], ["identifier.id"], ondelete="CASCADE",
            name=op.f("fk_tag_import_change_identifier_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag_import_change")),
        sa.UniqueConstraint(
            "import_id", "identifier_id", name=op.f("uq_tag_import_change_import_id_identifier_id")
        ),
    )  # fmt: skip
    op.create_index("ix_tag_import_change_identifier_id", "tag_import_change", ["identifier_id"])


def downgrade() -> None:
    """Step back."""
    op.drop_table("tag_import_change")
    for column in ("undone_reason", "undone_by", "undone_at"):
        op.drop_column("tag_import", column)
