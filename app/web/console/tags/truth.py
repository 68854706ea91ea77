"""标签 → 仲裁 → 真实度: how well each tag of each source predicts what physicians open."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app import accounts, court, tagging
from app.accounts.models import Role
from app.infra.errors import YishuError
from app.web import auth
from app.web.console import bp
from app.web.context import parts
from app.web.numbers import row_number
from app.web.policy import STAFF, allow

SHOWN = 200


@bp.get("/tags/truth")
@allow(*STAFF)
def truth() -> str:
    """The table, worst first; `?source=` of one source; `?of=` the history of one line."""
    source, of = request.args.get("source", ""), request.args.get("of")
    tag = row_number(of) if of else None  # 0: the whole source
    with parts().db.reading() as session:
        lines = court.truth(session, source=source)
        changes = tagging.reliability_changes(session, source, tag) if tag is not None else None
        return render_template(
            "console/tags/truth.html", lines=lines[:SHOWN], total=len(lines), source=source, of=tag,
            sources=tagging.LEARNED_FROM, changes=changes, names=court.words(session),
            users=accounts.names(session), retirements=court.retirements(session),
            learned_at=court.learned_at(session), prior=tagging.prior,
        )  # fmt: skip


@bp.post("/tags/truth/fix")
@allow(Role.ADMIN)
def fix_reliability() -> Response:
    """A value holds from now on, whatever is learned; or what was learned holds again."""
    here, who, form = parts(), auth.actor(), request.form
    source, tag_id = form.get("source", ""), form.get("tag", 0, int)
    percent = form.get("value", -1.0, float)
    try:
        with here.db.transaction() as session:
            if "release" in form:
                tagging.release(session, source, tag_id, actor=who.key, now=here.clock())
                told, what = _("已恢复为学到的可信度。"), "court.released"
            else:
                tagging.fix(
                    session, source, tag_id, percent / 100, actor=who.key,
                    reason=form.get("reason", "")[:500], now=here.clock(),
                )  # fmt: skip
                told, what = _("已固定。带有这个标签的医生，强度随即更新。"), "court.fixed"
            accounts.audit(
                session, who.key, what, "reliability", f"{source}:{tag_id}", now=here.clock()
            )
        flash(told, "success")
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.truth", source=source or None, of=tag_id))


@bp.post("/tags/truth/retire/<int:tag_id>")
@allow(*STAFF)
def retire_tag(tag_id: int) -> Response:
    """Accept that a tag is retired, or keep it."""
    here, who = parts(), auth.actor()
    accept = request.form.get("answer") == "retire"
    try:
        with here.db.transaction() as session:
            tag = court.decide_retirement(
                session, tag_id, accept=accept, actor=who.key, now=here.clock()
            )
            what = "court.retired" if accept else "court.kept"
            accounts.audit(session, who.key, what, "tag", tag.key, now=here.clock())
        text = _("已停用“%(name)s”，历史保留。") if accept else _("已保留“%(name)s”。")
        flash(text % {"name": tag.name}, "success")
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.truth"))
