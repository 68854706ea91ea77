"""How reliable sources are, cases of the tag court, proposals to retire a tag

Revision 0019_court, after 0018_mirror.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0019_court"
down_revision = "0018_mirror"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
MOMENT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Step to this revision."""
    op.add_column("tag_assertion", sa.Column("overruled_by", sa.BigInteger()))
    only = sa.text("overruled_by IS NOT NULL")
    op.create_index(
        "ix_tag_assertion_overruled", "tag_assertion", ["overruled_by"],
        sqlite_where=only, postgresql_where=only,
    )  # fmt: skip
    op.create_table(
        "tag_reliability",
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("tag_id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("applied", sa.Float(53), nullable=False),
        sa.Column("learned", sa.Float(53)),
        sa.Column("low", sa.Float(53)),
        sa.Column("high", sa.Float(53)),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("exposures", sa.Integer(), nullable=False),
        sa.Column("opens", sa.Integer(), nullable=False),
        sa.Column("expected", sa.Float(53), nullable=False),
        sa.Column("informed", sa.Float(53), nullable=False),
        sa.Column("learned_at", MOMENT),
        sa.Column("fixed_by", sa.String(80)),
        sa.Column("fixed_at", MOMENT),
        sa.PrimaryKeyConstraint("source", "tag_id", name=op.f("pk_tag_reliability")),
    )
    op.create_table(
        "tag_reliability_change",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("tag_id", sa.BigInteger(), nullable=False),
        sa.Column("was", sa.Float(53), nullable=False),
        sa.Column("became", sa.Float(53), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("reason", sa.LargeBinary()),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag_reliability_change")),
    )
    op.create_index(
        "ix_tag_reliability_change_of", "tag_reliability_change", ["source", "tag_id", "id"]
    )
    _create_court()


def _create_court() -> None:
    op.create_table(
        "tag_case",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("identifier_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("tag_id", BIG_ID, nullable=False),
        sa.Column("other_id", sa.BigInteger(), nullable=False),
        sa.Column("owner", sa.String(12), nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("proposed", sa.String(10), nullable=False),
        sa.Column("strength", sa.Float(53), nullable=False),
        sa.Column("facts", sa.JSON(), nullable=False),
        sa.Column("opened_at", MOMENT, nullable=False),
        sa.Column("updated_at", MOMENT, nullable=False),
        sa.Column("verdict", sa.String(10)),
        sa.Column("decided_by", sa.String(80)),
        sa.Column("decided_at", MOMENT),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("not_by", sa.String(80)),
        sa.ForeignKeyConstraint(
            ["identifier_id"], ["identifier.id"], name=op.f("fk_tag_case_identifier_id"),
            ondelete="CASCADE",
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_tag_case_tag_id")),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag_case")),
        sa.UniqueConstraint(
            "identifier_id", "kind", "tag_id", "other_id",
            name=op.f("uq_tag_case_identifier_id_kind_tag_id_other_id"),
        ),
    )  # fmt: skip
    op.create_index("ix_tag_case_queue", "tag_case", ["state", "owner", "strength"])
    op.create_index("ix_tag_case_decided", "tag_case", ["decided_by", "decided_at"])
    op.create_table(
        "tag_case_event",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("case_id", BIG_ID, nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("at", MOMENT, nullable=False),
        sa.Column("verdict", sa.String(10)),
        sa.Column("strength", sa.Float(53)),
        sa.Column("reason", sa.LargeBinary()),
        sa.ForeignKeyConstraint(
            ["case_id"], ["tag_case.id"], name=op.f("fk_tag_case_event_case_id"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag_case_event")),
    )  # fmt: skip
    op.create_index(op.f("ix_tag_case_event_case_id"), "tag_case_event", ["case_id"])
    op.create_table(
        "tag_case_due",
        sa.Column("one_id", sa.String(24), nullable=False),
        sa.PrimaryKeyConstraint("one_id", name=op.f("pk_tag_case_due")),
    )
    op.create_table(
        "tag_court",
        sa.Column("id", sa.Integer(), autoincrement=False, nullable=False),
        sa.Column("settle_at", sa.Float(53)),
        sa.Column("odds_without", sa.Float(53), nullable=False),
        sa.Column("odds_with", sa.Float(53), nullable=False),
        sa.Column("common", sa.Float(53), nullable=False),
        sa.Column("open_rate", sa.Float(53), nullable=False),
        sa.Column("learned_at", MOMENT),
        sa.Column("looked_at", MOMENT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag_court")),
    )
    op.create_table(
        "tag_retirement",
        sa.Column("tag_id", BIG_ID, nullable=False),
        sa.Column("state", sa.String(10), nullable=False),
        sa.Column("value", sa.Float(53), nullable=False),
        sa.Column("high", sa.Float(53), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("exposures", sa.Integer(), nullable=False),
        sa.Column("opens", sa.Integer(), nullable=False),
        sa.Column("expected", sa.Float(53), nullable=False),
        sa.Column("proposed_at", MOMENT, nullable=False),
        sa.Column("decided_by", sa.String(80)),
        sa.Column("decided_at", MOMENT),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f("fk_tag_retirement_tag_id")),
        sa.PrimaryKeyConstraint("tag_id", name=op.f("pk_tag_retirement")),
    )


def downgrade() -> None:
    """Step back."""
    for table in (
        "tag_retirement", "tag_court", "tag_case_due", "tag_case_event", "tag_case",
        "tag_reliability_change", "tag_reliability",
    ):  # fmt: skip
        op.drop_table(table)
    op.drop_index("ix_tag_assertion_overruled", "tag_assertion")
    op.drop_column("tag_assertion", "overruled_by")
