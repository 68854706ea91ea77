"""For whom a content is and which brands a rep speaks for; what reps say beyond a tap

Revision 0027_feedback, after 0026_ways.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0027_feedback"
down_revision = "0026_ways"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
WHEN = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Step to this revision."""
    _eligibility()
    _claims()
    _rules()


def downgrade() -> None:
    """Step back."""
    for table in (
        "refusal_note", "stop_rule_version", "stop_rule", "relation_claim", "rep_brand",
        "content_terms",
    ):  # fmt: skip
        op.drop_table(table)


def _eligibility() -> None:
    op.create_table(
        "content_terms",
        sa.Column("content_id", BIG_ID, nullable=False),
        sa.Column("verified_only", sa.Boolean(), nullable=False),
        sa.Column("provinces", sa.JSON(), nullable=False),
        sa.Column("specialties", sa.JSON(), nullable=False),
        sa.Column("refusal_for_all", sa.Boolean(), nullable=False),
        sa.Column("changed_by", sa.String(80), nullable=False),
        sa.Column("changed_at", WHEN, nullable=False),
        _points("content_terms", "content_id", "content", "CASCADE"),
        sa.PrimaryKeyConstraint("content_id", name=op.f("pk_content_terms")),
    )
    op.create_table(
        "rep_brand",
        sa.Column("rep_id", BIG_ID, nullable=False),
        sa.Column("brand_id", BIG_ID, nullable=False),
        _points("rep_brand", "rep_id", "rep", "CASCADE"),
        _points("rep_brand", "brand_id", "brand", "CASCADE"),
        sa.PrimaryKeyConstraint("rep_id", "brand_id", name=op.f("pk_rep_brand")),
    )
    op.create_index(op.f("ix_rep_brand_brand_id"), "rep_brand", ["brand_id"])


def _claims() -> None:
    op.create_table(
        "relation_claim",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("rep_id", BIG_ID, nullable=False),
        sa.Column("identifier_id", BIG_ID, nullable=False),
        sa.Column("suggestion_id", sa.BigInteger(), nullable=True),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("to_rep_id", BIG_ID, nullable=True),
        sa.Column("claimed_at", WHEN, nullable=False),
        sa.Column("decided_at", WHEN, nullable=True),
        sa.Column("decided_by", sa.String(80), nullable=True),
        sa.Column("decision", sa.LargeBinary(), nullable=True),
        _points("relation_claim", "rep_id", "rep"),
        _points("relation_claim", "identifier_id", "identifier", "CASCADE"),
        _points("relation_claim", "to_rep_id", "rep"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_relation_claim")),
    )
    op.create_index(op.f("ix_relation_claim_state"), "relation_claim", ["state"])
    op.create_index("ix_relation_claim_pair", "relation_claim", ["identifier_id", "rep_id"])


def _rules() -> None:
    op.create_table(
        "stop_rule",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("state", sa.String(12), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("tag_ids", sa.JSON(), nullable=False),
        sa.Column("content_id", BIG_ID, nullable=True),
        sa.Column("scope", sa.String(8), nullable=False),
        sa.Column("rep_id", BIG_ID, nullable=True),
        sa.Column("identifier_id", BIG_ID, nullable=True),
        sa.Column("segment_id", BIG_ID, nullable=True),
        sa.Column("until", WHEN, nullable=False),
        sa.Column("created_at", WHEN, nullable=False),
        sa.Column("decided_at", WHEN, nullable=True),
        sa.Column("decided_by", sa.String(80), nullable=True),
        _points("stop_rule", "content_id", "content"),
        _points("stop_rule", "rep_id", "rep"),
        _points("stop_rule", "identifier_id", "identifier", "CASCADE"),
        _points("stop_rule", "segment_id", "segment"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stop_rule")),
    )
    op.create_index("ix_stop_rule_state", "stop_rule", ["state", "until"])
    op.create_index(op.f("ix_stop_rule_identifier_id"), "stop_rule", ["identifier_id"])
    op.create_table(
        "stop_rule_version",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("rule_id", BIG_ID, nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("what", sa.JSON(), nullable=False),
        sa.Column("by", sa.String(80), nullable=False),
        sa.Column("reason", sa.LargeBinary(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        _points("stop_rule_version", "rule_id", "stop_rule", "CASCADE"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_stop_rule_version")),
        sa.UniqueConstraint("rule_id", "number", name=op.f("uq_stop_rule_version_rule_id_number")),
    )
    op.create_table(
        "refusal_note",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("suggestion_id", BIG_ID, nullable=False),
        sa.Column("rep_id", BIG_ID, nullable=False),
        sa.Column("identifier_id", BIG_ID, nullable=False),
        sa.Column("content_id", BIG_ID, nullable=False),
        sa.Column("rule_id", BIG_ID, nullable=True),
        sa.Column("text", sa.LargeBinary(), nullable=False),
        sa.Column("at", WHEN, nullable=False),
        _points("refusal_note", "suggestion_id", "suggestion", "CASCADE"),
        _points("refusal_note", "rep_id", "rep"),
        _points("refusal_note", "identifier_id", "identifier", "CASCADE"),
        _points("refusal_note", "content_id", "content"),
        _points("refusal_note", "rule_id", "stop_rule", "SET NULL"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_refusal_note")),
        sa.UniqueConstraint("suggestion_id", name=op.f("uq_refusal_note_suggestion_id")),
    )
    op.create_index(op.f("ix_refusal_note_identifier_id"), "refusal_note", ["identifier_id"])
    op.create_index(op.f("ix_refusal_note_rule_id"), "refusal_note", ["rule_id"])


def _points(
    table: str, column: str, to: str, ondelete: str | None = None
) -> sa.ForeignKeyConstraint:
    name = op.f(f"fk_{table}_{column}_{to}")
    return sa.ForeignKeyConstraint([column], [f"{to}.id"], name=name, ondelete=ondelete)
