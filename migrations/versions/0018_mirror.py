"""Foldings that can be taken back, names behind assertions, and tags kept equal in WeCom

Revision 0018_mirror, after 0017_vocabulary_versions.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0018_mirror"
down_revision = "0017_vocabulary_versions"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Step to this revision."""
    op.add_column(
        "tag_assertion", sa.Column("raw", sa.String(80), server_default="", nullable=False)
    )
    op.add_column(
        "tag_unmapped", sa.Column("state", sa.String(10), server_default="waiting", nullable=False)
    )
    op.create_index("ix_tag_unmapped_state", "tag_unmapped", ["state", "seen"])
    _foldings()
    _mirrors()
    _marks()


def downgrade() -> None:
    """Step back."""
    for table in (
        "tag_mirror_plan",
        "tag_mark_side",
        "tag_mark",
        "tag_mirror",
        "tag_import",
        "tag_folding",
    ):
        op.drop_table(table)
    op.drop_index("ix_tag_unmapped_state", "tag_unmapped")
    op.drop_column("tag_unmapped", "state")
    op.drop_column("tag_assertion", "raw")


def _foldings() -> None:
    op.create_table(
        "tag_folding",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("name_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("tag_id", BIG_ID, nullable=True),
        sa.Column("batch", sa.String(32), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("reason", sa.Text(), nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("undone_at", WHEN, nullable=True),
        sa.Column("undone_by", sa.String(80), nullable=False),
        sa.ForeignKeyConstraint(
            ["name_id"], ["tag_unmapped.id"], name=op.f("fk_tag_folding_name_id")
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_tag_folding_tag_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag_folding")),
    )
    for name in ("at", "batch", "name_id", "tag_id"):
        op.create_index(f"ix_tag_folding_{name}", "tag_folding", [name])
    op.create_table(
        "tag_import",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("filename", sa.String(200), nullable=False),
        sa.Column("tool", sa.String(40), nullable=False),
        sa.Column("table", sa.LargeBinary(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.Column("applied_at", WHEN, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag_import")),
    )


def _mirrors() -> None:
    op.create_table(
        "tag_mirror",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("corp_id", sa.String(64), nullable=False),
        sa.Column("tag_id", BIG_ID, nullable=False),
        sa.Column("wecom_tag_id", sa.String(64), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("group_name", sa.String(80), nullable=False),
        sa.Column("made", sa.Boolean(), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_tag_mirror_tag_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag_mirror")),
        sa.UniqueConstraint("corp_id", "tag_id", name=op.f("uq_tag_mirror_corp_id_tag_id")),
    )
    op.create_index("ix_tag_mirror_wecom_tag_id", "tag_mirror", ["wecom_tag_id"])
    op.create_table(
        "tag_mirror_plan",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("generation", sa.String(32), nullable=False),
        sa.Column("upto", sa.BigInteger(), nullable=False),
        sa.Column("chosen", sa.Text(), nullable=False),
        sa.Column("full_at", WHEN, nullable=True),
        sa.Column("listed_at", WHEN, nullable=True),
        sa.Column("full_after", sa.String(24), nullable=True),
        sa.Column("again", sa.Text(), server_default="", nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag_mirror_plan")),
    )


def _marks() -> None:
    op.create_table(
        "tag_mark",
        sa.Column("contact_id", BIG_ID, nullable=False),
        sa.Column("tag_id", BIG_ID, nullable=False),
        sa.Column("wanted", sa.Boolean(), nullable=False),
        sa.Column("known", sa.Boolean(), nullable=False),
        sa.Column("ours", sa.Boolean(), nullable=False),
        sa.Column("writing", sa.String(6), nullable=False),
        sa.Column("missing_at", WHEN, nullable=True),
        sa.Column("refused_at", WHEN, nullable=True),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["rep_contact.id"], name=op.f("fk_tag_mark_contact_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_tag_mark_tag_id")),
        sa.PrimaryKeyConstraint("contact_id", "tag_id", name=op.f("pk_tag_mark")),
    )  # fmt: skip
    op.create_index("ix_tag_mark_tag", "tag_mark", ["tag_id", "wanted"])
    op.create_index("ix_tag_mark_missing_at", "tag_mark", ["missing_at"])
    op.create_table(
        "tag_mark_side",
        sa.Column("contact_id", BIG_ID, nullable=False),
        sa.Column("due_at", WHEN, nullable=True),
        sa.Column("lease_until", WHEN, nullable=True),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("attempts", sa.Integer(), nullable=False),
        sa.Column("one_by_one", sa.Boolean(), server_default=sa.false(), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["contact_id"], ["rep_contact.id"], name=op.f("fk_tag_mark_side_contact_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("contact_id", name=op.f("pk_tag_mark_side")),
    )  # fmt: skip
    op.create_index("ix_tag_mark_side_due_at", "tag_mark_side", ["due_at"])
