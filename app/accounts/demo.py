"""The accounts of the invented company: what the demonstration's login page shows."""

from __future__ import annotations

from collections.abc import Sequence

from app.accounts.models import User

DEMO_PASSWORD = "yishu-demo-2026"  # noqa: S105  # of the demonstration only
DEMO_LOGINS = ("admin", "marketer", "reviewer", "rep01")


def demo_accounts(users: Sequence[User]) -> list[User]:
    """Those for which the demonstration's password is likely to work; none in another company."""
    if not {user.login for user in users}.issuperset(DEMO_LOGINS):
        return []
    return [
        user for user in users
        if user.active and user.login in DEMO_LOGINS and user.session_epoch == 0
    ]  # fmt: skip
