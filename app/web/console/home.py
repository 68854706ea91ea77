"""今日: is it running, what waits for me, what did it bring."""

from __future__ import annotations

from flask import render_template

from app.web.console import bp


@bp.get("/")
def home() -> str:
    """The first page after the login."""
    return render_template("console/home.html")
