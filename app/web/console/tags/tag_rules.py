"""标签 → 自动标签: rules as sentences, tried on the past, switched on and off."""

from __future__ import annotations

from typing import Any

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy.orm import Session
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app import accounts, autotag, identity, tagging
from app.accounts.models import Role
from app.autotag import Switch, TagRuleTest
from app.infra.errors import Refused, YishuError
from app.web import auth, rule_words
from app.web.console import bp
from app.web.console.tags.rule_form import ACTS, KINDS, LENGTHS, ROWS, filled, holds_all, of_form
from app.web.context import parts
from app.web.policy import STAFF, allow

WRITERS = (Role.ADMIN, Role.MARKETER)
USUAL_DAYS, DAYS = 180, (90, 180, 360)
STATES = {
    "draft": _l("草稿"), "tested": _l("已回测"), "live": _l("生效中"), "paused": _l("已暂停"),
    "retired": _l("已停用"),
}  # fmt: skip
DONE = {
    Switch.LIVE: _l("已启用，worker 正在逐位医生计算。"),
    Switch.PAUSE: _l("已暂停，它给出的标签已收回；恢复后会回来。"),
    Switch.RESUME: _l("已恢复，它给出的标签回来了。"),
    Switch.RETIRE: _l("已停用，它给出的标签已收回；可以撤销。"),
    Switch.REVIVE: _l("已撤销停用。"),
}


@bp.get("/tags/rules/")
@allow(*STAFF)
def tag_rules() -> str:
    """All rules with their state, carriers and last run."""
    with parts().db.reading() as session:
        return render_template(
            "console/tags/tag_rules.html", rows=autotag.listing(session),
            carriers=autotag.carriers(session), sweep=autotag.sweeping(session),
            said=rule_words.teller(session),
            people=accounts.names(session), states=STATES,
        )  # fmt: skip


@bp.post("/tags/rules/starter")
@allow(*WRITERS)
def seed_tag_rules() -> Response:
    """Rules to begin with, as drafts."""
    here, who = parts(), auth.actor()
    with here.db.transaction() as session:
        made = autotag.seed(session, owner=who.key, now=here.clock())
        for row in made:
            accounts.audit(session, who.key, "rule.created", "tag_rule", row.id, now=here.clock())
    flash(_("已添加 %(n)s 条规则草稿，请逐条回测后启用。", n=len(made)), "success")
    return redirect(url_for("console.tag_rules"))


@bp.route("/tags/rules/new", methods=["GET", "POST"])
@allow(*WRITERS)
def new_tag_rule() -> str | Response | tuple[str, int]:
    """Write a rule."""
    if request.method == "GET":
        return _form(None, MultiDict({"is_0": "count", "act_0": "opened", "least_0": "3",
                                      "days_0": "30", "confidence": "80"}))  # fmt: skip
    here, who, form = parts(), auth.actor(), request.form
    try:
        with here.db.transaction() as session:
            row = autotag.create(
                session, name=form.get("name", ""), definition=of_form(form), owner=who.key,
                now=here.clock(),
            )  # fmt: skip
            accounts.audit(session, who.key, "rule.created", "tag_rule", row.id, now=here.clock())
    except Refused as problem:
        flash(str(problem), "error")
        return _form(None, form), 400
    flash(_("已保存为草稿。启用之前请先回测。"), "success")
    return redirect(url_for("console.tag_rule", rule_id=row.id))


@bp.route("/tags/rules/<int:rule_id>/edit", methods=["GET", "POST"])
@allow(*WRITERS)
def edit_tag_rule(rule_id: int) -> str | Response | tuple[str, int]:
    """Write the next version; what is live goes on until it is replaced."""
    here, who, form = parts(), auth.actor(), request.form
    if request.method == "GET":
        with here.db.reading() as session:
            shown = autotag.show(session, rule_id)
        if not holds_all(shown):
            flash(_("这条规则比表单能写的更细，请通过接口修改。"), "warning")
            return redirect(url_for("console.tag_rule", rule_id=rule_id))
        return _form(rule_id, filled(shown))
    try:
        with here.db.transaction() as session:
            row = autotag.revise(
                session, rule_id, definition=of_form(form), author=who.key, now=here.clock(),
                name=form.get("name", ""),
            )  # fmt: skip
            accounts.audit(
                session, who.key, "rule.written", "tag_rule", row.id, now=here.clock(),
                version=row.version,
            )  # fmt: skip
    except Refused as problem:
        flash(str(problem), "error")
        return _form(rule_id, form), 400
    flash(_("已保存为第 %(n)s 版。", n=row.version), "success")
    return redirect(url_for("console.tag_rule", rule_id=rule_id))


@bp.post("/tags/rules/read")
@allow(*WRITERS)
def read_tag_rule() -> str:
    """The form as a sentence, as a fragment."""
    try:
        with parts().db.reading() as session:
            rule = autotag.checked(session, of_form(request.form), parts().clock())
            return render_template(
                "console/tags/_rule_read.html", said=rule_words.teller(session)(rule)
            )
    except Refused as problem:
        return render_template("console/tags/_rule_read.html", problem=str(problem))


@bp.get("/tags/rules/<int:rule_id>")
@allow(*STAFF)
def tag_rule(rule_id: int) -> str:
    """One rule: what it says, its test, its versions, and what may be done."""
    with parts().db.reading() as session:
        shown = autotag.show(session, rule_id)
        return render_template(
            "console/tags/tag_rule.html", shown=shown, said=rule_words.teller(session)(shown.rule),
            versions=autotag.versions(session, rule_id), states=STATES, days=DAYS,
            usual=USUAL_DAYS, carriers=autotag.carriers(session).get(rule_id, 0),
            trail=accounts.audit_trail(session, "tag_rule", rule_id),
            users=accounts.names(session), **_tested(session, shown.test),
        )  # fmt: skip


@bp.get("/tags/rules/<int:rule_id>/test")
@allow(*STAFF)
def tag_rule_test(rule_id: int) -> str:
    """The back-test of the newest version, as a fragment that asks again while it runs."""
    with parts().db.reading() as session:
        shown = autotag.show(session, rule_id)
        return render_template(
            "console/tags/_rule_test.html", shown=shown, again=True, **_tested(session, shown.test)
        )


@bp.post("/tags/rules/<int:rule_id>/test")
@allow(*WRITERS)
def ask_tag_rule_test(rule_id: int) -> Response:
    """Try the newest version on the past."""
    days = request.form.get("days", USUAL_DAYS, int)
    here, who = parts(), auth.actor()
    try:
        with here.db.transaction() as session:
            test = autotag.ask_test(session, rule_id, days=days, by=who.key, now=here.clock())
            accounts.audit(
                session, who.key, "rule.tested", "tag_rule", rule_id, now=here.clock(),
                version=test.version, days=days,
            )  # fmt: skip
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.tag_rule", rule_id=rule_id))


@bp.post("/tags/rules/<int:rule_id>/switch")
@allow(*WRITERS)
def switch_tag_rule(rule_id: int) -> Response:
    """On, off, and back."""
    here, who = parts(), auth.actor()
    what = request.form.get("what", "")
    try:
        if what not in set(Switch):
            raise Refused(_("请选择要做什么。"))
        with here.db.transaction() as session:
            row = autotag.switch(session, rule_id, Switch(what), by=who.key, now=here.clock())
            accounts.audit(
                session, who.key, f"rule.{what}", "tag_rule", rule_id, now=here.clock(),
                version=row.live_version,
            )  # fmt: skip
        flash(str(DONE[Switch(what)]), "success")
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.tag_rule", rule_id=rule_id))


def _form(rule_id: int | None, given: MultiDict[str, str]) -> str:
    rows = max(ROWS, sum(key.startswith("is_") for key in given))
    with parts().db.reading() as session:
        return render_template(
            "console/tags/tag_rule_form.html", rule_id=rule_id, given=given, acts=ACTS, kinds=KINDS,
            lengths=LENGTHS, rows=range(rows), tags=tagging.tags(session),
            categories=tagging.categories(session),
        )  # fmt: skip


def _tested(session: Session, test: TagRuleTest | None) -> dict[str, Any]:
    """Names for what the result holds as ids."""
    result = test.result if test is not None else None
    if test is None or result is None:
        return {"test": test, "result": None, "sample": [], "names": {}}
    known = identity.physicians_by_id(session, result["sample"]) if result["sample"] else {}
    names = {tag.id: tag.name for tag in tagging.tags(session)}
    sample = [known[one_id] for one_id in result["sample"] if one_id in known]
    return {"test": test, "result": result, "sample": sample, "names": names}
