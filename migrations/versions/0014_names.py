"""Under which names phones were told, so that a department's phone joins nobody

Revision 0014_names, after 0013_candidates.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0014_names"
down_revision = "0013_candidates"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Step to this revision."""
    op.create_table(
        "identifier_name",
        sa.Column("identifier_id", BIG_ID, nullable=False),
        sa.Column("teller_id", BIG_ID, nullable=False),
        sa.Column("token", sa.LargeBinary(length=8), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["identifier_id"], ["identifier.id"], name=op.f("fk_identifier_name_identifier_id")
        ),
        sa.ForeignKeyConstraint(
            ["teller_id"], ["identifier.id"], name=op.f("fk_identifier_name_teller_id")
        ),
        sa.PrimaryKeyConstraint("identifier_id", "teller_id", name=op.f("pk_identifier_name")),
    )
    op.create_index("ix_identifier_name_teller_id", "identifier_name", ["teller_id"])


def downgrade() -> None:
    """Step back."""
    op.drop_table("identifier_name")
