"""Log in, log out, change one's own password."""

from __future__ import annotations

from urllib.parse import urlsplit

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_login import current_user, login_user, logout_user
from werkzeug.wrappers import Response

from app import accounts
from app.infra.errors import Refused
from app.web import auth
from app.web.console import bp
from app.web.console.menu import role_name
from app.web.context import parts
from app.web.limits import hidden, limiter
from app.web.policy import public

LOGIN_LIMIT = "10 per minute"


@bp.route("/login", methods=["GET", "POST"])
@public("password, rate limit and CSRF token")
@limiter.limit(LOGIN_LIMIT, methods=["POST"])
@limiter.limit(LOGIN_LIMIT, methods=["POST"], key_func=lambda: hidden(_whose()))
def login() -> str | Response | tuple[str, int]:
    """The login page; a wrong login or password gets one and the same sentence."""
    target = _own_path(request.values.get("next", ""))
    if request.method == "GET":
        return _page(target, "")
    name = request.form.get("login", "")
    here = parts()
    with here.db.transaction() as session:
        now = here.clock()
        user = accounts.authenticate(session, name, request.form.get("password", ""), now=now)
        if user is not None and not auth.may_enter(session, user):
            user = None
        if user is not None:
            accounts.audit(session, f"user:{user.id}", "user.logged_in", "user", user.id, now=now)
    if user is None:
        flash(_("登录名或密码不正确，请检查后再试。"), "error")
        return _page(target, name), 401
    login_user(auth.as_login(user))
    return redirect(target)


def _whose() -> str:
    """Whose account is tried, however its login is written."""
    return "login " + accounts.plain_login(request.form.get("login", ""))


def _page(target: str, login: str) -> str:
    """The form; in the demonstration with the accounts of the invented company."""
    here = parts()
    with here.db.reading() as session:
        users = accounts.list_users(session)
        shown = accounts.demo_accounts(users) if here.settings.yishu_demo else []
        return render_template(
            "console/login.html", next=target, login=login, nobody=not users,
            demo_logins=[(user.login, role_name(user.role)) for user in shown],
            demo_password=accounts.DEMO_PASSWORD,
        )  # fmt: skip


@bp.post("/logout")
def logout() -> Response:
    """End this session."""
    logout_user()
    return redirect(url_for("console.login"))


@bp.route("/password", methods=["GET", "POST"])
def password() -> str | Response | tuple[str, int]:
    """Change one's own password; other sessions of this person end."""
    if request.method == "GET":
        return render_template("console/password.html")
    here = parts()
    who = auth.actor()
    new = request.form.get("new", "")
    try:
        with here.db.transaction() as session:
            user = accounts.user_by_id(session, current_user.user_id)
            now = here.clock()
            if not accounts.authenticate(
                session, user.login, request.form.get("current", ""), now=now
            ):
                raise Refused(_("现在的密码不正确。"))
            if new != request.form.get("again", ""):
                raise Refused(_("两次输入的新密码不一致。"))
            accounts.change_password(session, user.id, new)
            accounts.audit(session, who.key, "user.password_changed", "user", user.id, now=now)
    except Refused as refusal:
        flash(str(refusal), "error")
        return render_template("console/password.html"), 400
    login_user(auth.as_login(user))
    flash(_("密码已更新，其他设备上的登录已退出。"), "success")
    return redirect(url_for("console.home"))


def _own_path(target: str) -> str:
    """`target` when it is a path of this console, else the home page: no open redirect."""
    split = urlsplit(target)
    own = not split.scheme and not split.netloc and target.startswith("/console/")
    return target if own and "\\" not in target else url_for("console.home")
