"""洞察 → 今日计划: what each rep was suggested on a day, what came of it, and why not more."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from datetime import date, datetime, timedelta
from typing import Any

from flask import render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session

from app import identity, reps
from app.flows.insight import day as days
from app.flows.insight import row as rows
from app.flows.insight import tomorrow
from app.infra import workdays
from app.infra.clock import local
from app.infra.errors import NotFound
from app.reps import Rep
from app.web.console import bp
from app.web.console.insights.insight_words import (
    date_name,
    here,
    names_page,
    page_number,
    step_name,
)
from app.web.context import parts
from app.web.numbers import asked_row
from app.web.policy import STAFF, allow

PAGE, OUT_PAGE = 100, 30
FARTHEST = timedelta(days=730)
SORTS = {
    "team": _l("按团队"), "adopted": _l("采用最多"), "refused": _l("不合适最多"),
    "open": _l("未答复最多"), "few": _l("建议最少"),
}  # fmt: skip


@bp.get("/insights/plan")
@allow(*STAFF)
def plan() -> str:
    """All reps of a day, or a team: `day`, `team`, `q`, `sort`, `page`."""
    at = parts().clock()
    day, team, number = _day(at), request.args.get("team"), page_number()
    sort, text = request.args.get("sort", "team"), request.args.get("q", "")
    with parts().db.reading() as session:
        found = days.of_day(session, day, team=team or None, text=text, sort=sort)
        return render_template(
            "console/insights/plan.html", found=found, day=day, today=local(at).date(), here=here,
            teams=days.teams(session), team=team or "", sort=sort, q=text,
            lines=found.lines[(number - 1) * PAGE : number * PAGE], page=number,
            pages=max(1, -(-len(found.lines) // PAGE)), url=lambda n: here(page=n),
            before=_step(day, -1), after=_step(day, 1), is_workday=workdays.is_workday(day),
            sorts=SORTS, most=max(found.total.left_out.values(), default=1),
        )  # fmt: skip


@bp.get("/insights/plan/<int:rep_id>")
@allow(*STAFF)
def plan_of_rep(rep_id: int) -> str:
    """One rep's day: each suggestion with reasons and parts; who is left out comes after it."""
    at = parts().clock()
    day = _day(at)
    today = local(at).date()
    with parts().db.reading() as session:
        rep = reps.get_rep(session, rep_id)
        line = days.of_rep(session, rep, day)
        return render_template(
            "console/insights/plan_rep.html", rep=rep, line=line, day=day, today=today,
            rows=rows.of_day(session, rep.id, day), upcoming=line.plan is None and day >= today,
            before=_step(day, -1), after=_step(day, 1), is_workday=workdays.is_workday(day),
            asked={k: v for k, v in request.args.items() if k in ("why", "page", "day")},
            fragment="preview" if line.plan is None else "left-out",
        )  # fmt: skip


@bp.get("/insights/plan/<int:rep_id>/left-out")
@allow(*STAFF)
def plan_left_out(rep_id: int) -> str:
    """Who is not on the rep's list and why, as it is now; a fragment."""
    at = parts().clock()
    with parts().db.reading() as session:
        rep = reps.get_rep(session, rep_id)
        out = tomorrow.left_out(session, rep, _day(at), at)
        return render_template("console/insights/_plan_out.html", **_out(session, rep, out))


@bp.get("/insights/plan/<int:rep_id>/preview")
@allow(*STAFF)
def plan_preview(rep_id: int) -> str:
    """What would be planned; a fragment. Nothing is written."""
    at = parts().clock()
    with parts().db.reading() as session:
        rep = reps.get_rep(session, rep_id)
        found = tomorrow.preview(session, rep, _day(at), at)
        names = rows.tag_names(session)
        return render_template(
            "console/insights/_plan_preview.html", found=found,
            score_of=lambda fit: rows.parts(fit.stored(), names), **_out(session, rep, found.out),
        )  # fmt: skip


@bp.get("/insights/plan/people/<what>")
@allow(*STAFF)
def plan_people(what: str) -> str:
    """The names behind a figure of a day."""
    if what not in days.FIGURES:
        raise NotFound(_("没有这个数字。"))
    at = parts().clock()
    day, team, rep_id = _day(at), request.args.get("team"), asked_row("rep")
    back = (
        url_for("console.plan_of_rep", rep_id=rep_id, day=day) if rep_id is not None
        else url_for("console.plan", day=day, team=team)
    )  # fmt: skip
    lead = f"{date_name(day)} · {team}" if team else date_name(day)
    return names_page(step_name(what), lead, back, days.who(day, what, team or None, rep_id))


def _day(at: datetime) -> date:
    """The day that is asked for, within two years of today; today when nothing is said."""
    today = local(at).date()
    try:
        asked = date.fromisoformat(request.args.get("day", ""))
    except ValueError:
        return today
    return min(max(asked, today - FARTHEST), today + FARTHEST)


def _step(day: date, way: int) -> date:
    """The working day before or after."""
    if way > 0:
        return workdays.next_workday(day)
    return next(
        earlier for n in range(1, 40)
        if workdays.is_workday(earlier := day - timedelta(days=n)) or n == 39
    )  # fmt: skip


def _out(session: Session, rep: Rep, out: Mapping[str, str]) -> dict[str, Any]:
    """One page of those left out, of one reason when that is asked for."""
    why, number = request.args.get("why", ""), page_number()
    chosen = sorted((code, one_id) for one_id, code in out.items() if why in ("", code))
    part = chosen[(number - 1) * OUT_PAGE : number * OUT_PAGE]
    people = identity.physicians_by_id(session, [one_id for _code, one_id in part])
    day = request.args.get("day")

    def address(code: str, page: int | None = None) -> str:
        return url_for("console.plan_of_rep", rep_id=rep.id, day=day, why=code or None, page=page)

    return {
        "rep": rep, "why": why, "counts": Counter(out.values()).most_common(), "total": len(chosen),
        "part": [(people[one_id], code) for code, one_id in part if one_id in people],
        "page": number, "pages": max(1, -(-len(chosen) // OUT_PAGE)),
        "url": lambda n: address(why, n), "by": address,
    }  # fmt: skip
