"""治理 → 核对: do we know what the platforms know, per rep; what a look of our own found."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from app import accounts, completeness, reps
from app.accounts.models import Role
from app.completeness import Kind, Source
from app.flows.completeness.reconcile import accounts_of
from app.web import auth
from app.web.console import bp
from app.web.context import parts
from app.web.policy import STAFF, allow

WHATS = {
    "added": _l("新增好友"),
    "removed": _l("好友已不在"),
    "edited": _l("备注、标签或资料不同"),
    "followed": _l("新增关注"),
    "unfollowed": _l("已取消关注"),
    "new": _l("新标签"),
    "renamed": _l("标签改名"),
    "gone": _l("标签已删除"),
}
SOURCES = {
    Source.CONTACTS: _l("企业微信好友"),
    Source.FOLLOWERS: _l("公众号粉丝"),
    Source.TAGS: _l("企业微信标签"),
    Source.REPS: _l("代表名单"),
}


@bp.get("/governance/completeness")
@allow(*STAFF)
def completeness_page() -> str:
    """Figures over everything, then list by list."""
    here = parts()
    with here.db.reading() as session:
        known = reps.reps_by_id(session).values()
        return render_template(
            "console/governance/completeness.html", names={rep.userid: rep.name for rep in known},
            numbers={rep.userid: rep.id for rep in known}, whats=WHATS, sources=SOURCES,
            figures=completeness.figures(session, here.clock()),
            rows=completeness.standings(session), runs=completeness.recent_runs(session),
            alarm_above=completeness.ALARM_ABOVE,
        )  # fmt: skip


@bp.post("/governance/completeness")
@allow(Role.ADMIN)
def pull_now() -> Response:
    """Begin a pull."""
    here, who = parts(), auth.actor()
    kind = Kind.FULL if request.form.get("kind") == Kind.FULL else Kind.HOURLY
    with here.db.transaction() as session:
        now = here.clock()
        run = completeness.begin(session, kind, now, accounts_of(here.outside), now)
        if run is not None:
            accounts.audit(session, who.key, f"pull.{kind}", "pull", run.id, now=now)
    if run is not None:
        flash(_("已开始核对，结果会陆续显示在这里。"), "success")
    else:
        flash(_("另一次核对正在进行。"), "error")
    return redirect(url_for("console.completeness_page"))


@bp.app_template_filter("what_found")
def what_found(found: dict[str, int]) -> str:
    """`新增好友 2 · 标签改名 1`."""
    told = ((WHATS.get(what.rsplit(".", 1)[-1], what), n) for what, n in sorted(found.items()))
    return " · ".join(f"{name} {number:,}" for name, number in told)


@bp.app_template_filter("exactly")
def exactly(share: float | None) -> str:
    """`99.95%` of a share 0–1: rounding up would hide what is missing."""
    if share is None:
        return "—"
    return "100%" if share >= 1 else f"{int(share * 10_000) / 100:.2f}%"
