"""Hospitals with their names, the names that sources wrote, and where physicians work

Revision 0012_hospitals, after 0011_picking.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012_hospitals"
down_revision = "0011_picking"
branch_labels = None
depends_on = None

ID = sa.BigInteger().with_variant(sa.Integer(), "sqlite")
AT = sa.DateTime(timezone=True)


def upgrade() -> None:
    """Step to this revision."""
    _institutions()
    _names()
    _written()
    op.create_table(
        "hospital_import",
        sa.Column("id", ID, nullable=False),
        sa.Column("filename", sa.String(200), nullable=False),
        sa.Column("actor", sa.String(80), nullable=False),
        sa.Column("rows", sa.JSON(), nullable=False),
        sa.Column("rejections", sa.JSON(), nullable=False),
        sa.Column("figures", sa.JSON(), nullable=False),
        sa.Column("at", AT, nullable=False),
        sa.Column("applied_at", AT),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hospital_import")),
    )
    with op.batch_alter_table("physician", schema=None) as batch_op:
        batch_op.add_column(sa.Column("institution_id", ID, nullable=True))
        batch_op.create_index(batch_op.f("ix_physician_institution_id"), ["institution_id"])
        batch_op.create_foreign_key(
            batch_op.f("fk_physician_institution_id"), "institution", ["institution_id"], ["id"]
        )


def downgrade() -> None:
    """Step back."""
    with op.batch_alter_table("physician", schema=None) as batch_op:
        batch_op.drop_constraint(batch_op.f("fk_physician_institution_id"), type_="foreignkey")
        batch_op.drop_index(batch_op.f("ix_physician_institution_id"))
        batch_op.drop_column("institution_id")
    for table in ("hospital_import", "hospital_written", "institution_alias", "institution"):
        op.drop_table(table)


def _institutions() -> None:
    op.create_table(
        "institution",
        sa.Column("id", ID, nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("level", sa.String(20), nullable=False),
        sa.Column("province", sa.String(40), nullable=False),
        sa.Column("province_code", sa.String(2), nullable=False),
        sa.Column("city", sa.String(40), nullable=False),
        sa.Column("city_code", sa.String(4), nullable=False),
        sa.Column("parent_id", ID),
        sa.Column("active", sa.Boolean(), nullable=False),
        sa.Column("source", sa.String(40), nullable=False),
        sa.Column("created_at", AT, nullable=False),
        sa.Column("updated_at", AT, nullable=False),
        sa.ForeignKeyConstraint(
            ["parent_id"], ["institution.id"], name=op.f("fk_institution_parent_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_institution")),
    )
    op.create_index(op.f("ix_institution_parent_id"), "institution", ["parent_id"])


def _names() -> None:
    op.create_table(
        "institution_alias",
        sa.Column("id", ID, nullable=False),
        sa.Column("institution_id", ID, nullable=False),
        sa.Column("name", sa.String(120), nullable=False),
        sa.Column("key", sa.String(240), nullable=False),
        sa.Column("place", sa.String(40), nullable=False),
        sa.Column("province", sa.String(40), nullable=False),
        sa.Column("kind", sa.String(12), nullable=False),
        sa.Column("source", sa.String(40), nullable=False),
        sa.Column("confirmed_by", sa.String(80)),
        sa.Column("at", AT, nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["institution.id"],
            name=op.f("fk_institution_alias_institution_id"),
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_institution_alias")),
        sa.UniqueConstraint("key", "place", name=op.f("uq_institution_alias_key_place")),
    )  # fmt: skip
    op.create_index(
        op.f("ix_institution_alias_institution_id"), "institution_alias", ["institution_id"]
    )


def _written() -> None:
    op.create_table(
        "hospital_written",
        sa.Column("id", ID, nullable=False),
        sa.Column("text", sa.String(120), nullable=False),
        sa.Column("city", sa.String(40), nullable=False),
        sa.Column("province", sa.String(40), nullable=False),
        sa.Column("key", sa.String(240), nullable=False),
        sa.Column("compound", sa.Boolean(), nullable=False),
        sa.Column("institution_id", ID),
        sa.Column("decision", sa.String(8), nullable=False),
        sa.Column("alias_id", ID),
        sa.Column("decided_by", sa.String(80)),
        sa.Column("decided_at", AT),
        sa.Column("first_seen_at", AT, nullable=False),
        sa.ForeignKeyConstraint(
            ["institution_id"], ["institution.id"],
            name=op.f("fk_hospital_written_institution_id"),
        ),
        sa.ForeignKeyConstraint(
            ["alias_id"], ["institution_alias.id"], name=op.f("fk_hospital_written_alias_id")
        ),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_hospital_written")),
        sa.UniqueConstraint(
            "text", "city", "province", name=op.f("uq_hospital_written_text_city_province")
        ),
    )  # fmt: skip
    for column in ("key", "institution_id"):
        op.create_index(op.f(f"ix_hospital_written_{column}"), "hospital_written", [column])
