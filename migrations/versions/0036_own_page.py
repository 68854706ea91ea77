"""The physician's own page: its keys, and what is chosen there

Revision 0036_own_page, after 0035_undone_imports.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0036_own_page"
down_revision = "0035_undone_imports"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Step to this revision."""
    op.create_table(
        "own_choice",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("identifier_id", BIG_ID, nullable=False),
        sa.Column("about", sa.String(10), nullable=False),
        sa.Column("number", sa.BigInteger(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.ForeignKeyConstraint(
            ["identifier_id"], ["identifier.id"], ondelete="CASCADE",
            name=op.f("fk_own_choice_identifier_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_own_choice")),
        sa.UniqueConstraint(
            "identifier_id", "about", "number",
            name=op.f("uq_own_choice_identifier_id_about_number"),
        ),
    )  # fmt: skip
    op.create_table(
        "own_link",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("token_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("identifier_id", BIG_ID, nullable=False),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("expires_at", WHEN, nullable=False),
        sa.ForeignKeyConstraint(
            ["identifier_id"], ["identifier.id"], ondelete="CASCADE",
            name=op.f("fk_own_link_identifier_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_own_link")),
        sa.UniqueConstraint("token_hash", name=op.f("uq_own_link_token_hash")),
    )  # fmt: skip
    op.create_index("ix_own_link_identifier_id", "own_link", ["identifier_id"])
    op.create_index("ix_own_link_expires_at", "own_link", ["expires_at"])


def downgrade() -> None:
    """Step back."""
    op.drop_table("own_link")
    op.drop_table("own_choice")
