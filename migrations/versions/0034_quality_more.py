"""Figures of the identity graph that came later have a column of their own

Revision 0034_quality_more, after 0033_purpose. Older processes read `figures` whole, and would
refuse what they do not know.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0034_quality_more"
down_revision = "0033_purpose"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Step to this revision."""
    op.add_column("identity_quality", sa.Column("more", sa.JSON(), nullable=True))


def downgrade() -> None:
    """Step back."""
    op.drop_column("identity_quality", "more")
