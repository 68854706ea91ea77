"""人群: try an expression and see the size and names at once; save it."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from sqlalchemy import select
from werkzeug.wrappers import Response

from app import identity, segments, tagging
from app.accounts.models import Role
from app.infra.errors import Refused
from app.segments import Segment, Unparseable
from app.web import auth
from app.web.console import bp
from app.web.context import parts
from app.web.policy import STAFF, allow

EXAMPLES = (
    "标签:房颤 且 企微好友",
    "专科 = 肿瘤 且 近30天打开 ≥ 2",
    "(标签:高血压 或 标签:房颤) 且 城市 = 云岭市 且 非 职称 = 住院医师",
)
SHOWN = 3  # physicians whose reasons are shown at once


@bp.get("/segments/", endpoint="segments")
@allow(*STAFF)
def segments_page() -> str:
    """Saved audiences and a field to try one."""
    with parts().db.reading() as session:
        return render_template(
            "console/segments.html",
            saved=session.scalars(select(Segment).order_by(Segment.name)).all(),
            tags=tagging.tags(session),
            expression=request.args.get("expression", ""),
            examples=EXAMPLES,
        )


@bp.get("/segments/count")
@allow(*STAFF)
def segment_count() -> str:
    """Size and sample of an expression, as a fragment."""
    text = request.args.get("expression", "")
    here = parts()
    try:
        with here.db.reading() as session:
            found = segments.audience(session, text, here.clock(), with_reps=False)
    except (Unparseable, Refused) as problem:
        return render_template("console/_audience.html", problem=str(problem))
    return render_template("console/_audience.html", audience=found, expression=text)


@bp.get("/segments/reps")
@allow(*STAFF)
def segment_reps() -> str:
    """Over how many reps, as a fragment that comes after the count."""
    text = request.args.get("expression", "")
    here = parts()
    try:
        with here.db.reading() as session:
            found = segments.audience(session, text, here.clock(), 0)
    except (Unparseable, Refused):
        return ""
    return str(_("，%(n)s 位代表", n=found.reps))


@bp.get("/segments/why")
@allow(*STAFF)
def segment_why() -> str:
    """Why the physicians whom a search finds are in or not, part by part, as a fragment."""
    text, who = request.args.get("expression", ""), request.args.get("who", "").strip()
    here = parts()
    try:
        with here.db.reading() as session:
            found, total = identity.search(session, who, limit=SHOWN) if who else ([], 0)
            told = [
                (person, segments.why(session, text, person.one_id, here.clock()))
                for person in found
            ]
    except (Unparseable, Refused) as problem:
        return render_template("console/_why.html", problem=str(problem))
    return render_template("console/_why.html", who=who, told=told, more=total - len(told))


@bp.post("/segments/")
@allow(Role.ADMIN, Role.MARKETER)
def save_segment() -> Response:
    """Save an audience under a name."""
    here = parts()
    name, text = request.form.get("name", "").strip(), request.form.get("expression", "").strip()
    try:
        with here.db.transaction() as session:
            segments.check(session, text, here.clock())
            if not name:
                raise Refused(_("请给人群取一个名字。"))
            if session.scalar(select(Segment).where(Segment.name == name)):
                raise Refused(_("人群“%(name)s”已经存在。", name=name))
            session.add(
                Segment(name=name, expression=text, created_by=auth.actor().key,
                        created_at=here.clock())
            )  # fmt: skip
        flash(_("已保存人群“%(name)s”。", name=name), "success")
    except (Unparseable, Refused) as problem:
        flash(str(problem), "error")
    return redirect(url_for("console.segments", expression=text))
