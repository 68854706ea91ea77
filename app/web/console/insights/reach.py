"""洞察 → 覆盖与公平: who is reached, group by group, and whose attention which brand gets."""

from __future__ import annotations

from flask import render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app import reps
from app.flows.insight import coverage
from app.flows.insight.coverage import STEPS, By
from app.infra.errors import NotFound
from app.web.console import bp
from app.web.console.insights.insight_words import (
    PERIODS,
    here,
    names_page,
    page_number,
    period,
    step_name,
)
from app.web.context import parts
from app.web.numbers import row_number
from app.web.policy import STAFF, allow

PAGE = 50
BYS = {
    By.SPECIALTY: _l("专科"), By.PROVINCE: _l("省份"), By.CITY: _l("城市"),
    By.LEVEL: _l("医院等级"), By.REP: _l("代表"),
}  # fmt: skip
MOST_NAMED = 8


@bp.get("/insights/coverage")
@allow(*STAFF)
def reach() -> str:
    """`by`, `days`, `page`."""
    by, at, number = _by(), parts().clock(), page_number()
    with parts().db.reading() as session:
        found = coverage.coverage(session, by, at, period())
        return render_template(
            "console/insights/reach.html",
            found=found, by=by, bys=BYS, days=period(), periods=PERIODS,
            here=here, groups=found.groups[(number - 1) * PAGE :][:PAGE], page=number,
            pages=max(1, -(-len(found.groups) // PAGE)), url=lambda n: here(page=n), steps=STEPS,
            reps=coverage.rep_names(session, found.groups) if by is By.REP else {},
            most=MOST_NAMED,
        )  # fmt: skip


@bp.get("/insights/coverage/brands")
@allow(*STAFF)
def reach_brands() -> str:
    """What each brand got and would like to have; a fragment."""
    with parts().db.reading() as session:
        brands = coverage.brand_shares(session, parts().clock(), period())
    return render_template(
        "console/insights/_reach_brands.html",
        brands=brands, contacts=sum(b.contacts for b in brands),
        wanted=sum(b.wanted or 0 for b in brands),
    )  # fmt: skip


@bp.get("/insights/coverage/people/<step>")
@allow(*STAFF)
def reach_people(step: str) -> str:
    """The names behind a figure of one group: `by`, `group`, `days`."""
    if step not in ("connected", "missed", *STEPS):
        raise NotFound(_("没有这个数字。"))
    by, key = _by(), request.args.get("group", "")
    name = key or str(_("未知"))
    if by is By.REP:
        with parts().db.reading() as session:
            name = reps.get_rep(session, row_number(key)).name
    back = url_for("console.reach", by=by.value, days=period())
    lead = _("最近 %(n)s 天", n=period())
    who = coverage.who(by, key, step, parts().clock(), period())
    return names_page(f"{name} · {step_name(step)}", lead, back, who)


def _by() -> By:
    asked = request.args.get("by", "")
    return By(asked) if asked in {known.value for known in By} else By.SPECIALTY
