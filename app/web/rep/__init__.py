"""Pages inside WeCom: a rep's list of today, and the sidebar beside a chat.

WeCom's OAuth says who the rep is. Every query is limited to that rep's own suggestions and
contacts.
"""

from __future__ import annotations

from flask import Blueprint

from app.web.policy import Policy, default_policy

bp = Blueprint("rep", __name__, url_prefix="/rep")
default_policy(bp, Policy(protected_by="WeCom's OAuth; a rep sees only the own suggestions"))

from app.web.rep import (  # noqa: E402
    answers,
    entry,
    meetings,
    sidebar,
    today,
    together,
    way_words,
)  # fmt: skip

__all__ = ["answers", "bp", "entry", "meetings", "sidebar", "today", "together", "way_words"]
