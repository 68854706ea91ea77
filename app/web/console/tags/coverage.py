"""标签 → 内容覆盖: what has no content, and which contents lack tags or readers; suggestions."""

from __future__ import annotations

from flask import render_template, request
from flask_babel import lazy_gettext as _l

from app import autotag
from app.accounts.models import Role
from app.web.console import bp
from app.web.context import parts
from app.web.policy import STAFF, allow

SHOWN = 50
REASONS = {
    "few": _l("标签太少"), "no_disease": _l("没有专科或疾病标签"), "broad": _l("只有宽泛的标签"),
}  # fmt: skip
PLACES = {"title": _l("标题"), "summary": _l("摘要"), "body": _l("正文")}


@bp.get("/tags/coverage")
@allow(*STAFF)
def tag_coverage() -> str:
    """Gaps first, the largest first."""
    here = parts()
    with here.db.reading() as session:
        found = autotag.coverage(session, here.clock())
        return render_template(
            "console/tags/tag_coverage.html", found=found, shown=SHOWN, reasons=REASONS
        )


@bp.post("/contents/suggest")
@allow(Role.ADMIN, Role.MARKETER)
def suggest_content_tags() -> str:
    """Tags that what is being written speaks of, as a fragment; to be taken with one click."""
    texts = {name: request.form.get(name, "") for name in PLACES}
    chosen = set(request.form.getlist("tags"))
    with parts().db.reading() as session:
        found = autotag.suggested(session, texts)
    return render_template(
        "console/tags/_suggestions.html", found=found, chosen=chosen, places=PLACES,
        written=any(texts.values()),
    )  # fmt: skip
