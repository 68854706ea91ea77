"""The web console at /console/: one module per room of the left-hand menu.

session     log in and out, own password
home        今日: is it running, what waits for me, what did it bring
"""

from __future__ import annotations

from importlib import import_module

from flask import Blueprint

from app.accounts.models import Role
from app.web.console.menu import menu_for
from app.web.policy import STAFF, Policy, default_policy

PAGES = (
    "words", "because", "segment_words", "records", "session", "home", "physicians", "tags",
    "tag_words", "tag_moves", "tag_versions", "tag_files", "segments", "segment", "overlap",
    "segment_lists",
    "contents", "campaigns", "insights", "governance", "sends", "completeness", "operations",
    "channels", "judgements", "desk", "hospitals", "hospital_review", "hospital_import",
    "court_words", "court", "truth", "tag_rules", "coverage", "tag_names", "tag_imports",
    "tag_mirror", "insight_words", "plans", "performance", "reach", "what_if", "feedback_words",
    "claims", "stop_rules", "content_terms", "rep_brands", "policy_words", "policies", "lift",
)  # fmt: skip

bp = Blueprint("console", __name__, url_prefix="/console")
default_policy(bp, Policy(roles=(*STAFF, Role.REP)))
bp.context_processor(lambda: {"menu": menu_for()})

for _page in PAGES:
    import_module(f"{__name__}.{_page}")
