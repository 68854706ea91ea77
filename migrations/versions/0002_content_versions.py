"""Tags and writers belong to a version of a content; a send is found by the platform's number

Revision 0002_content_versions, after 0001.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0002_content_versions"
down_revision = "0001"
branch_labels = None
depends_on = None

BIG = sa.BigInteger().with_variant(sa.Integer(), "sqlite")


def upgrade() -> None:
    """Step to this revision."""
    op.add_column(
        "content_version",
        sa.Column("writers", sa.JSON(), server_default=sa.text("'[]'"), nullable=False),
    )
    version = sa.table("content_version", sa.column("id"), sa.column("created_by"),
                       sa.column("writers", sa.JSON()))  # fmt: skip
    connection = op.get_bind()
    for row in connection.execute(sa.select(version.c.id, version.c.created_by)).all():
        connection.execute(
            version.update().where(version.c.id == row.id).values(writers=[row.created_by])
        )
    _tag_table("content_version_tag", "version_id", "content_version")
    op.execute(
        "INSERT INTO content_version_tag (version_id, tag_id, weight)"
        " SELECT v.id, t.tag_id, t.weight"
        " FROM content_tag t JOIN content_version v ON v.content_id = t.content_id"
    )
    _drop_tag_table("content_tag")
    op.create_index(op.f("ix_dispatch_provider_id"), "dispatch", ["provider_id"])


def downgrade() -> None:
    """Step back from this revision: a content has the tags of its newest version."""
    op.drop_index(op.f("ix_dispatch_provider_id"), table_name="dispatch")
    _tag_table("content_tag", "content_id", "content")
    op.execute(
        "INSERT INTO content_tag (content_id, tag_id, weight)"
        " SELECT v.content_id, t.tag_id, t.weight"
        " FROM content_version_tag t JOIN content_version v ON v.id = t.version_id"
        " WHERE v.number = (SELECT max(w.number) FROM content_version w"
        " WHERE w.content_id = v.content_id)"
    )
    _drop_tag_table("content_version_tag")
    op.drop_column("content_version", "writers")


def _tag_table(name: str, key: str, parent: str) -> None:
    op.create_table(
        name,
        sa.Column(key, BIG, nullable=False),
        sa.Column("tag_id", BIG, nullable=False),
        sa.Column("weight", sa.Double(), nullable=False),
        sa.ForeignKeyConstraint(
            [key], [f"{parent}.id"], name=op.f(f"fk_{name}_{key}"), ondelete="CASCADE"
        ),
        sa.ForeignKeyConstraint(["tag_id"], ["tag.id"], name=op.f(f"fk_{name}_tag_id")),
        sa.PrimaryKeyConstraint(key, "tag_id", name=op.f(f"pk_{name}")),
    )
    op.create_index(op.f(f"ix_{name}_tag_id"), name, ["tag_id"])


def _drop_tag_table(name: str) -> None:
    op.drop_index(op.f(f"ix_{name}_tag_id"), table_name=name)
    op.drop_table(name)
