"""洞察 → 总览: what suggestions and contents brought, beside the time before; by rep."""

from __future__ import annotations

from datetime import timedelta

from flask import render_template

from app import identity
from app.flows.insight import overview
from app.recommend.policy.shares import difference
from app.web.console import bp
from app.web.console.insights.insight_words import PERIODS, here, page_number, period
from app.web.context import parts
from app.web.policy import STAFF, allow

PAGE = 50


@bp.get("/insights/")
@allow(*STAFF)
def insights() -> str:
    """`days`, `page`."""
    at, days, number = parts().clock(), period(), page_number()
    with parts().db.reading() as session:
        lines = overview.by_rep(session, at, days)
        now = overview.funnel(session, at, days)
        before = overview.funnel(session, at - timedelta(days=days), days)
        return render_template(
            "console/insights/insights.html", days=days, periods=PERIODS, here=here,
            now=now, before=before, change=difference(now.adoption, before.adoption),
            lines=lines[(number - 1) * PAGE :][:PAGE], page=number, total=len(lines),
            pages=max(1, -(-len(lines) // PAGE)), url=lambda n: here(page=n),
            identity_version=identity.version(session),
        )  # fmt: skip
