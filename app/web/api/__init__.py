"""The JSON API at /api/v1: what the console can do, for systems. Bearer token.

    physicians  tags  tag_names  tag_mirror  tag_cases  tag_rules  segments  contents  campaigns
    suggestions  policies  inbox  imports  insights  what_if  eligibility

Errors look alike: {"error": {"status", "message"}}. Lists: {"items": […], "total"?}.
"""

from __future__ import annotations

from importlib import import_module

from flask import Blueprint

from app.web.policy import STAFF, Policy, default_policy

PARTS = (
    "physicians", "tags", "vocabulary", "tag_names", "tag_mirror", "tag_cases", "tag_rules",
    "segments", "saved_segments", "segment_lists", "contents", "campaigns", "suggestions", "inbox",
    "imports", "policies", "insights", "what_if", "eligibility", "openapi",
)  # fmt: skip

bp = Blueprint("api", __name__, url_prefix="/api/v1")
default_policy(bp, Policy(roles=STAFF, by_token=True))

for _part in PARTS:
    import_module(f"{__name__}.{_part}")
