"""Words for what reps say beyond a tap; as template filters."""

from __future__ import annotations

from datetime import datetime

from flask_babel import lazy_gettext as _l

from app.infra.clock import local
from app.web.console import bp

CLAIMS = {
    "open": _l("等待处理"),
    "removed": _l("不由他负责"),
    "reassigned": _l("转给另一位代表"),
    "wrong": _l("仍由他负责"),
}
RULES = {
    "proposed": _l("等待决定"),
    "live": _l("生效中"),
    "rejected": _l("已驳回"),
    "withdrawn": _l("已撤回"),
}


@bp.app_template_filter("claim_state")
def claim_state(state: str) -> str:
    """What became of “not my physician”."""
    return str(CLAIMS.get(state, state))


@bp.app_template_filter("rule_state")
def rule_state(state: str) -> str:
    """Where a rule is in its life."""
    return str(RULES.get(state, state))


@bp.app_template_filter("date_value")
def date_value(moment: datetime) -> str:
    """For a date field, in China."""
    return f"{local(moment):%Y-%m-%d}"
