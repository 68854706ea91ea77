"""When an identifier was last taken apart from others: what was planned before was for somebody
else

Revision 0009_split, after 0008_stamp.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0009_split"
down_revision = "0008_stamp"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Step to this revision."""
    op.add_column("identifier", sa.Column("split_at", sa.DateTime(timezone=True), nullable=True))


def downgrade() -> None:
    """Step back."""
    with op.batch_alter_table("identifier") as table:
        table.drop_column("split_at")
