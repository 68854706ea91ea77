"""Versions of segments, static lists, whom to spare, and which segments a run has used

Revision 0021_audiences, after 0020_autotags.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0021_audiences"
down_revision = "0020_autotags"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Step to this revision."""
    op.add_column("segment", sa.Column("description", sa.Text(), server_default="", nullable=False))
    op.add_column(
        "segment", sa.Column("version", sa.Integer(), server_default=sa.text("1"), nullable=False)
    )
    _versions()
    _lists()
    _suppression()
    _runs()


def downgrade() -> None:
    """Step back."""
    op.drop_table("campaign_run_segment")
    op.drop_table("suppression")
    op.drop_table("segment_list_member")
    op.drop_table("segment_list")
    op.drop_table("segment_version")
    op.drop_column("segment", "version")
    op.drop_column("segment", "description")


def _versions() -> None:
    op.create_table(
        "segment_version",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("segment_id", BIG_ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("expression", sa.Text(), nullable=False),
        sa.Column("size", sa.Integer(), nullable=True),
        sa.Column("author", sa.String(length=80), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("back_to", sa.Integer(), nullable=True),
        sa.ForeignKeyConstraint(
            ["segment_id"], ["segment.id"], name=op.f("fk_segment_version_segment_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment_version")),
        sa.UniqueConstraint(
            "segment_id", "number", name=op.f("uq_segment_version_segment_id_number")
        ),
    )  # fmt: skip
    op.execute(
        "insert into segment_version (segment_id, number, expression, author, at) "
        "select id, 1, expression, created_by, created_at from segment"
    )


def _lists() -> None:
    op.create_table(
        "segment_list",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("purpose", sa.String(length=200), nullable=False),
        sa.Column("filename", sa.String(length=200), nullable=False),
        sa.Column("state", sa.String(length=8), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("report", sa.LargeBinary(), nullable=True),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("expires_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_segment_list")),
        sa.UniqueConstraint("name", name=op.f("uq_segment_list_name")),
    )
    op.create_table(
        "segment_list_member",
        sa.Column("list_id", BIG_ID, nullable=False),
        sa.Column("identifier_id", BIG_ID, nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["segment_list.id"], name=op.f("fk_segment_list_member_list_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(
            ["identifier_id"], ["identifier.id"],
            name=op.f("fk_segment_list_member_identifier_id"), ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("list_id", "identifier_id", name=op.f("pk_segment_list_member")),
    )  # fmt: skip
    op.create_index(
        op.f("ix_segment_list_member_identifier_id"), "segment_list_member", ["identifier_id"]
    )


def _suppression() -> None:
    op.create_table(
        "suppression",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("list_id", BIG_ID, nullable=True),
        sa.Column("segment_id", BIG_ID, nullable=True),
        sa.Column("campaign_id", sa.BigInteger(), nullable=True),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["list_id"], ["segment_list.id"], name=op.f("fk_suppression_list_id")
        ),
        sa.ForeignKeyConstraint(
            ["segment_id"], ["segment.id"], name=op.f("fk_suppression_segment_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_suppression")),
    )
    for column in ("list_id", "segment_id", "campaign_id"):
        op.create_index(op.f(f"ix_suppression_{column}"), "suppression", [column])


def _runs() -> None:
    op.create_table(
        "campaign_run_segment",
        sa.Column("run_id", BIG_ID, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("segment_id", sa.BigInteger(), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("expression", sa.Text(), nullable=False),
        sa.ForeignKeyConstraint(
            ["run_id"], ["schedule_run.id"], name=op.f("fk_campaign_run_segment_run_id")
        ),
        sa.PrimaryKeyConstraint("run_id", "segment_id", name=op.f("pk_campaign_run_segment")),
    )
    op.create_index(
        op.f("ix_campaign_run_segment_segment_id"), "campaign_run_segment", ["segment_id"]
    )
