"""人群 → 名单: a file, looked at before it counts; how long it is good, and whom it spares."""

from __future__ import annotations

import csv
import io
from collections.abc import Callable
from datetime import datetime, time

from flask import Response as FlaskResponse
from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app import accounts, campaigns, segments
from app.accounts.models import Role
from app.flows.segments import audiences, list_file
from app.infra.clock import SHANGHAI
from app.infra.errors import NotFound, Refused, YishuError
from app.segments.models import ListState
from app.segments.wording import named
from app.web import auth
from app.web.console import bp
from app.web.console.segments.segment_words import COLUMN_WORDS, LINE_WORDS
from app.web.context import parts
from app.web.numbers import row_number
from app.web.policy import STAFF, allow
from app.web.spreadsheet import harmless

MAKERS = (Role.ADMIN, Role.MARKETER)
SHOWN, SAMPLE = 100, 5


@bp.get("/segments/lists")
@allow(*STAFF)
def segment_lists() -> str:
    """All lists, what is spared, and a form for another file."""
    with parts().db.reading() as session:
        return render_template(
            "console/segments/segment_lists.html", rows=segments.lists.listing(session),
            rules=segments.suppression.rules(session), columns=COLUMN_WORDS,
            people=accounts.names(session), now=parts().clock(),
        )  # fmt: skip


@bp.post("/segments/lists")
@allow(*MAKERS)
def upload_list() -> Response:
    """Read a file and keep whom it means, as a draft."""
    here, who, file, form = parts(), auth.actor(), request.files.get("file"), request.form
    try:
        if file is None or not file.filename:
            raise Refused(_("请选择一个 CSV 或 XLSX 文件。"))
        sheet = list_file.read(file.filename, file.read())
        with here.db.transaction() as session:
            row = list_file.keep(
                session, sheet, form.get("columns", ""), name=form.get("name", ""),
                purpose=form.get("purpose", ""), filename=file.filename,
                expires_at=until(form.get("expires", "")), author=who.key,
                corp_id=here.settings.wecom_corp_id, now=here.clock(),
            )  # fmt: skip
            accounts.audit(session, who.key, "list.uploaded", "list", row.id, now=here.clock())
    except YishuError as problem:
        flash(str(problem), "error")
        return redirect(url_for("console.segment_lists"))
    return redirect(url_for("console.segment_list", list_id=row.id))


@bp.get("/segments/lists/<int:list_id>", endpoint="segment_list")
@allow(*STAFF)
def show_list(list_id: int) -> str:
    """What a list holds, and of a draft what it does not."""
    with parts().db.reading() as session:
        row = segments.lists.get(session, list_id)
        rules = segments.suppression.of_list(session, list_id)
        sheet = row.sheet or {"header": [], "rows": []}
        return render_template(
            "console/segments/segment_list.html", row=row, report=(row.report or [])[:SHOWN],
            more=max(0, len(row.report or []) - SHOWN), lines=LINE_WORDS,
            users=audiences.users_of_list(session, list_id), people=accounts.names(session),
            spares=any(rule.campaign_id is None for rule in rules), now=parts().clock(),
            as_named=_("名单:%(name)s", name=named(row.name)), columns=COLUMN_WORDS,
            header=sheet["header"], sample=sheet["rows"][:SAMPLE],
            chosen={at: code for code, at in (row.columns or {}).items()},
            pushes=[campaigns.get(session, r.campaign_id) for r in rules if r.campaign_id],
        )  # fmt: skip


@bp.get("/segments/lists/<int:list_id>/report.csv")
@allow(*MAKERS)
def list_report(list_id: int) -> Response:
    """The lines that named nobody, to be corrected."""
    with parts().db.reading() as session:
        row = segments.lists.get(session, list_id)
    if not row.report:
        raise NotFound(_("这个名单没有需要核对的行。"))
    text = io.StringIO()
    lines = csv.writer(text)
    lines.writerow([_("行"), _("列"), _("内容"), _("说明")])
    for one in row.report:
        column = str(COLUMN_WORDS.get(one["column"], one["column"]))
        lines.writerow([one["line"], column, harmless(one["value"]), one["why"]])
    answer = FlaskResponse("\ufeff" + text.getvalue(), mimetype="text/csv")
    answer.headers["Content-Disposition"] = f"attachment; filename=list-{list_id}.csv"
    answer.headers["Cache-Control"] = "no-store"
    return answer


@bp.post("/segments/lists/<int:list_id>/<action>")
@allow(*MAKERS)
def act_on_list(list_id: int, action: str) -> Response:
    """Read the columns otherwise, confirm, prolong, spare its members, delete."""
    here, who = parts(), auth.actor()
    page = url_for("console.segment_list", list_id=list_id)
    try:
        with here.db.transaction() as session:
            told = _act(session, list_id, action, who.key)
            accounts.audit(session, who.key, f"list.{action}", "list", list_id, now=here.clock())
        flash(told, "success")
    except YishuError as problem:
        flash(str(problem), "error")
        return redirect(page)
    return redirect(url_for("console.segment_lists") if action == "delete" else page)


@bp.post("/segments/spared/<int:rule_id>/remove")
@allow(*MAKERS)
def spare_no_longer(rule_id: int) -> Response:
    """Write to those again."""
    here, who = parts(), auth.actor()
    with here.db.transaction() as session:
        row = segments.suppression.remove(session, rule_id)
        accounts.audit(
            session, who.key, "suppression.removed", "suppression", rule_id, now=here.clock()
        )
    flash(_("已取消排除。"), "success")
    if row.campaign_id:
        return redirect(url_for("console.campaign", campaign_id=row.campaign_id))
    return redirect(url_for("console.segment_lists"))


@bp.post("/campaigns/<int:campaign_id>/spare")
@allow(*MAKERS)
def spare_in_campaign(campaign_id: int) -> Response:
    """Leave those of a list (`list:3`) or segment (`segment:3`) out of one campaign."""
    here, who = parts(), auth.actor()
    sort, _sep, number = request.form.get("who", "").partition(":")
    try:
        with here.db.transaction() as session:
            campaigns.get(session, campaign_id)
            audiences.spare(
                session, campaign_id=campaign_id, author=who.key, now=here.clock(),
                list_id=row_number(number) if sort == "list" else None,
                segment_id=row_number(number) if sort == "segment" else None,
            )  # fmt: skip
            accounts.audit(
                session, who.key, "campaign.spare", "campaign", campaign_id, now=here.clock()
            )
        flash(_("这次推送不会发给他们。"), "success")
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.campaign", campaign_id=campaign_id))


def until(day: str) -> datetime | None:
    """The end of that day in China; None for no day. Raises Refused."""
    if not day:
        return None
    try:
        return datetime.combine(datetime.fromisoformat(day), time.max, SHANGHAI)
    except ValueError:
        raise Refused(_("看不懂有效期，请重新选择。")) from None


def _act(session: Session, list_id: int, action: str, who: str) -> str:
    now = parts().clock()
    acts: dict[str, Callable[[], str]] = {
        "columns": lambda: _columns(session, list_id),
        "confirm": lambda: _confirm(session, list_id),
        "prolong": lambda: _prolong(session, list_id, now),
        "spare": lambda: _spare(session, list_id, who, now),
        "delete": lambda: str(
            _("已删除名单“%(name)s”。", name=audiences.delete_list(session, list_id))
        ),
    }
    if action not in acts:
        raise Refused(_("没有这个操作。"))
    return acts[action]()


def _columns(session: Session, list_id: int) -> str:
    """`c3=phone`: the fourth column holds phones."""
    found: dict[str, int] = {}
    for name, code in request.form.items():
        if name[:1] == "c" and name[1:].isdecimal() and len(name) < 6 and code in COLUMN_WORDS:
            if code in found:
                words = COLUMN_WORDS[code]
                raise Refused(_("“%(name)s”只能选一列，请把另一列改为不使用。", name=words))
            found[code] = int(name[1:])
    corp = parts().settings.wecom_corp_id
    row = list_file.reread(session, list_id, found, corp_id=corp)
    return str(_("已按选择的列重新检查：找到 %(n)s 位医生。下次列名相同的文件会照这样读。",
                 n=row.figures.get("found", 0)))  # fmt: skip


def _confirm(session: Session, list_id: int) -> str:
    row = segments.lists.confirm(session, list_id)
    assert row.state == ListState.READY
    return str(_("名单可以使用了。"))


def _prolong(session: Session, list_id: int, now: datetime) -> str:
    audiences.prolong_list(session, list_id, until(request.form.get("expires", "")), now)
    return str(_("有效期已更新。"))


def _spare(session: Session, list_id: int, who: str, now: datetime) -> str:
    audiences.spare(session, list_id=list_id, author=who, now=now)
    return str(_("从现在起，所有推送和建议都不会发给名单里的医生。"))
