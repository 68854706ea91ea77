"""Everybody's best contents, worked out at night

Revision 0025_fits, after 0024_policies.
"""

from __future__ import annotations

import secrets

import sqlalchemy as sa
from alembic import op

revision = "0025_fits"
down_revision = "0024_policies"
branch_labels = None
depends_on = None

BIG_ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Step to this revision."""
    op.create_table(
        "fit_night",
        sa.Column("id", sa.BigInteger(), autoincrement=False, nullable=False),
        sa.Column("day", sa.Date(), nullable=False),
        sa.Column("basis", sa.String(length=64), nullable=False),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("shards", sa.Integer(), nullable=False),
        sa.Column("begun_at", sa.DateTime(timezone=True), nullable=False),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fit_night")),
    )
    op.create_table(
        "fit_shard",
        sa.Column("id", BIG_ID, nullable=False),
        sa.Column("night_id", sa.BigInteger(), nullable=False),
        sa.Column("number", sa.Integer(), nullable=False),
        sa.Column("first", sa.String(length=24), nullable=False),
        sa.Column("last", sa.String(length=24), nullable=False),
        sa.Column("turn", sa.Integer(), nullable=False),
        sa.Column("lease_until", sa.DateTime(timezone=True), nullable=True),
        sa.Column("done_at", sa.DateTime(timezone=True), nullable=True),
        sa.Column("people", sa.Integer(), nullable=False),
        sa.Column("error", sa.String(length=200), nullable=False),
        sa.ForeignKeyConstraint(
            ["night_id"], ["fit_night.id"], name=op.f("fk_fit_shard_night_id_fit_night"),
            ondelete="CASCADE",
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_fit_shard")),
        sa.UniqueConstraint("night_id", "number", name=op.f("uq_fit_shard_night_id_number")),
    )  # fmt: skip
    op.create_table(
        "physician_fit",
        sa.Column("one_id", sa.String(length=24), nullable=False),
        sa.Column("night_id", sa.BigInteger(), nullable=False),
        sa.Column("body", sa.LargeBinary(), nullable=False),
        sa.PrimaryKeyConstraint("one_id", name=op.f("pk_physician_fit")),
    )
    # Without a stamp the library would be read for every plan until something is approved.
    stamp = sa.table("stamp", sa.column("name", sa.String()), sa.column("value", sa.String()))
    op.bulk_insert(stamp, [{"name": "library", "value": secrets.token_hex(16)}])
    op.create_index(
        "ix_physician_fit_touched", "physician_fit", ["one_id"],
        sqlite_where=sa.text("night_id = 0"), postgresql_where=sa.text("night_id = 0"),
    )  # fmt: skip


def downgrade() -> None:
    """Step back."""
    op.execute("DELETE FROM stamp WHERE name = 'library'")
    op.drop_index("ix_physician_fit_touched", table_name="physician_fit")
    op.drop_table("physician_fit")
    op.drop_table("fit_shard")
    op.drop_table("fit_night")
