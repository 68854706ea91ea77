"""人群: try an expression and see the size and names at once; save it."""

from __future__ import annotations

from flask import flash, redirect, render_template, request, url_for
from flask_babel import gettext as _
from flask_babel import lazy_gettext as _l
from sqlalchemy import select
from werkzeug.wrappers import Response

from app import identity, segments, tagging
from app.accounts.models import Role
from app.infra.errors import Refused
from app.segments import Reason, Segment, Unparseable
from app.segments.expression import All, AnyOf, FieldIs, Not, Opened, Reachable, TagIs
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
JOINS = {All: _l("以下都满足"), AnyOf: _l("以下至少一条满足"), Not: _l("以下不满足")}
CHANNEL_WORDS = {"wecom": _l("企微好友"), "oa": _l("关注公众号"), "all": _l("全部医生")}
FIELD_WORDS = {
    "specialty": _l("专科"), "hospital": _l("医院"), "department": _l("科室"), "title": _l("职称"),
    "city": _l("城市"), "province": _l("省份"), "rep": _l("代表"),
}  # fmt: skip


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


@bp.app_template_filter("part_words")
def part_words(reason: Reason) -> str:
    """One part of an expression, for people."""
    node = reason.node
    if isinstance(node, TagIs):
        return str(_("标签“%(name)s”的强度 ≥ %(n)s", name=node.name, n=node.at_least))
    if isinstance(node, FieldIs):
        return str(_("%(field)s = %(value)s", field=FIELD_WORDS[node.field], value=node.value))
    if isinstance(node, Opened):
        return str(_("近 %(days)s 天打开 ≥ %(times)s 次", days=node.days, times=node.times))
    if isinstance(node, Reachable):
        return str(CHANNEL_WORDS[node.channel])
    return str(JOINS[type(node)])


@bp.app_template_filter("part_known")
def part_known(reason: Reason) -> str:
    """What is known about it of this physician; "" when the sign says it all."""
    if isinstance(reason.node, TagIs):
        strength = reason.known
        return str(_("没有") if strength is None else _("现在 %(n)s", n=f"{strength:.2f}"))
    if isinstance(reason.node, Opened):
        return str(_("打开了 %(n)s 次", n=int(reason.known or 0)))
    return ""


@bp.post("/segments/")
@allow(Role.ADMIN, Role.MARKETER)
def save_segment() -> Response:
    """Save an audience under a name."""
    here = parts()
    name, text = request.form.get("name", "").strip(), request.form.get("expression", "").strip()
    try:
        with here.db.transaction() as session:
            segments.check(session, text)
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
