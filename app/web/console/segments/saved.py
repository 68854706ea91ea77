"""人群 → one saved segment: what it means, its versions, who uses it, and who is spared by it."""

from __future__ import annotations

from collections.abc import Callable

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy.orm import Session
from werkzeug.wrappers import Response

from app import accounts, campaigns, segments
from app.flows.segments import audiences
from app.infra.errors import Refused, YishuError
from app.segments import Unparseable
from app.segments.wording import named
from app.web import auth
from app.web.console import bp
from app.web.console.segments.editor import MAKERS, segments_form
from app.web.context import parts
from app.web.numbers import row_number
from app.web.policy import STAFF, allow

RUNS = 20


@bp.get("/segments/<int:segment_id>", endpoint="segment")
@allow(*STAFF)
def show_segment(segment_id: int) -> str:
    """One saved segment."""
    here, problem, found = parts(), "", None
    with here.db.reading() as session:
        row = segments.saved.get(session, segment_id)
        try:
            found = segments.audience(session, row.expression, here.clock())
        except (Unparseable, Refused) as told:
            problem = str(told)
        runs = campaigns.runs_with(session, segment_id)[:RUNS]
        return render_template(
            "console/segments/segment.html", segment=row, audience=found, problem=problem,
            versions=segments.saved.history(session, segment_id),
            users=audiences.users_of_segment(session, segment_id),
            runs=[(used, run, campaigns.get(session, number)) for used, run, number in runs],
            spares=_everywhere(session, segment_id), people=accounts.names(session),
            as_named=_("人群:%(name)s", name=named(row.name)),
        )  # fmt: skip


@bp.post("/segments/<int:segment_id>")
@allow(*MAKERS)
def change_segment(segment_id: int) -> Response | tuple[str, int]:
    """Another expression (a new version), description or name."""
    here, form, who = parts(), request.form, auth.actor()

    def act(session: Session) -> str:
        row = audiences.change_segment(
            session, segment_id, expression=form.get("expression", ""), author=who.key,
            description=form.get("description"), base=row_number(form.get("base", "")) or None,
            now=here.clock(),
        )  # fmt: skip
        audiences.rename_segment(session, segment_id, form.get("name", row.name))
        return str(_("已保存，现在是第 %(n)s 版。", n=row.version))

    return _do(segment_id, "segment.changed", act) or (segments_form(str(segment_id), form), 409)


@bp.post("/segments/<int:segment_id>/<action>")
@allow(*MAKERS)
def act_on_segment(segment_id: int, action: str) -> Response:
    """Go back to a version, copy, delete, spare its members or no longer."""
    here, who = parts(), auth.actor()
    to = ""

    def act(session: Session) -> str:
        nonlocal to
        now = here.clock()
        if action == "back":
            number = row_number(request.form.get("number", ""))
            audiences.segment_back(session, segment_id, number, author=who.key, now=now)
            return str(_("已恢复第 %(n)s 版的条件，成为最新版。", n=number))
        if action == "duplicate":
            copy = segments.saved.duplicate(session, segment_id, author=who.key, now=now)
            to = url_for("console.segment", segment_id=copy.id)
            return str(_("已复制为“%(name)s”。", name=copy.name))
        if action == "delete":
            name = audiences.delete_segment(session, segment_id)
            to = url_for("console.segments")
            return str(_("已删除人群“%(name)s”。", name=name))
        if action == "spare":
            audiences.spare(session, segment_id=segment_id, author=who.key, now=now)
            return str(_("从现在起，所有推送和建议都不会发给这个人群。"))
        raise Refused(_("没有这个操作。"))

    page = url_for("console.segment", segment_id=segment_id)
    return _do(segment_id, f"segment.{action}", act, lambda: to) or redirect(page)


def _do(
    segment_id: int, what: str, act: Callable[[Session], str], to: Callable[[], str] = lambda: ""
) -> Response | None:
    """In one transaction, with a line in the audit; None after a mistake, which was told."""
    here, who = parts(), auth.actor()
    page = url_for("console.segment", segment_id=segment_id)
    try:
        with here.db.transaction() as session:
            told = act(session)
            accounts.audit(session, who.key, what, "segment", segment_id, now=here.clock())
        flash(told, "success")
    except (Unparseable, YishuError) as problem:
        flash(str(problem), "error")
        return None
    return redirect(to() or page)


def _everywhere(session: Session, segment_id: int) -> bool:
    rules = segments.suppression.of_segment(session, segment_id)
    return any(rule.campaign_id is None for rule in rules)
