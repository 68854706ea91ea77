"""标签 → 企微同步: what is mirrored, how it stands in WeCom, repair."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from app import accounts, tagging
from app.infra.errors import YishuError
from app.tagging import MirrorPlan, MirrorState, mirror_rules
from app.tagging.mirror.mirror_list import LONGEST
from app.web import auth
from app.web.console import bp
from app.web.context import parts
from app.web.policy import MIRRORERS, STAFF, allow

STATES = {
    MirrorState.PLANNED: _l("准备同步"),
    MirrorState.MAKING: _l("正在新建"),
    MirrorState.THERE: _l("已同步"),
    MirrorState.RENAMED: _l("企微里改了名"),
    MirrorState.GONE: _l("企微里已删除"),
    MirrorState.REFUSED: _l("没有同步"),
    MirrorState.ENDING: _l("正在取消"),
}
TONES = {
    MirrorState.THERE: "good", MirrorState.RENAMED: "wait", MirrorState.GONE: "bad",
    MirrorState.REFUSED: "bad",
}  # fmt: skip


@bp.get("/tags/mirror")
@allow(*STAFF)
def tag_mirror() -> str:
    """Every tag with whether it is mirrored and how it stands."""
    with parts().db.reading() as session:
        plan = session.get(MirrorPlan, 1)
        return render_template(
            "console/tags/tag_mirror.html", tags=tagging.tags(session),
            categories=tagging.categories(session), counts=tagging.counts_by_tag(session),
            mirrors=tagging.mirrors(session), standing=tagging.mirror_standing(session),
            failures=tagging.mark_failures(session), states=STATES, tones=TONES,
            listed_at=plan.listed_at if plan else None, longest=LONGEST,
            on=mirror_rules.ON, off=mirror_rules.OFF, keepers=MIRRORERS,
        )  # fmt: skip


@bp.post("/tags/mirror")
@allow(*MIRRORERS)
def choose_mirrored() -> str | Response:
    """Mirror a tag, or stop. Stopping takes our marks away, so it says first how many."""
    here, who, form = parts(), auth.actor(), request.form
    key, on = form.get("tag", ""), form.get("on") == "1"
    try:
        with here.db.transaction() as session:
            if not on and form.get("sure") != "1":
                return _ask(key)
            tag = tagging.choose_mirrored(session, key, on, actor=who.key, now=here.clock())
            action = "tag.mirrored" if on else "tag.unmirrored"
            accounts.audit(session, who.key, action, "tag", tag.key, now=here.clock())
        begins = _("“%(name)s”会同步到企业微信，几分钟内完成。", name=tag.name)
        ends = _("“%(name)s”不再同步，我们打上的标记正在移除。", name=tag.name)
        flash(begins if on else ends, "success")
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.tag_mirror"))


@bp.post("/tags/mirror/repair")
@allow(*MIRRORERS)
def repair_mirror() -> Response:
    """Do again whatever stands still."""
    here, who = parts(), auth.actor()
    with here.db.transaction() as session:
        number = tagging.repair_mirror(session, here.clock())
        accounts.audit(session, who.key, "tag.mirror_repaired", "tag", "", now=here.clock())
    flash(_("已开始修复：%(n)s 处重新处理，并完整核对一遍。", n=number), "success")
    return redirect(url_for("console.tag_mirror"))


def _ask(key: str) -> str:
    with parts().db.reading() as session:
        tag = tagging.by_key(session, key)
        counts = tagging.counts_by_tag(session).get(tag.id) if tag else None
        return render_template("console/tags/tag_mirror_sure.html", tag=tag, counts=counts)
