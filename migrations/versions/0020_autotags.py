"""Rules that give tags, their tests and sweeps, and news of what has happened to whom

Revision 0020_autotags, after 0019_court.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020_autotags"
down_revision = "0019_court"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Step to this revision."""
    op.create_table(
        "person_news",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("identifier_id", sa.BigInteger(), nullable=True),
        sa.Column("one_id", sa.String(length=24), nullable=True),
        sa.Column("kind", sa.String(length=24), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_person_news")),
    )
    op.create_table(
        "tag_rule",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("name", sa.String(length=80), nullable=False),
        sa.Column("owner", sa.String(length=80), nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("live_version", sa.Integer(), nullable=True),
        sa.Column("paused_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("retired_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("switched_by", sa.String(length=80), nullable=False),
        sa.Column("switched_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("run_day", sa.Date(), nullable=True),
        sa.Column("run_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag_rule")),
        sa.UniqueConstraint("name", name=op.f("uq_tag_rule_name")),
    )
    op.create_table(
        "tag_rule_version",
        sa.Column("rule_id", BIG_ID, nullable=False),
        sa.Column("number", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("definition", sa.JSON(), nullable=False),
        sa.Column("created_by", sa.String(length=80), nullable=False),
        sa.Column("created_at", sa.DateTime(timezone=True), nullable=False),
        sa.ForeignKeyConstraint(
            ["rule_id"], ["tag_rule.id"], ondelete="CASCADE",
            name=op.f("fk_tag_rule_version_rule_id"),
        ),
        sa.PrimaryKeyConstraint("rule_id", "number", name=op.f("pk_tag_rule_version")),
    )  # fmt: skip
    op.create_table(
        "tag_rule_test",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("rule_id", BIG_ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("days", sa.Integer(), nullable=False),
        sa.Column("state", sa.String(length=10), nullable=False),
        sa.Column("done", sa.BigInteger(), nullable=False),
        sa.Column("total", sa.BigInteger(), nullable=False),
        sa.Column("result", sa.JSON(), nullable=True),
        sa.Column("problem", sa.Text(), nullable=False),
        sa.Column("asked_by", sa.String(length=80), nullable=False),
        sa.Column("asked_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("seen_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.ForeignKeyConstraint(
            ["rule_id"], ["tag_rule.id"], ondelete="CASCADE",
            name=op.f("fk_tag_rule_test_rule_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag_rule_test")),
    )  # fmt: skip
    op.create_index("ix_tag_rule_test_rule", "tag_rule_test", ["rule_id", "version"])
    op.create_index("ix_tag_rule_test_state", "tag_rule_test", ["state"])
    op.create_table(
        "tag_rule_sweep",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("rules", sa.JSON(), nullable=False),
        sa.Column("cursor", sa.String(length=24), nullable=False),
        sa.Column("looked", sa.BigInteger(), nullable=False),
        sa.Column("given", sa.BigInteger(), nullable=False),
        sa.Column("taken", sa.BigInteger(), nullable=False),
        sa.Column("started_at", sa.DateTime(timezone=True), nullable=False),
        sa.Column("finished_at", sa.DateTime(timezone=True), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag_rule_sweep")),
    )
    op.create_index("ix_tag_rule_sweep_finished_at", "tag_rule_sweep", ["finished_at"])


def downgrade() -> None:
    """Step back."""
    for table in ("tag_rule_sweep", "tag_rule_test", "tag_rule_version", "tag_rule", "person_news"):
        op.drop_table(table)
