"""The way of a suggestion, and how physicians wish to be reached

Revision 0026_ways, after 0025_fits.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0026_ways"
down_revision = "0025_fits"
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
    _moments()
    _meetings()


def _meetings() -> None:
    for name in ("starts_at", "ends_at"):
        op.add_column("content_version", sa.Column(name, sa.DateTime(timezone=True), nullable=True))
    op.add_column(
        "content_version",
        sa.Column("place", sa.String(length=200), server_default="", nullable=False),
    )
    op.create_table(
        "meeting_answer",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("content_id", BIG_ID, nullable=False),
        sa.Column("identifier_id", BIG_ID, nullable=False),
        sa.Column("rep_id", BIG_ID, nullable=True),
        sa.Column("coming", sa.Boolean(), nullable=True),
        sa.Column("changes", sa.Integer(), nullable=False),
        sa.Column("attended", sa.Boolean(), nullable=True),
        sa.Column("attended_by", sa.String(80), nullable=False),
        sa.Column("at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["content_id"], ["content.id"], name=op.f("fk_meeting_answer_content_id_content")
        ),
        sa.ForeignKeyConstraint(
            ["identifier_id"], ["identifier.id"], ondelete="CASCADE",
            name=op.f("fk_meeting_answer_identifier_id_identifier"),
        ),
        sa.ForeignKeyConstraint(["rep_id"], ["rep.id"], name=op.f("fk_meeting_answer_rep_id_rep")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_meeting_answer")),
        sa.UniqueConstraint(
            "content_id", "identifier_id", name=op.f("uq_meeting_answer_content_id_identifier_id")
        ),
    )  # fmt: skip
    op.create_index(op.f("ix_meeting_answer_identifier_id"), "meeting_answer", ["identifier_id"])
    op.create_index(op.f("ix_meeting_answer_rep_id"), "meeting_answer", ["rep_id"])


def _moments() -> None:
    op.create_table(
        "moment",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("key", sa.String(120), nullable=False),
        sa.Column("rep_id", BIG_ID, nullable=False),
        sa.Column("content_version_id", BIG_ID, nullable=False),
        sa.Column("campaign_id", sa.BigInteger(), nullable=True),
        sa.Column("url", sa.String(500), nullable=False),
        sa.Column("step", sa.String(12), nullable=False),
        sa.Column("tag_id", sa.String(80), nullable=False),
        sa.Column("moment_id", sa.String(128), nullable=False),
        sa.Column("error", sa.Text(), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("published_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("check_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(["rep_id"], ["rep.id"], name=op.f("fk_moment_rep_id_rep")),
        sa.ForeignKeyConstraint(
            ["content_version_id"], ["content_version.id"],
            name=op.f("fk_moment_content_version_id_content_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moment")),
        sa.UniqueConstraint("key", name=op.f("uq_moment_key")),
    )  # fmt: skip
    op.create_index("ix_moment_check_at", "moment", ["check_at"])
    op.create_index(op.f("ix_moment_rep_id"), "moment", ["rep_id"])
    op.create_index(op.f("ix_moment_campaign_id"), "moment", ["campaign_id"])
    op.create_table(
        "moment_viewer",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("moment_id", BIG_ID, nullable=False),
        sa.Column("identifier_id", BIG_ID, nullable=False),
        sa.Column("suggestion_id", sa.BigInteger(), nullable=True),
        sa.Column("dispatch_id", BIG_ID, nullable=True),
        sa.ForeignKeyConstraint(
            ["moment_id"], ["moment.id"], ondelete="CASCADE",
            name=op.f("fk_moment_viewer_moment_id_moment"),
        ),
        sa.ForeignKeyConstraint(
            ["identifier_id"], ["identifier.id"], ondelete="CASCADE",
            name=op.f("fk_moment_viewer_identifier_id_identifier"),
        ),
        sa.ForeignKeyConstraint(
            ["dispatch_id"], ["dispatch.id"], ondelete="SET NULL",
            name=op.f("fk_moment_viewer_dispatch_id_dispatch"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_moment_viewer")),
        sa.UniqueConstraint(
            "moment_id", "identifier_id", name=op.f("uq_moment_viewer_moment_id_identifier_id")
        ),
    )  # fmt: skip
    op.create_index(op.f("ix_moment_viewer_identifier_id"), "moment_viewer", ["identifier_id"])
    op.create_index(op.f("ix_moment_viewer_dispatch_id"), "moment_viewer", ["dispatch_id"])


def downgrade() -> None:
    """Step back."""
    op.drop_table("meeting_answer")
    for name in ("place", "ends_at", "starts_at"):
        op.drop_column("content_version", name)
    op.drop_table("moment_viewer")
    op.drop_table("moment")
    op.drop_table("contact_wish")
    op.drop_column("suggestion", "way")
