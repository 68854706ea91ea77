"""内容 → 面向哪些医生: licence, provinces, specialties, and for whom one refusal counts."""

from __future__ import annotations

import re

from flask import flash, redirect, request, url_for
from flask_babel import gettext as _
from werkzeug.wrappers import Response

from app import accounts, content
from app.accounts.models import Role
from app.flows.allowed import terms_changed
from app.infra.errors import YishuError
from app.web import auth
from app.web.console import bp
from app.web.context import parts
from app.web.policy import allow

_BETWEEN = re.compile(r"[、,，;；\s]+")


@bp.post("/contents/<int:version_id>/terms")
@allow(Role.ADMIN, Role.MARKETER, Role.REVIEWER)
def content_terms(version_id: int) -> Response:
    """They hold from now on, for planning and for what waits."""
    here, who, form = parts(), auth.actor(), request.form
    try:
        with here.db.transaction() as session:
            version = content.get_version(session, version_id)
            row = terms_changed.set_terms(
                session, version.content_id, verified_only=bool(form.get("verified_only")),
                provinces=_BETWEEN.split(form.get("provinces", "")),
                specialties=_BETWEEN.split(form.get("specialties", "")),
                refusal_for_all=bool(form.get("refusal_for_all")), by=who.key, now=here.clock(),
            )  # fmt: skip
            accounts.audit(
                session, who.key, "content.terms", "content", version.content_id,
                now=here.clock(), verified_only=row.verified_only,
            )  # fmt: skip
        flash(_("已保存，下一次计划和发送起生效。"), "success")
    except YishuError as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.content", version_id=version_id))
