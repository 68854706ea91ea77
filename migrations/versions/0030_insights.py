"""Suggestions by day and links by moment, for what looks at the last days of all

Revision 0030_insights, after 0027_feedback.
"""

from __future__ import annotations

from alembic import op

revision = "0030_insights"
down_revision = "0027_feedback"
branch_labels = None
depends_on = None


def upgrade() -> None:
    """Step to this revision."""
    op.create_index("ix_suggestion_day", "suggestion", ["day"])
    op.create_index("ix_tracked_link_created_at", "tracked_link", ["created_at"])


def downgrade() -> None:
    """Step back."""
    op.drop_index("ix_tracked_link_created_at", table_name="tracked_link")
    op.drop_index("ix_suggestion_day", table_name="suggestion")
