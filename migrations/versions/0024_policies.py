"""How suggestions are chosen, in versions, and what was decided under each

Revision 0024_policies, after 0023_learning.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0024_policies"
down_revision = "0023_learning"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Step to this revision."""
    op.create_table(
        "policy",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("version", sa.Integer(), nullable=False),
        sa.Column("name", sa.String(80), nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("alpha", sa.Double(), nullable=False),
        sa.Column("floor", sa.Double(), nullable=False),
        sa.Column("top", sa.Integer(), nullable=False),
        sa.Column("holdout", sa.Double(), nullable=False),
        sa.Column("holdout_from", sa.Integer(), nullable=False),
        sa.Column("worth", sa.JSON(), nullable=False),
        sa.Column("author", sa.String(80), nullable=False),
        sa.Column("reason", sa.String(300), nullable=False),
        sa.Column("gate", sa.JSON(), nullable=True),
        sa.Column("share", sa.Double(), nullable=False),
        sa.Column("canary", sa.JSON(), nullable=True),
        sa.Column("judged_on", sa.Date(), nullable=True),
        sa.Column("ended", sa.JSON(), nullable=True),
        sa.Column("ended_by", sa.String(80), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.Column("canary_at", MOMENT, nullable=True),
        sa.Column("live_at", MOMENT, nullable=True),
        sa.Column("ended_at", MOMENT, nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_policy")),
        sa.UniqueConstraint("version", name=op.f("uq_policy_version")),
    )
    op.create_index(op.f("ix_policy_state"), "policy", ["state"])
    op.create_table(
        "decision",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("key", sa.String(80), nullable=False),
        sa.Column("seed", sa.String(40), nullable=False),
        sa.Column("policy_id", BIG_ID, nullable=False),
        sa.Column("rep_id", BIG_ID, nullable=False),
        sa.Column("identifier_id", BIG_ID, nullable=False),
        sa.Column("suggestion_id", sa.BigInteger(), nullable=True),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("kind", sa.String(8), nullable=False),
        sa.Column("content_id", BIG_ID, nullable=False),
        sa.Column("content_version_id", BIG_ID, nullable=False),
        sa.Column("chance", sa.Double(), nullable=False),
        sa.Column("eligible", sa.Integer(), nullable=False),
        sa.Column("eligible_hash", sa.String(16), nullable=False),
        sa.Column("options", sa.JSON(), nullable=False),
        sa.Column("deviations", sa.LargeBinary(), nullable=True),
        sa.Column("held", sa.Boolean(), nullable=False),
        sa.Column("holdout", sa.Double(), nullable=False),
        sa.Column("created_at", MOMENT, nullable=False),
        sa.ForeignKeyConstraint(
            ["policy_id"], ["policy.id"], name=op.f("fk_decision_policy_id_policy")
        ),
        sa.ForeignKeyConstraint(["rep_id"], ["rep.id"], name=op.f("fk_decision_rep_id_rep")),
        sa.ForeignKeyConstraint(
            ["identifier_id"], ["identifier.id"], ondelete="CASCADE",
            name=op.f("fk_decision_identifier_id_identifier"),
        ),
        sa.ForeignKeyConstraint(
            ["content_id"], ["content.id"], name=op.f("fk_decision_content_id_content")
        ),
        sa.ForeignKeyConstraint(
            ["content_version_id"], ["content_version.id"],
            name=op.f("fk_decision_content_version_id_content_version"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_decision")),
        sa.UniqueConstraint("key", name=op.f("uq_decision_key")),
        sa.UniqueConstraint("suggestion_id", name=op.f("uq_decision_suggestion_id")),
    )  # fmt: skip
    op.create_index("ix_decision_person", "decision", ["identifier_id", "day"])
    op.create_index("ix_decision_policy", "decision", ["policy_id", "day"])
    op.create_index("ix_decision_day", "decision", ["day", "rep_id"])


def downgrade() -> None:
    """Step back."""
    op.drop_table("decision")
    op.drop_table("policy")
