"""治理 → 联系规则: how often and when physicians may be contacted."""

from __future__ import annotations

from datetime import time

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from werkzeug.wrappers import Response

from app import accounts, consent
from app.accounts.models import Role
from app.infra.errors import Refused
from app.web import auth
from app.web.console import bp
from app.web.context import parts
from app.web.policy import allow

BOUNDS = {"cap_contacts": (0, 50), "cap_days": (1, 365), "refuse_days": (1, 365)}
NUMBERS = {
    "cap_contacts": _l("每位医生最多联系次数"), "cap_days": _l("在多少天内"),
    "refuse_days": _l("“不合适”后多少天不再推荐"), "daily_limit": _l("每日建议的数量"),
}  # fmt: skip


@bp.route("/governance/limits", methods=["GET", "POST"])
@allow(Role.ADMIN, Role.REVIEWER)
def contact_limits() -> str | Response:
    """How often and when physicians may be contacted."""
    if request.method == "POST":
        try:
            _set_limits()
            flash(_("已保存，立即对所有推送生效。"), "success")
        except Refused as problem:
            flash(str(problem), "error")
        return redirect(url_for("console.contact_limits"))
    here = parts()
    with here.db.transaction() as session:
        row = consent.policy_row(session, here.clock())
        return render_template("console/governance/limits.html", row=row, bounds=BOUNDS)


def _set_limits() -> None:
    """All of the form or nothing. Raises Refused."""
    here, who = parts(), auth.actor()
    with here.db.transaction() as session:
        now = here.clock()
        row = consent.policy_row(session, now)
        for name, bounds in BOUNDS.items():
            setattr(row, name, whole(name, *bounds, getattr(row, name)))
        for name in ("quiet_from", "quiet_until"):
            setattr(row, f"{name}_minute", clock(name, getattr(row, f"{name}_minute")))
        row.updated_at = now
        names = (*BOUNDS, "quiet_from_minute", "quiet_until_minute")
        accounts.audit(session, who.key, "limits.changed", "policy", 1, now=now,
                       **{name: getattr(row, name) for name in names})  # fmt: skip


def whole(name: str, low: int, high: int, otherwise: int) -> int:
    """A number of the form; what is out of bounds is never bent to fit. Raises Refused."""
    text = request.form.get(name, str(otherwise)).strip()
    if not (text.isdecimal() and len(text) < 9 and low <= int(text) <= high):
        raise Refused(
            _("%(what)s：请选 %(low)s 到 %(high)s 的整数。", what=NUMBERS[name], low=low, high=high)
        )
    return int(text)


def clock(name: str, otherwise: int) -> int:
    """Minutes after midnight, of the form's `21:00`. Raises Refused."""
    text = request.form.get(name)
    if text is None:
        return otherwise
    try:
        at = time.fromisoformat(text)
    except ValueError:
        raise Refused(_("请填写时间，例如 21:00。")) from None
    return at.hour * 60 + at.minute
