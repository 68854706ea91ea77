"""Logins of the console and the check of every route's policy before its view runs."""

from __future__ import annotations

from typing import Any, cast

from flask import Flask, Response, abort, current_app, g, redirect, request, url_for
from flask_login import AnonymousUserMixin, LoginManager, UserMixin, current_user
from sqlalchemy.orm import Session

from app import accounts, reps
from app.accounts import Actor
from app.accounts.models import Role, User
from app.web.context import parts
from app.web.policy import Policy, policy_of

LOGIN_VIEW = "console.login"


class LoggedIn(UserMixin):  # type: ignore[misc]  # flask-login ships no types
    """The session's user. The session epoch in the id ends it when the password changes."""

    def __init__(self, user_id: int, epoch: int, actor: Actor) -> None:
        self.id = f"{user_id}.{epoch}"
        self.user_id = user_id
        self.actor = actor


def init_app(app: Flask) -> None:
    """Install the login manager and the policy check."""
    manager = LoginManager()
    manager.session_protection = "basic"
    manager.login_view = None
    manager.user_loader(_load)
    manager.init_app(app)
    app.before_request(_enforce)
    app.context_processor(lambda: {"actor": actor_or_none()})


def actor() -> Actor:
    """Who is acting in this request; only behind a policy with roles."""
    found = actor_or_none()
    if found is None:
        abort(401)
    return found


def actor_or_none() -> Actor | None:
    """Who is acting, or None on public routes."""
    if "actor" in g:
        return cast(Actor, g.actor)
    user = current_user
    if user is None or isinstance(user._get_current_object(), AnonymousUserMixin):
        return None
    return cast(Actor, user.actor)


def as_login(user: Any) -> LoggedIn:
    """A flask-login user for a `User` row."""
    who = Actor(f"user:{user.id}", user.name, Role(user.role), user.rep_id)
    return LoggedIn(user.id, user.session_epoch, who)


def may_enter(session: Session, user: User) -> bool:
    """False for a login that was forbidden, and for a rep who has left the company."""
    if not user.active:
        return False
    return user.rep_id is None or reps.get_rep(session, user.rep_id).active


def _load(session_id: str) -> LoggedIn | None:
    user_id, _, epoch = session_id.partition(".")
    if not (user_id.isdecimal() and epoch.isdecimal()):
        return None
    with parts().db.reading() as session:
        user = session.get(User, int(user_id))
        if user is None or user.session_epoch != int(epoch):
            return None
        if not may_enter(session, user):
            return None
        return as_login(user)


def _enforce() -> Response | None:
    if request.endpoint is None or request.endpoint == "static":
        return None
    policy = policy_of(current_app, request.endpoint)
    if policy is None:
        abort(403)
    if policy.is_public:
        return None
    if policy.by_token:
        _enforce_token(policy)
        return None
    return _enforce_login(policy)


def _enforce_token(policy: Policy) -> None:
    scheme, _, text = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() != "bearer" or not text.strip():
        abort(401)
    here = parts()
    now = here.clock()
    with here.db.reading() as session:
        holder = accounts.token_holder(session, text.strip(), here.settings.yishu_api_token)
        due = holder is not None and accounts.touch_is_due(holder, now)
    if holder is None:
        abort(401)
    if holder.role not in policy.roles:
        abort(403)
    if due:
        with here.db.transaction() as session:
            accounts.touch_token(session, holder, now)
    g.actor = Actor(f"token:{holder.name}", holder.name, holder.role)


def _enforce_login(policy: Policy) -> Response | None:
    who = actor_or_none()
    if who is None:
        if request.method != "GET" or request.headers.get("HX-Request"):
            abort(401)
        target = request.full_path if request.query_string else request.path
        return cast(Response, redirect(url_for(LOGIN_VIEW, next=target)))
    if who.role not in policy.roles:
        abort(403)
    return None
