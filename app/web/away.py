"""What people are told while the database is away.

What can be told then must not ask the database: neither who is logged in nor what is in the menu.
"""

from __future__ import annotations

from flask import Flask, Response, g, jsonify, request
from flask_babel import gettext as _
from sqlalchemy.exc import InterfaceError, OperationalError
from sqlalchemy.exc import TimeoutError as NoFreeConnection

from app.infra import log
from app.infra.away import is_away
from app.web.errors import page_of, unexpected

AGAIN_S = 10

Answer = tuple[Response | str, int] | tuple[Response | str, int, dict[str, str]]

_log = log.get(__name__)


def init_app(app: Flask) -> None:
    """Install the handler. Anything else that a database says is a bug, and is logged as one."""

    def answer(problem: Exception) -> Answer:
        return _answer(app, problem) if is_away(problem) else unexpected(problem)

    for kind in (OperationalError, InterfaceError, NoFreeConnection):
        app.register_error_handler(kind, answer)


def _answer(app: Flask, problem: Exception) -> Answer:
    orig = getattr(problem, "orig", None) or problem
    _log.error("database is away", error=type(orig).__name__, route=str(request.url_rule or "-"))
    again = {"Retry-After": str(AGAIN_S)}
    broken, inside = _("数据库暂时无法使用"), request.path.startswith("/console/")
    if request.path.startswith("/api/") or request.is_json:
        message = f"{broken}。{_later()}"
        return jsonify(error={"status": 503, "message": message}), 503, again
    if inside and request.method == "GET" and not request.headers.get("HX-Request"):
        again["Refresh"] = str(AGAIN_S)
    words = (broken, _on_duty()) if inside else (_("页面暂时打不开"), _later())
    if not request.headers.get("HX-Request"):
        return page_of(*words, g.get("request_id", "")), 503, again
    part = app.jinja_env.get_template("console/_away.html")
    return part.render(title=words[0], message=words[1], reference=g.request_id), 503, again


def _later() -> str:
    """Whoever has just stopped us, say, must not believe that it counts."""
    if request.method in ("GET", "HEAD"):
        return str(_("没有丢失任何东西，请过一会儿再试。"))
    return str(_("刚才的操作没有完成，请过一会儿再试一次。"))


def _on_duty() -> str:
    return str(
        _("平台的回调照常收下，暂存在本机文件里，数据库恢复后自动处理；消息等待，不会丢失。"
          "请检查数据库服务，并在主机上运行 yishu doctor。本页会自动重试。")
    )  # fmt: skip
