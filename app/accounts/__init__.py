"""Who may use the console and the API, and what they did.

accounts.create_user / change_password / deactivate …   people with a login
accounts.authenticate                                    login and password → User
accounts.create_token / token_role                       bearer tokens of systems
accounts.audit / verify_audit                            the sealed record of actions
"""

from app.accounts.audit import audit, audit_trail, verify_audit
from app.accounts.demo import DEMO_PASSWORD, demo_accounts
from app.accounts.tokens import (
    TokenHolder,
    create_token,
    list_tokens,
    revoke_token,
    token_holder,
    touch_is_due,
    touch_token,
)
from app.accounts.users import (
    Actor,
    authenticate,
    change_password,
    create_user,
    list_users,
    names,
    plain_login,
    set_active,
    user_by_id,
    user_by_login,
)

__all__ = [
    "DEMO_PASSWORD",
    "Actor",
    "TokenHolder",
    "audit",
    "audit_trail",
    "authenticate",
    "change_password",
    "create_token",
    "create_user",
    "demo_accounts",
    "list_tokens",
    "list_users",
    "names",
    "plain_login",
    "revoke_token",
    "set_active",
    "token_holder",
    "touch_is_due",
    "touch_token",
    "user_by_id",
    "user_by_login",
    "verify_audit",
]
