"""`yishu users`: people with a login. A password is made, or read from standard input."""

from __future__ import annotations

import secrets
import sys
from typing import Annotated

import typer
from sqlalchemy.orm import Session

from app import accounts, reps
from app.accounts.models import Role, User
from app.bootstrap import Parts, build
from app.cli.output import Json, show
from app.infra.errors import NotFound

ACTOR = "system:cli"
FromInput = Annotated[
    bool, typer.Option("--password-stdin", help="Read the password from standard input.")
]


def register(cli: typer.Typer) -> None:
    """Add the commands of this module."""
    group = typer.Typer(help="People with a login.", no_args_is_help=True)
    group.command()(create)
    group.command("list")(list_users)
    group.command()(password)
    group.command()(disable)
    cli.add_typer(group, name="users")


def create(
    login: str,
    role: Annotated[Role, typer.Option()],
    name: Annotated[str, typer.Option(help="As colleagues know the person.")] = "",
    rep: Annotated[str, typer.Option(help="WeCom userid; needed for the role rep.")] = "",
    password_stdin: FromInput = False,
    as_json: Json = False,
) -> None:
    """A new login; the password is made and shown once, unless it comes from standard input."""
    here = build(process="cli")
    secret, made = _password(password_stdin)
    with here.db.transaction() as session:
        user = accounts.create_user(
            session, login, name=name, password=secret, role=role,
            rep_id=_rep(session, here, rep) if rep else None, now=here.clock(),
        )  # fmt: skip
        _record(session, here, "user.created", user, role=role.value)
    data = {"login": user.login, "role": role.value, **({"password": secret} if made else {})}
    show(data, f"账号 {user.login} 已建立。" + (f"密码：{secret}" if made else ""), as_json)


def list_users(as_json: Json = False) -> None:
    """Everybody with a login."""
    with build(process="cli").db.reading() as session:
        users = accounts.list_users(session)
    items = [
        {"login": user.login, "role": user.role, "active": user.active,
         "last_login_at": user.last_login_at}
        for user in users
    ]  # fmt: skip
    lines = [
        f"{user.login:<20} {user.role:<10} {'' if user.active else '已停用'}" for user in users
    ]
    text = "\n".join(lines) or "还没有账号：yishu users create 登录名 --role admin"
    show({"items": items}, text, as_json)


def password(login: str, password_stdin: FromInput = False, as_json: Json = False) -> None:
    """Give somebody a new password and end their sessions."""
    here = build(process="cli")
    secret, made = _password(password_stdin)
    with here.db.transaction() as session:
        user = _user(session, login)
        accounts.change_password(session, user.id, secret)
        _record(session, here, "user.password_reset", user)
    data = {"login": user.login, **({"password": secret} if made else {})}
    show(data, f"{user.login} 的密码已更换。" + (f"新密码：{secret}" if made else ""), as_json)


def disable(login: str, as_json: Json = False) -> None:
    """Forbid a login and end its sessions."""
    here = build(process="cli")
    with here.db.transaction() as session:
        user = accounts.set_active(session, _user(session, login).id, False)
        _record(session, here, "user.disabled", user)
    show({"login": user.login, "active": False}, f"账号 {user.login} 已停用。", as_json)


def _password(from_input: bool) -> tuple[str, bool]:
    return (sys.stdin.readline().rstrip("\r\n"), False) if from_input else (_invented(), True)


def _invented() -> str:
    return secrets.token_urlsafe(12)


def _user(session: Session, login: str) -> User:
    user = accounts.user_by_login(session, login)
    if user is None:
        raise NotFound(f"没有账号 {login}。现有账号：yishu users list")
    return user


def _rep(session: Session, here: Parts, userid: str) -> int:
    rep = reps.find_rep(session, here.settings.wecom_corp_id, userid)
    if rep is None:
        raise NotFound(f"没有企微成员 {userid} 的代表记录。")
    return rep.id


def _record(session: Session, here: Parts, action: str, user: User, **detail: str) -> None:
    accounts.audit(session, ACTOR, action, "user", user.id, now=here.clock(), **detail)
