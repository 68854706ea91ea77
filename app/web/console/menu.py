"""The left-hand menu: a role sees only its own rooms."""

from __future__ import annotations

from dataclasses import dataclass

from flask import current_app, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app.accounts.models import Role
from app.web import auth
from app.web.policy import policy_of


@dataclass(frozen=True, slots=True)
class Room:
    """One entry: its name, the endpoint it opens, and an icon (emoji-free, one glyph)."""

    name: str
    endpoint: str
    icon: str


@dataclass(frozen=True, slots=True)
class Entry:
    """A room as one user sees it."""

    name: str
    endpoint: str
    icon: str
    current: bool


ROOMS = (
    Room(_l("今日"), "console.home", "home"),
    Room(_l("医生"), "console.physicians", "people"),
    Room(_l("标签"), "console.tags", "tag"),
    Room(_l("人群"), "console.segments", "group"),
    Room(_l("内容"), "console.contents", "book"),
    Room(_l("推送"), "console.campaigns", "send"),
    Room(_l("洞察"), "console.insights", "chart"),
    Room(_l("治理"), "console.governance", "shield"),
)


def menu_for() -> list[Entry]:
    """The rooms that the current user may open, in order."""
    who = auth.actor_or_none()
    if who is None:
        return []
    return [
        Entry(str(room.name), room.endpoint, room.icon, _is_in(room))
        for room in ROOMS
        if _may_open(room, who.role)
    ]


def role_name(role: Role | str) -> str:
    """The role's name for people."""
    names: dict[Role, str] = {
        Role.ADMIN: _("管理员"),
        Role.MARKETER: _("市场"),
        Role.REVIEWER: _("医学审核"),
        Role.REP: _("医药代表"),
    }
    return names[Role(role)]


def _is_in(room: Room) -> bool:
    """Whether the current page belongs to the room: its address begins with the room's."""
    own = url_for(room.endpoint)
    return request.path == own or (own != url_for("console.home") and request.path.startswith(own))


def _may_open(room: Room, role: Role) -> bool:
    if room.endpoint not in current_app.view_functions:
        return False
    policy = policy_of(current_app, room.endpoint)
    return policy is not None and role in policy.roles
