"""Versions of the vocabulary, what they moved, forbidden words, and what sources may not say

Revision 0017_vocabulary_versions, after 0016_vocabulary.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017_vocabulary_versions"
down_revision = "0016_vocabulary"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Step to this revision."""
    with op.batch_alter_table("tag", schema=None) as batch_op:
        batch_op.add_column(sa.Column("merged_into_id", ID, nullable=True))
        batch_op.create_foreign_key(
            batch_op.f("fk_tag_merged_into_id"), "tag", ["merged_into_id"], ["id"]
        )
    op.create_table(
        "tag_forbidden",
        sa.Column("word", sa.String(40), nullable=False),
        sa.Column("reason", sa.String(200), nullable=False),
        sa.PrimaryKeyConstraint("word", name=op.f("pk_tag_forbidden")),
    )
    op.create_table(
        "vocabulary_version",
        sa.Column("number", ID, autoincrement=False, nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("note", sa.String(300), nullable=False),
        sa.Column("changes", sa.JSON(), nullable=False),
        sa.Column("snapshot", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("number", name=op.f("pk_vocabulary_version")),
    )
    _refused()
    _migrations()


def downgrade() -> None:
    """Step back."""
    for table in (
        "tag_move", "tag_migration", "tag_refused", "vocabulary_version", "tag_forbidden",
    ):  # fmt: skip
        op.drop_table(table)
    with op.batch_alter_table("tag", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_tag_merged_into_id"), type_="foreignkey")
        batch_op.drop_column("merged_into_id")


def _key(table: str, column: str, target: str, **how: str) -> sa.ForeignKeyConstraint:
    return sa.ForeignKeyConstraint([column], [target], name=op.f(f"fk_{table}_{column}"), **how)


def _refused() -> None:
    op.create_table(
        "tag_refused",
        sa.Column("id", ID, nullable=False),
        sa.Column("identifier_id", ID, nullable=False),
        sa.Column("tag_id", ID, nullable=False),
        sa.Column("source", sa.String(20), nullable=False),
        sa.Column("ref", sa.String(120), nullable=False),
        sa.Column("evidence", sa.Text(), nullable=False),
        sa.Column("confidence", sa.Double(), nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("raw", sa.String(80), server_default="", nullable=False),
        _key("tag_refused", "identifier_id", "identifier.id", ondelete="CASCADE"),
        _key("tag_refused", "tag_id", "tag.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag_refused")),
        sa.UniqueConstraint(
            "identifier_id",
            "tag_id",
            "source",
            "ref",
            name=op.f("uq_tag_refused_identifier_id_tag_id_source_ref"),
        ),
    )
    op.create_index("ix_tag_refused_tag", "tag_refused", ["tag_id", "source"])


def _migrations() -> None:
    op.create_table(
        "tag_migration",
        sa.Column("id", ID, nullable=False),
        sa.Column("version", ID, nullable=False),
        sa.Column("tag_id", ID, nullable=False),
        sa.Column("spec", sa.JSON(), nullable=False),
        sa.Column("moved", sa.Integer(), nullable=False),
        sa.Column("origin_id", ID, nullable=True),
        sa.Column("undone_in", ID, nullable=True),
        _key("tag_migration", "version", "vocabulary_version.number"),
        _key("tag_migration", "tag_id", "tag.id"),
        _key("tag_migration", "origin_id", "tag_migration.id"),
        _key("tag_migration", "undone_in", "vocabulary_version.number"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag_migration")),
    )
    op.create_index("ix_tag_migration_version", "tag_migration", ["version"])
    op.create_table(
        "tag_move",
        sa.Column("id", ID, nullable=False),
        sa.Column("migration_id", ID, nullable=False),
        sa.Column("assertion_id", ID, nullable=False),
        sa.Column("target_id", ID, nullable=False),
        sa.Column("ref", sa.String(120), nullable=False),
        _key("tag_move", "migration_id", "tag_migration.id"),
        _key("tag_move", "assertion_id", "tag_assertion.id", ondelete="CASCADE"),
        _key("tag_move", "target_id", "tag.id"),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_tag_move")),
        sa.UniqueConstraint(
            "migration_id", "assertion_id", name=op.f("uq_tag_move_migration_id_assertion_id")
        ),
    )
    op.create_index("ix_tag_move_assertion_id", "tag_move", ["assertion_id"])
