"""治理 → 代表设置: the brands that a rep speaks for."""

from __future__ import annotations

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app import accounts, content, reps
from app.accounts.models import Role
from app.flows.allowed import terms_changed
from app.web import auth
from app.web.console import bp
from app.web.context import parts
from app.web.numbers import row_number
from app.web.policy import allow


@bp.post("/governance/reps/brands")
@allow(Role.ADMIN, Role.MARKETER)
def rep_brands() -> Response:
    """Exactly the ticked ones; none ticked: all."""
    here, who = parts(), auth.actor()
    with here.db.transaction() as session:
        rep = reps.get_rep(session, row_number(request.form.get("id", "")))
        known = {brand.id for brand in content.brands(session)}
        chosen = {int(one) for one in request.form.getlist("brands") if one.isdecimal()} & known
        terms_changed.set_brands(session, rep.id, chosen, here.clock())
        accounts.audit(session, who.key, "rep.brands", "rep", rep.id, now=here.clock(),
                       number=len(chosen))  # fmt: skip
        flash(_("已保存 %(name)s 的设置。", name=rep.name), "success")
    return redirect(url_for("console.rep_settings"))
