"""洞察 → 内容表现: what came of each content, with intervals; names behind each figure; CSV."""

from __future__ import annotations

import csv
import io

from flask import Response, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l

from app import content
from app.content import Stage
from app.flows.insight import contents, day
from app.flows.insight.figures import STEPS, Contents, Figures
from app.infra.errors import NotFound
from app.recommend import REFUSALS
from app.recommend.policy.shares import Rate, difference
from app.web.console import bp
from app.web.console.insights.insight_words import (
    PERIODS,
    here,
    names_page,
    page_number,
    period,
    step_name,
)
from app.web.console.physicians.because import refusal_name
from app.web.context import parts
from app.web.numbers import row_number
from app.web.policy import STAFF, allow
from app.web.spreadsheet import harmless

PAGE = 50
SORTS = {
    "shown": _l("送达最多"), "adopted": _l("采用最多"), "rate": _l("采用率最高"),
    "refused": _l("不合适最多"), "sent": _l("发出最多"), "opening": _l("打开率最高"),
    "read": _l("读完最多"),
}  # fmt: skip
SHOWN_NAMES = 5


@bp.get("/insights/contents")
@allow(*STAFF)
def performance() -> str:
    """All versions of the last days: `days`, `team`, `brand`, `stage`, `q`, `sort`, `page`."""
    number = page_number()
    with parts().db.reading() as session:
        found = _asked(session)
        return render_template(
            "console/insights/performance.html", found=found, page=number,
            lines=found.lines[(number - 1) * PAGE :][:PAGE],
            pages=max(1, -(-len(found.lines) // PAGE)), url=lambda n: here(page=n),
            days=period(), periods=PERIODS, here=here, sorts=SORTS, asked=request.args,
            teams=day.teams(session), brands=content.brands(session),
            stages=[stage.value for stage in (Stage.APPROVED, Stage.WITHDRAWN)],
            first=first_place(found.total), most=SHOWN_NAMES,
            nobody=[line for line in found.lines if line.nobody],
            worn=[line for line in found.lines if line.worn],
        )  # fmt: skip


@bp.get("/insights/contents.csv")
@allow(*STAFF)
def performance_file() -> Response:
    """The same as a file, all lines of it."""
    with parts().db.reading() as session:
        found = _asked(session)
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow([
        _("内容"), _("版本"), *(step_name(step) for step in STEPS), _("未答复"), _("采用率"),
        _("采用率下限"), _("采用率上限"), _("打开率"), _("打开率下限"), _("打开率上限"),
        _("与位置相当的倍数"), _("阅读秒数中位"), *(refusal_name(key) for key in REFUSALS),
    ])  # fmt: skip
    for line in found.lines:
        figures = line.figures
        lines.writerow([
            harmless(line.version.title), line.version.number,
            *(getattr(figures, step) for step in STEPS), figures.waiting,
            *_rate(figures.adoption), *_rate(figures.opening),
            "" if line.beside_place is None else round(line.beside_place, 2),
            "" if figures.median_s is None else figures.median_s,
            *(figures.refusals[key] for key in REFUSALS),
        ])  # fmt: skip
    answer = Response("\ufeff" + text.getvalue(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = "attachment; filename=contents.csv"
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.get("/insights/contents/<int:version_id>")
@allow(*STAFF)
def performance_one(version_id: int) -> str:
    """One version: by place of the list, refusals, specialties and ways of sending."""
    here_, days = parts(), period()
    with here_.db.reading() as session:
        version = content.get_version(session, version_id)
        figures = contents.of_version(session, version_id, here_.clock(), days)
        by, ways = contents.split(session, version_id, here_.clock(), days)
        return render_template(
            "console/insights/performance_one.html", version=version, figures=figures, days=days,
            periods=PERIODS, here=here, first=first_place(figures),
            by=sorted(by.items(), key=lambda pair: (-pair[1].suggested - pair[1].sent, pair[0])),
            ways=sorted(ways.items(), key=lambda pair: (-pair[1].sent, pair[0])),
            places=[(n, Rate(adopted, shown)) for n, (shown, adopted) in
                    sorted(figures.places.items())],
            later=contents.LATER, rate=Rate,
        )  # fmt: skip


@bp.get("/insights/contents/<int:version_id>/people/<step>")
@allow(*STAFF)
def performance_people(version_id: int, step: str) -> str:
    """The names behind a figure of one version."""
    if step not in STEPS:
        raise NotFound(_("没有这个数字。"))
    here_, days, refusal = parts(), period(), request.args.get("refusal", "")
    with here_.db.reading() as session:
        title = content.get_version(session, version_id).title
    name = f"{step_name(step)} · {refusal_name(refusal)}" if refusal else step_name(step)
    who = contents.who(version_id, step, here_.clock(), days, refusal)
    back = url_for("console.performance_one", version_id=version_id, days=days)
    return names_page(f"{title} · {name}", _("最近 %(n)s 天", n=days), back, who)


def first_place(figures: Figures) -> tuple[Rate, Rate, tuple[float, float]]:
    """Adoption at the first place of the list, at later ones, and where the difference may lie."""
    first = Rate(*reversed(figures.places.get(1, (0, 0))))
    rest = [pair for place, pair in figures.places.items() if place > 1]
    later = Rate(sum(a for _s, a in rest), sum(s for s, _a in rest))
    return first, later, difference(first, later)


def _asked(session) -> Contents:  # type: ignore[no-untyped-def]
    asked = request.args
    stage = asked.get("stage", "")
    return contents.contents(
        session, parts().clock(), period(), text=asked.get("q", ""),
        sort=asked.get("sort", "shown"),
        brand_id=row_number(asked.get("brand", "")) or None, team=asked.get("team") or None,
        stage=stage if stage in {known.value for known in Stage} else "",
    )  # fmt: skip


def _rate(rate: Rate) -> list[str]:
    """Share and interval as numbers a spreadsheet reads; nothing where there is nothing."""
    if rate.share is None:
        return ["", "", ""]
    return [f"{value:.4f}" for value in (rate.share, rate.low, rate.high)]
