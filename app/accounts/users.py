"""People with a login."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime

from sqlalchemy import func, select
from sqlalchemy.orm import Session

from app.accounts import passwords
from app.accounts.models import Role, User
from app.infra.errors import NotFound, Refused


@dataclass(frozen=True, slots=True)
class Actor:
    """Who is acting: a user, a token or the system. `rep_id` limits what a rep may see."""

    key: str  # user:7, token:crm, system
    name: str
    role: Role
    rep_id: int | None = None


def plain_login(login: str) -> str:
    """The one way in which a login is kept and counted."""
    return login.strip().lower()


def create_user(
    session: Session,
    login: str,
    *,
    name: str,
    password: str,
    role: Role,
    rep_id: int | None = None,
    now: datetime,
) -> User:
    """A new active user. Raises Refused with a sentence for the person who tries."""
    login = plain_login(login)
    if not login:
        raise Refused("请填写登录名。")
    if user_by_login(session, login):
        raise Refused(f"登录名 {login} 已经有人使用，请换一个。")
    if role is Role.REP and rep_id is None:
        raise Refused("医药代表的账号需要选择对应的代表。")
    user = User(
        login=login,
        name=name.strip() or login,
        password_hash=_sealed(password),
        role=role,
        rep_id=rep_id if role is Role.REP else None,
        created_at=now,
    )
    session.add(user)
    session.flush()
    return user


def authenticate(session: Session, login: str, password: str, *, now: datetime) -> User | None:
    """The active user with these credentials, or None; both answers take equally long."""
    user = user_by_login(session, login)
    if not passwords.matches(user.password_hash if user else None, password):
        return None
    if user is None or not user.active:
        return None
    if passwords.is_outdated(user.password_hash):
        user.password_hash = passwords.seal(password)
    user.last_login_at = now
    return user


def change_password(session: Session, user_id: int, password: str) -> None:
    """Set a new password and end the user's other sessions."""
    user = user_by_id(session, user_id)
    user.password_hash = _sealed(password)
    user.session_epoch += 1


def set_active(session: Session, user_id: int, active: bool) -> User:
    """Allow or forbid the login; forbidding ends the sessions. One admin always stays."""
    user = user_by_id(session, user_id)
    if not active and user.role == Role.ADMIN and _other_admins(session, user_id) == 0:
        raise Refused("至少要保留一位可用的管理员。")
    user.active = active
    user.session_epoch += 1
    return user


def user_by_login(session: Session, login: str) -> User | None:
    """The user with this login, whatever its state."""
    return session.scalar(select(User).where(User.login == plain_login(login)))


def user_by_id(session: Session, user_id: int) -> User:
    """The user. Raises NotFound."""
    user = session.get(User, user_id)
    if user is None:
        raise NotFound("没有这个账号。")
    return user


def list_users(session: Session) -> Sequence[User]:
    """All users, active ones first, by role and login."""
    return session.scalars(select(User).order_by(User.active.desc(), User.role, User.login)).all()


def names(session: Session) -> dict[str, str]:
    """Everybody's name by the key that records carry: `user:<id>`."""
    return {f"user:{user.id}": user.name for user in list_users(session)}


def _other_admins(session: Session, user_id: int) -> int:
    return (
        session.scalar(
            select(func.count()).where(
                User.role == Role.ADMIN, User.active.is_(True), User.id != user_id
            )
        )
        or 0
    )


def _sealed(password: str) -> str:
    if len(password) < passwords.MIN_LENGTH:
        raise Refused(f"密码至少需要 {passwords.MIN_LENGTH} 个字符。")
    return passwords.seal(password)
