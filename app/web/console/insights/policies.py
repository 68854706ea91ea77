"""洞察 → 策略: how suggestions are chosen: judged, then tried, then live."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from werkzeug.datastructures import MultiDict
from werkzeug.wrappers import Response

from app import accounts
from app.accounts.models import Role
from app.flows.learning import policy_acts, trial
from app.flows.learning.policy_acts import Act
from app.infra.errors import NotFound, Refused, YishuError
from app.recommend import heads
from app.recommend.policy import policies
from app.recommend.policy.policies import Settings
from app.recommend.policy.policy_models import Policy, PolicyState
from app.web import auth
from app.web.console import bp
from app.web.console.insights.policy_words import FIGURES, LEVELS, level_of
from app.web.context import parts
from app.web.policy import STAFF, allow

WRITERS = (Role.ADMIN, Role.MARKETER)
SHARES = (0, 5, 10, 20)


@bp.get("/insights/policies")
@allow(*STAFF)
def policies_page() -> str:
    """The one that is live, the one on trial, and all before."""
    here = parts()
    with here.db.reading() as session:
        rows = policies.listing(session)
        return render_template(
            "console/insights/policies.html",
            live=policies.current(session, here.clock()), rows=rows,
            trial=policies.on_trial(session), users=accounts.names(session), shares=SHARES,
            figures=FIGURES,
        )  # fmt: skip


@bp.post("/insights/policies/holdout")
@allow(*WRITERS)
def change_holdout() -> Response:
    """Begin, change or end holding out; it changes no suggestion, so it needs no gate."""
    here, who, form = parts(), auth.actor(), request.form
    share, start = form.get("share", -1, int), form.get("start", -1, int)
    try:
        with here.db.transaction() as session:
            row = policy_acts.hold_out(
                session, share / 100, start, by=who.key, reason=form.get("reason", ""),
                now=here.clock(),
            )  # fmt: skip
        flash(_("已保存为第 %(n)s 版，从下一次计划起生效。", n=row.version), "success")
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.policies_page"))


@bp.route("/insights/policies/new", methods=["GET", "POST"])
@allow(*WRITERS)
def new_policy() -> str | Response | tuple[str, int]:
    """Write a policy; it is judged at once, and changes nothing yet."""
    here, who, form = parts(), auth.actor(), request.form
    if request.method == "GET":
        with here.db.reading() as session:
            return _form(_filled(policies.current(session, here.clock())))
    try:
        with here.db.transaction() as session:
            usual = policies.current(session, here.clock())
            row = policy_acts.draft(session, _of_form(form, usual), by=who.key, now=here.clock())
            policy_acts.act(session, row.version, Act.GATE, by=who.key, now=here.clock())
    except Refused as problem:
        flash(str(problem), "error")
        return _form(form), 400
    return redirect(url_for("console.policy", version=row.version))


@bp.get("/insights/policies/<int:version>")
@allow(*STAFF)
def policy(version: int) -> str:
    """One policy: what it says, what the gate found, how the trial goes, what may be done."""
    with parts().db.reading() as session:
        row = policies.by_version(session, version)
        trail = accounts.audit_trail(session, policy_acts.KIND, version)
        return render_template(
            "console/insights/policy.html", row=row, figures=FIGURES,
            reps=trial.tried_with(session, row) if row.state == PolicyState.CANARY else [],
            trail=trail, anew=next((e for e in trail if e.action == policy_acts.ANEW), None),
            users=accounts.names(session),
        )  # fmt: skip


@bp.get("/insights/policies/<int:version>/gate")
@allow(*STAFF)
def policy_gate(version: int) -> str | Response:
    """A fragment that asks again while the gate is at it; then the page with what can be done."""
    with parts().db.reading() as session:
        row = policies.by_version(session, version)
        if row.state != PolicyState.ASKED:
            return Response(headers={"HX-Refresh": "true"})
        return render_template("console/insights/_policy_gate.html", row=row)


@bp.post("/insights/policies/<int:version>")
@allow(*WRITERS)
def act_on_policy(version: int) -> Response:
    """Judge, try, make live, stop or go back, discard."""
    here, who, form = parts(), auth.actor(), request.form
    try:
        what = Act(form.get("what", ""))
        with here.db.transaction() as session:
            policy_acts.act(
                session, version, what, by=who.key, now=here.clock(),
                reason=form.get("reason", ""),
            )  # fmt: skip
        flash(_done(what), "success")
    except NotFound:
        raise
    except ValueError:
        flash(_("这个操作不存在，请刷新页面。"), "error")
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.policy", version=version))


def _done(what: Act) -> str:
    said = {
        Act.GATE: _("已交给 worker 评估。"),
        Act.TRY: _("已开始试行，从下一次计划起，少数代表的建议按它来选。"),
        Act.LIVE: _("已全面启用，从下一次计划起生效。"),
        Act.BACK: _("已退回，从下一次计划起生效。"),
        Act.DISCARD: _("已放弃。"),
    }
    return str(said[what])


def _of_form(form: MultiDict[str, str], usual: Policy) -> Settings:
    """With the holdout of the one that is live, as it is tried. Raises Refused."""
    if form.get("level", "") not in LEVELS:
        raise Refused(_("请选择探索的程度。"))
    alpha, floor, *_words = LEVELS[form["level"]]
    worth = {head: form.get(f"worth_{head}", -1.0, float) / 100 for head in heads.WORTH}
    return Settings(
        form.get("name", ""), alpha, floor, form.get("top", 0, int),
        usual.holdout, usual.holdout_from, worth, form.get("reason", ""),
    )  # fmt: skip


def _filled(policy: Policy) -> MultiDict[str, str]:
    worth = {f"worth_{head}": f"{100 * value:.0f}" for head, value in policy.worth.items()}
    return MultiDict(
        {
            "name": "", "level": level_of(policy) or "balanced", "top": str(policy.top), **worth,
        }
    )  # fmt: skip


def _form(form: MultiDict[str, str]) -> str:
    return render_template("console/insights/policy_form.html", form=form, levels=LEVELS)
